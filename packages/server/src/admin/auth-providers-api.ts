/**
 * Admin API: the ways to log in, and where custom user data is.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { asObject } from "../schema/problem.js";
import { serviceErrors } from "../service-error.js";
import type { AdminApp } from "./admin-app.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer } from "./admin-call.js";
import { functionId, functionName } from "./functions-api.js";
import { serviceNameById } from "./service-files.js";
import type { FileEdits, VirtualFiles } from "./virtual-files.js";

/** The file of all providers. */
export const providersPath = "auth/providers.json";
const userDataPath = "auth/custom_user_data.json";

const settings = z.record(z.string(), z.unknown());
const providerParts = {
  name: z.string().optional(),
  disabled: z.boolean().optional(),
  config: settings.nullish(),
  secret_config: settings.nullish(),
  metadata_fields: z.array(z.unknown()).nullish(),
  redirect_uris: z.array(z.unknown()).nullish(),
};
const newProvider = z.looseObject({ type: z.string(), ...providerParts });
const changedProvider = z.looseObject({ type: z.string().optional(), ...providerParts });
const userData = z.looseObject({
  mongo_service_id: z.string().optional(),
  mongo_service_name: z.string().optional(),
  enabled: z.boolean().optional(),
  database_name: z.string().optional(),
  collection_name: z.string().optional(),
  user_id_field: z.string().optional(),
});

type Provider = Readonly<Record<string, unknown>>;

/** Adds the routes. */
export function addAuthProviders(api: Hono, context: AdminApiContext): void {
  const { limits } = context;

  api.get(`${appPath}/auth_providers`, (call) => {
    const app = appOf(context, call);
    const described = [...providersOf(app.files)].map(([type, { disabled }]) => ({
      _id: providerId(app, type),
      name: type,
      type,
      disabled: disabled ?? false,
    }));
    return jsonAnswer(call, 200, described);
  });

  api.get(`${appPath}/auth_providers/:id`, (call) => {
    const app = appOf(context, call);
    const type = typeOf(app, app.files, call);
    return jsonAnswer(call, 200, { _id: providerId(app, type), ...providersOf(app.files).get(type) });
  });

  api.post(`${appPath}/auth_providers`, async (call) => {
    const app = appOf(context, call);
    const { type, ...body } = await readBody(limits, call, newProvider);
    await app.change((files) => {
      if (providersOf(files.result()).has(type)) {
        throw adminErrors.exists("AuthProviderAlreadyExists", "auth provider", type);
      }
      putProvider(files, type, mergeProvider(files.result(), { name: type, type, disabled: false }, body));
    });
    return jsonAnswer(call, 201, { _id: providerId(app, type), name: type, type, disabled: body.disabled ?? false });
  });

  api.patch(`${appPath}/auth_providers/:id`, async (call) => {
    const app = appOf(context, call);
    const { type: _, ...body } = await readBody(limits, call, changedProvider);
    await app.change((files) => {
      const type = typeOf(app, files.result(), call);
      const known = providersOf(files.result()).get(type) ?? {};
      putProvider(files, type, mergeProvider(files.result(), known, body));
    });
    return emptyAnswer(call);
  });

  for (const verb of ["enable", "disable"] as const) {
    api.put(`${appPath}/auth_providers/:id/${verb}`, async (call) => {
      const app = appOf(context, call);
      await app.change((files) => {
        const type = typeOf(app, files.result(), call);
        putProvider(files, type, { ...providersOf(files.result()).get(type), disabled: verb === "disable" });
      });
      return emptyAnswer(call);
    });
  }

  api.delete(`${appPath}/auth_providers/:id`, async (call) => {
    const app = appOf(context, call);
    await app.change((files) => {
      const providers = new Map(providersOf(files.result()));
      providers.delete(typeOf(app, files.result(), call));
      files.put(providersPath, Object.fromEntries(providers));
    });
    return emptyAnswer(call);
  });

  api.patch(`${appPath}/custom_user_data`, (call) => setUserData(context, call));
  api.get(`${appPath}/custom_user_data`, (call) =>
    jsonAnswer(call, 200, appOf(context, call).files.get(userDataPath)?.content ?? { enabled: false }),
  );
}

function providersOf(files: VirtualFiles): ReadonlyMap<string, Provider> {
  const providers = Object.entries(asObject(files.get(providersPath)?.content) ?? {});
  return new Map(providers.map(([type, provider]) => [type, asObject(provider) ?? {}]));
}

/** There is one provider of a type in an app, so that its id follows from both. */
function providerId(app: AdminApp, type: string): string {
  return createHash("sha256").update(`${app.id}/${type}`).digest("hex").slice(0, 24);
}

function typeOf(app: AdminApp, files: VirtualFiles, call: Context): string {
  const id = call.req.param("id") ?? "";
  const type = [...providersOf(files).keys()].find((one) => providerId(app, one) === id);
  if (type === undefined) throw serviceErrors.providerNotFound(id);
  return type;
}

function putProvider(files: FileEdits, type: string, provider: Provider): void {
  files.put(providersPath, Object.fromEntries(new Map(providersOf(files.result())).set(type, provider)));
}

/** Parts replace those of before, and settings are merged name by name. */
function mergeProvider(
  files: VirtualFiles,
  known: Provider,
  body: Omit<z.output<typeof changedProvider>, "type">,
): Provider {
  const { config, secret_config: secretConfig, metadata_fields: metadata, redirect_uris: uris, disabled } = body;
  return {
    ...known,
    ...(disabled === undefined ? {} : { disabled }),
    ...(config ? { config: withFunctions(files, { ...asObject(known["config"]), ...config }) } : {}),
    ...(secretConfig ? { secret_config: { ...asObject(known["secret_config"]), ...secretConfig } } : {}),
    ...(metadata ? { metadata_fields: metadata } : {}),
    ...(uris ? { redirect_uris: uris } : {}),
  };
}

/** Functions may be named by name or by id: the files have both. */
function withFunctions(files: VirtualFiles, config: Provider): Provider {
  const completed = new Map(Object.entries(config));
  for (const prefix of ["confirmationFunction", "resetFunction", "authFunction"]) {
    const [name, id] = [config[`${prefix}Name`], config[`${prefix}Id`]];
    if (typeof id === "string" && id !== "" && (name === undefined || name === "")) {
      const found = functionName(files, id);
      if (found === undefined) throw adminErrors.notFound("FunctionNotFound", "function", id);
      completed.set(`${prefix}Name`, found);
    } else if (typeof name === "string" && (id === undefined || id === "")) {
      const found = functionId(files, name);
      if (found !== undefined) completed.set(`${prefix}Id`, found);
    }
  }
  return Object.fromEntries(completed);
}

async function setUserData(context: AdminApiContext, call: Context): Promise<Response> {
  const app = appOf(context, call);
  const body = await readBody(context.limits, call, userData);
  await app.change((files) => {
    const id = body.mongo_service_id;
    const name = id === undefined ? undefined : serviceNameById(files.result(), id);
    if (id !== undefined && name === undefined) throw adminErrors.notFound("ServiceNotFound", "service", id);
    const known = asObject(files.get(userDataPath)?.content);
    files.put(userDataPath, { ...known, ...body, ...(name === undefined ? {} : { mongo_service_name: name }) });
  });
  return emptyAnswer(call);
}
