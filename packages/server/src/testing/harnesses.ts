/**
 * What the SDKs' own test harnesses do to set an app up, call by call in their order.
 *
 * @module
 */

import { type AdminClient, type AppOfAdmin, openRole } from "./admin-client.js";

const source = (body: string): string => `exports = function () { ${body} };`;

const flexible = {
  state: "enabled",
  database_name: "test_data",
  queryable_fields_names: ["country"],
  asymmetric_tables: [],
  is_recovery_mode_disabled: false,
};

const citySchema = (properties: object = {}): object => ({
  title: "City",
  bsonType: "object",
  properties: {
    _id: { bsonType: "long" },
    name: { bsonType: "string" },
    country: { bsonType: "string" },
    tags: { bsonType: "array", items: { bsonType: "string" } },
    ...properties,
  },
  required: ["_id", "name", "country"],
});

const countrySchema: object = {
  title: "Country",
  bsonType: "object",
  properties: { _id: { bsonType: "string" } },
  required: ["_id"],
};

const at = (collection: string): object => ({ data_source: "BackingDB", database: "test_data", collection });
const cityLinks = { home: { ref: "#/relationship/BackingDB/test_data/Country", foreign_key: "_id", is_list: false } };

/** An app that a harness made, and the data source in it. */
export interface HarnessApp {
  readonly app: AppOfAdmin;
  readonly serviceId: string;
}

async function idByType(app: AppOfAdmin, path: string, type: string): Promise<string> {
  const { body } = await app.call("GET", path);
  const found = (body as readonly { readonly _id: string; readonly type: string }[]).find((one) => one.type === type);
  if (found === undefined) throw new Error(`no ${type} among ${path}`);
  return found._id;
}

async function untilAccepting(app: AppOfAdmin): Promise<void> {
  while ((await app.must("GET", "sync/progress"))["accepting_clients"] !== true) continue;
}

/** realm-core's: everything by its own call, schemas twice because of links, Development Mode last. */
export async function createAsCore(client: AdminClient, developmentMode = false): Promise<HarnessApp> {
  const app = await client.createApp("core");
  const confirm = await app.idOf("POST", "functions", { name: "confirm", private: false, source: source("") });
  const reset = await app.idOf("POST", "functions", { name: "reset", private: false, source: source("") });
  await app.must("POST", "auth_providers", { type: "anon-user" });
  const config = {
    autoConfirm: true,
    confirmationFunctionName: "confirm",
    confirmationFunctionId: confirm,
    runConfirmationFunction: false,
    resetFunctionName: "reset",
    resetFunctionId: reset,
    runResetFunction: true,
  };
  await app.must("POST", "auth_providers", { type: "local-userpass", config });
  await app.must("PUT", `auth_providers/${await idByType(app, "auth_providers", "api-key")}/enable`);
  await app.must("POST", "secrets", { name: "gcm", value: "gcm" });
  const backing = { name: "BackingDB", type: "mongodb", config: { uri: "mongodb://localhost:26000" } };
  await app.must("POST", "services", { ...backing, version: 1 });
  await app.must("POST", "services", {
    name: "gcm",
    type: "gcm",
    config: { senderId: "gcm" },
    secret_config: { apiKey: "gcm" },
    version: 1,
  });
  const serviceId = await idByType(app, "services", "mongodb");
  await app.must("POST", `services/${serviceId}/default_rule`, { roles: [openRole] });
  await putSchemasTwice(app);
  await app.must("PATCH", `services/${serviceId}/config?bypass_service_change=SyncSchemaVersionIncrease`, {
    flexible_sync: flexible,
  });
  await app.must("PUT", "sync/config", { development_mode_enabled: developmentMode });
  await untilAccepting(app);
  return { app, serviceId };
}

async function putSchemasTwice(app: AppOfAdmin): Promise<void> {
  const city = await app.idOf("POST", "schemas", { metadata: at("City"), schema: citySchema(), relationships: {} });
  await app.must("POST", "schemas", { metadata: at("Country"), schema: countrySchema, relationships: {} });
  await app.must("PUT", `schemas/${city}`, {
    _id: city,
    metadata: at("City"),
    schema: citySchema({ home: { bsonType: "string" } }),
    relationships: cityLinks,
  });
}

