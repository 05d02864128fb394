/** Versions of the schema that the Admin API makes, as a harness of the SDKs does it: over the embedded ledger. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { AppOfAdmin } from "../testing/admin-client.js";
import { AdminServer } from "../testing/admin-server.js";
import { Changeset, newCity } from "../testing/changesets.js";
import { createAsCore } from "../testing/harnesses.js";
import { openNewFile, type ScriptedClient, ScriptedFile, subscribe } from "../testing/scripted-client.js";

let served: AdminServer;
let app: AppOfAdmin;

beforeEach(async () => {
  served = await AdminServer.open();
  ({ app } = await createAsCore(served.admin));
});

afterEach(() => served.remove());

const connect = (): Promise<ScriptedClient> => served.connect(app.clientAppId);

const device = async (schemaVersion: number): Promise<ScriptedFile> => openNewFile(await connect(), 1, schemaVersion);

const cities = '{"City":"(TRUEPREDICATE)"}';
const texts = (file: ScriptedFile): string => file.received.join("\n");
const versions = async (): Promise<readonly unknown[]> =>
  (await app.must("GET", "sync/schemas/versions"))["versions"] as readonly unknown[];

const without = (properties: Readonly<Record<string, unknown>>, name: string): object =>
  Object.fromEntries(Object.entries(properties).filter(([key]) => key !== name));

/** The collection's schema, changed. */
async function changeCity(change: (properties: Readonly<Record<string, unknown>>) => object): Promise<number> {
  const { body } = await app.call("GET", "schemas");
  const all = body as readonly { readonly _id: string; readonly metadata: { readonly collection: string } }[];
  const id = all.find(({ metadata }) => metadata.collection === "City")?._id;
  const { schema, ...rest } = await app.must("GET", `schemas/${id}`);
  const { properties, ...others } = schema as { readonly properties: Readonly<Record<string, unknown>> };
  const put = { ...rest, schema: { ...others, properties: change(properties) } };
  return (await app.call("PUT", `schemas/${id}?bypass_service_change=SyncSchemaVersionIncrease`, put)).status;
}

test("a draft with breaking changes makes one version: old files go on in theirs, new ones have the new one", async () => {
  const old = await device(0);
  await subscribe(old, cities);
  old.upload(newCity(1, "Aarhus", "DK"));
  await old.settle();
  const draft = await app.idOf("POST", "drafts", {});
  expect(await changeCity((all) => ({ ...without(all, "tags"), name: { bsonType: "long" } }))).toBe(204);
  expect(await versions()).toEqual([{ version_major: 0 }]);
  expect((await app.call("POST", `drafts/${draft}/deployment`, {})).status).toBe(201);
  expect(await versions()).toEqual([{ version_major: 0 }, { version_major: 1 }]);
  // The session begins anew, opened with the new version already.
  await old.client.expectError(200);
  old.unbind();
  old.schemaVersion = 1;
  await old.open();
  const told = await old.client.expectError(236);
  expect(told).toMatchObject({ action: "MigrateSchema", previousSchemaVersion: 0, tryAgain: true });
  old.upload(newCity(2, "Bergen", "NO"));
  await old.settle();
  const received = old.received.length;

  const migrated = await device(1);
  expect(Buffer.from(texts(migrated)).includes("tags")).toBe(false);
  await subscribe(migrated, cities);
  expect(texts(migrated)).toContain("NO");
  expect(texts(migrated)).not.toContain("Bergen");
  migrated.upload(new Changeset().set("City", 1, "name", 7).bytes());
  await migrated.settle();
  await old.settle();
  expect(old.received.slice(received)).toEqual([]);

  // Whoever is opened with more than there is is told, also after a restart; and what is gone is asked for in vain.
  await served.restart();
  app = new AppOfAdmin(served.admin, app.path, app.id, app.clientAppId);
  expect(await versions()).toHaveLength(2);
  const ahead = new ScriptedFile(await connect());
  ahead.schemaVersion = 3;
  ahead.bind(true);
  expect((await ahead.client.expectError(235)).message).toBe(
    'Client provided invalid schema version: client presented schema version "3" is greater than latest schema version "1"',
  );
  const back = await device(0);
  await subscribe(back, cities);
  expect(texts(back)).toContain("Aarhus");
  back.upload(new Changeset().set("City", 1, "name", "Aalborg").bytes());
  await back.settle();
});

test("without a draft each call that breaks makes a version, what is added none", async () => {
  expect(await changeCity((properties) => ({ ...properties, size: { bsonType: "long" } }))).toBe(204);
  expect(await versions()).toHaveLength(1);
  expect(await changeCity((properties) => ({ ...properties, size: { bsonType: "string" } }))).toBe(204);
  expect(await versions()).toHaveLength(2);
  expect(await changeCity((all) => without(all, "size"))).toBe(204);
  expect(await versions()).toHaveLength(3);
  const dog = await app.idOf("POST", "schemas", {
    metadata: { data_source: "BackingDB", database: "test_data", collection: "Dog" },
    schema: { title: "Dog", bsonType: "object", properties: { _id: { bsonType: "long" } }, required: ["_id"] },
  });
  expect(await versions()).toHaveLength(3);
  expect((await app.call("DELETE", `schemas/${dog}`)).status).toBe(204);
  expect(await versions()).toHaveLength(4);
});
