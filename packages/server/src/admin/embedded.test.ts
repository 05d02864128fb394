/** What is set by the Admin API, with real changes, rules and schemas: sessions over the embedded ledger. */

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AdminClient, type AppOfAdmin, openRole } from "../testing/admin-client.js";
import { AdminServer } from "../testing/admin-server.js";
import { Changeset, citySchema, newCity } from "../testing/changesets.js";
import {
  createAsCore,
  createAsDart,
  createAsKotlin,
  type HarnessApp,
  importAsJavaScript,
} from "../testing/harnesses.js";
import { logInAnonymously, openNewFile, type ScriptedFile, subscribe } from "../testing/scripted-client.js";

let served: AdminServer;

beforeEach(async () => {
  served = await AdminServer.open();
});

afterEach(() => served.remove());

async function device({ clientAppId }: AppOfAdmin, token?: string): Promise<ScriptedFile> {
  return openNewFile(await served.connect(clientAppId, token));
}

const cities = '{"City":"(TRUEPREDICATE)"}';
const texts = (file: ScriptedFile): string => file.received.join("\n");

describe.each<[string, (client: AdminClient) => Promise<HarnessApp>, boolean]>([
  ["realm-core", createAsCore, false],
  ["realm-js", importAsJavaScript, true],
  ["realm-dart", createAsDart, false],
  ["realm-kotlin", createAsKotlin, false],
])("an app of %s", (_name, create, bringsSchema) => {
  test("synchronises what one device writes to another", async () => {
    const { app } = await create(served.admin);
    const first = await device(app);
    if (bringsSchema) {
      first.upload(citySchema());
      await first.settle();
    }
    await subscribe(first, cities);
    first.upload(newCity(1, "Aarhus", "DK"));
    await first.settle();
    const second = await device(app);
    await subscribe(second, cities);
    expect(texts(second)).toContain("Aarhus");
  });
});

describe("a running app", () => {
  let app: AppOfAdmin;
  let serviceId: string;

  beforeEach(async () => {
    ({ app, serviceId } = await createAsCore(served.admin));
  });

  test("another default rule takes away what may not be seen, and a restart keeps it", async () => {
    const user = await logInAnonymously(served.server.url, app.clientAppId);
    const file = await device(app, user.access_token);
    await subscribe(file, cities);
    file.upload(newCity(1, "Aarhus", "DK"), newCity(2, "Malmo", "SE"));
    await file.settle();
    const path = `services/${serviceId}/default_rule`;
    const rule = await app.must("GET", path);
    const filters = { read: { country: "DK" }, write: { country: "DK" } };
    await app.must("PUT", path, { ...rule, roles: [{ ...openRole, document_filters: filters }] });
    await file.client.expectError(200);
    file.unbind();
    await file.open();
    await file.settle();
    const erased = Buffer.from(new Changeset().erase("City", 2).bytes()).toString();
    expect(file.received.at(-1)).toBe(erased);
    await served.restart();
    const late = await device(app);
    await subscribe(late, cities);
    expect(texts(late)).toContain("Aarhus");
    expect(texts(late)).not.toContain("Malmo");
  });

  test("without Development Mode clients add nothing, with it they do", async () => {
    const added = new Changeset().table("Dog").column("Dog", "name", "string").bytes();
    const file = await device(app);
    file.upload(added);
    expect((await file.client.expectError(225)).message).toContain("developer mode is disabled");
    await app.must("PUT", "sync/config", { development_mode_enabled: true });
    const other = await device(app);
    other.upload(added);
    await other.settle();
    await app.must("PUT", "sync/config", { development_mode_enabled: false });
    // In Development Mode any field was queryable, so that sessions begin anew.
    await other.client.expectError(200);
    other.unbind();
    await other.open();
    await other.settle();
    other.upload(new Changeset().column("Dog", "age", "int").bytes());
    expect((await other.client.expectError(225)).message).toContain("developer mode is disabled");
  });

  test("a field is queryable when it is said to be", async () => {
    const file = await device(app);
    file.sendQuery(1, '{"City":"(name == \\"Aarhus\\")"}');
    const refusal = await file.client.expect("query_error");
    expect(refusal.message).toContain('key "name" is not a queryable field');
    await app.must("PATCH", `services/${serviceId}/config`, {
      flexible_sync: { queryable_fields_names: ["country", "name"] },
    });
    file.sendQuery(2, '{"City":"(name == \\"Aarhus\\")"}');
    await file.download();
  });

  test("a forced reset and a termination are told by 208", async () => {
    const [one, other] = [await device(app), await device(app)];
    await app.must("PUT", "sync/force_reset", { file_ident: Number(one.fileIdent) });
    await one.client.expectError(208);
    await other.client.expectNothing();
    for (const state of ["", "enabled"]) {
      await app.must("PATCH", `services/${serviceId}/config`, { flexible_sync: { state } });
    }
    await other.client.expectError(201);
    other.unbind();
    await other.open();
    await other.client.expectError(208);
  });

  test("a deleted app leaves nothing, not even its ledger", async () => {
    const { readdir } = await import("node:fs/promises");
    const file = await device(app);
    expect(await readdir(join(served.directory, "apps"))).toEqual([app.clientAppId]);
    expect((await served.admin.call("DELETE", app.path)).status).toBe(204);
    await file.client.closed;
    expect(await readdir(join(served.directory, "apps"))).toEqual([]);
  });
});