/** realm-js's importer: the app in Development Mode from its first call, nothing said of classes. */
export async function importAsJavaScript(client: AdminClient): Promise<HarnessApp> {
  const app = await client.createApp("with-anon-flx", { sync: { development_mode_enabled: true } });
  await app.must("POST", "secrets", { name: "mongodb_uri", value: "mongodb://localhost:26000" });
  await app.must("POST", "values", { name: "answer", value: 42, from_secret: false });
  const { state, database_name: database, is_recovery_mode_disabled: isDisabled } = flexible;
  const serviceId = await app.idOf("POST", "services", {
    name: "mongodb",
    type: "mongodb",
    config: { flexible_sync: { state, database_name: database, is_recovery_mode_disabled: isDisabled } },
    secret_config: { uri: "mongodb_uri" },
  });
  await app.must("POST", `services/${serviceId}/default_rule`, { roles: [openRole] });
  const id = await app.idOf("POST", "functions", { name: "authFunc", source: source(""), private: true });
  for (const provider of [
    { type: "anon-user", name: "anon-user", disabled: false },
    { type: "local-userpass", name: "local-userpass", disabled: false, config: { autoConfirm: true } },
    { type: "custom-function", name: "custom-function", disabled: true, config: { authFunctionId: id } },
  ]) {
    const { body } = await app.call("GET", "auth_providers");
    const known = (body as readonly { readonly _id: string; readonly type: string }[]).find(
      ({ type }) => type === provider.type,
    );
    if (known === undefined) await app.must("POST", "auth_providers", provider);
    else await app.must("PATCH", `auth_providers/${known._id}`, { ...provider, _id: known._id });
  }
  await app.must("PUT", "sync/config", { development_mode_enabled: true });
  return { app, serviceId };
}

/** realm-dart's: found by name or made, four apps of one kind. */
export async function createAsDart(client: AdminClient): Promise<HarnessApp> {
  const { body: existing } = await client.call("GET", `${client.groupPath}/apps`);
  if (!Array.isArray(existing)) throw new Error("a list of apps is expected");
  const app = await client.createApp("flexible-local");
  const confirm = { name: "confirmFunc", source: source(""), private: false, can_evaluate: {} };
  const confirmId = await app.idOf("POST", "functions", confirm);
  await app.must("PUT", `functions/${confirmId}`, { ...confirm, source: source("return { status: 'success' }") });
  await app.must("POST", "auth_providers", { type: "anon-user" });
  await app.must("POST", "auth_providers", { type: "local-userpass", config: { autoConfirm: true } });
  await app.must("PUT", `auth_providers/${await idByType(app, "auth_providers", "api-key")}/enable`, {});
  await app.must("POST", "auth_providers", { type: "oauth2-facebook", config: { clientId: "1" } });
  const serviceId = await app.idOf("POST", "services", {
    name: "BackingDB",
    type: "mongodb",
    config: { uri: "mongodb://localhost:26000" },
  });
  await app.must("POST", `services/${serviceId}/default_rule`, { roles: [openRole] });
  await app.must("POST", "schemas", { metadata: at("City"), schema: citySchema() });
  await app.must("PATCH", `services/${serviceId}/config`, {
    flexible_sync: { ...flexible, queryable_fields_names: ["differentiator", "country"] },
  });
  await app.must("PUT", "sync/config", { development_mode_enabled: true });
  const { progress } = await app.must("GET", "sync/progress");
  if (Object.values(progress as object).some((one: { readonly complete?: boolean }) => one.complete !== true)) {
    throw new Error("something is not complete");
  }
  return { app, serviceId };
}

/** realm-kotlin's: functions and providers first, and settings of providers changed one by one. */
export async function createAsKotlin(client: AdminClient): Promise<HarnessApp> {
  const app = await client.createApp("flx-test");
  await app.must("POST", "functions", { name: "confirmFunc", source: source(""), private: false });
  const passwords = await app.idOf("POST", "auth_providers", {
    type: "local-userpass",
    config: {
      autoConfirm: true,
      emailConfirmationUrl: "http://realm.io/confirm-user",
      confirmationFunctionName: "confirmFunc",
      runConfirmationFunction: false,
      resetPasswordUrl: "http://realm.io/reset-password",
    },
  });
  await app.must("PATCH", `auth_providers/${passwords}`, { config: { autoConfirm: true } });
  await app.must("GET", `auth_providers/${passwords}`);
  await app.must("POST", "auth_providers", { type: "anon-user" });
  const serviceId = await app.idOf("POST", "services", {
    name: "BackingDB",
    type: "mongodb",
    config: { uri: "mongodb://localhost:26000" },
  });
  await app.must("PATCH", "custom_user_data", {
    mongo_service_id: serviceId,
    enabled: true,
    database_name: "test_data",
    collection_name: "UserData",
    user_id_field: "user_id",
  });
  await app.must("POST", `services/${serviceId}/default_rule`, { roles: [openRole] });
  await putSchemasTwice(app);
  await app.must("PATCH", `services/${serviceId}/config`, { flexible_sync: flexible });
  await app.must("PUT", "sync/config", { development_mode_enabled: true });
  await untilAccepting(app);
  return { app, serviceId };
}
