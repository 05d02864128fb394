/** A deployment is made or is not, also when it fails half way or the process dies in it. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../app.js";
import { type KeyValueChange, MemoryKeyValue } from "../key-value.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Server } from "../server.js";
import { AdminClient, AppOfAdmin, testAdministrator } from "../testing/admin-client.js";
import { AdminServer } from "../testing/admin-server.js";
import { type Fixture, startFixture } from "../testing/fixture.js";
import { createAsCore, type HarnessApp } from "../testing/harnesses.js";
import { logInAnonymously, openNewFile, ScriptedClient, type ScriptedFile } from "../testing/scripted-client.js";

/** A store that refuses what the next deployment writes. */
class FullStore extends MemoryKeyValue {
  isFull = false;

  override write(changes: readonly KeyValueChange[]): Promise<void> {
    const isDeployment = changes.some(({ key }) => key.startsWith("admin/draft/"));
    return this.isFull && isDeployment ? Promise.reject(new Error("no space")) : super.write(changes);
  }
}

const setState = async ({ app, serviceId }: HarnessApp, state: string): Promise<number> =>
  (await app.call("PATCH", `services/${serviceId}/config`, { flexible_sync: { state } })).status;

async function registered(server: Server, { clientAppId }: AppOfAdmin): Promise<App> {
  const found = await server.apps.find(clientAppId);
  if (found === undefined) throw new Error("there is no app");
  return found;
}

describe("a deployment that fails", () => {
  let fixture: Fixture;
  let store: FullStore;
  let made: HarnessApp;
  let app: App;
  let file: ScriptedFile;
  let logged: string[];

  beforeEach(async () => {
    logged = [];
    store = new FullStore();
    const openKeyValue = (): Promise<FullStore> => Promise.resolve(store);
    const error: Logger["error"] = ({ err }) => void logged.push(String(err));
    const logger = { ...silentLogger, error };
    fixture = await startFixture({ admin: testAdministrator, appIds: [], openKeyValue, rescue: "open", logger });
    made = await createAsCore(await AdminClient.logIn(fixture.url));
    app = await registered(fixture.server, made.app);
    const { access_token: token } = await logInAnonymously(fixture.url, made.app.clientAppId);
    file = await openNewFile(await ScriptedClient.connect(fixture.url, made.app.clientAppId, token));
  });

  afterEach(async () => {
    file.client.close();
    await fixture.stop();
  });

  test("where it is stored: switching off resets nobody, and starts no versions over", async () => {
    const { configuration } = app;
    const ledger = fixture.ledger();
    ledger.newestSchemaVersion = 3;
    store.isFull = true;
    expect(await setState(made, "")).toBe(500);
    expect(app.configuration).toEqual(configuration);
    expect(ledger.newestSchemaVersion).toBe(3);
    await file.client.expectError(201);
    file.unbind();
    await file.open();
    await file.settle();
  });

  test("where sessions are told is taken back as well", async () => {
    const { configuration } = app;
    const sync = await app.sync();
    const tell = sync.tellRuleFields.bind(sync);
    sync.tellRuleFields = () => {
      sync.tellRuleFields = tell;
      return Promise.reject(new Error("no user can be read"));
    };
    expect(await setState(made, "")).toBe(500);
    expect(app.configuration).toEqual(configuration);
    expect(sync.settings.syncState).toBe("enabled");
  });

  test("and is not taken back either says why it failed first", async () => {
    store.isFull = true;
    const configure = app.configure.bind(app);
    let calls = 0;
    app.configure = (...given) => {
      calls += 1;
      return calls === 1 ? configure(...given) : Promise.reject(new Error("not again"));
    };
    expect(await setState(made, "")).toBe(500);
    expect(logged).toEqual(["Error: not again", "Error: no space"]);
    app.configure = configure;
    store.isFull = false;
    expect(await setState(made, "disabled")).toBe(204);
    expect(app.configuration?.sync.state).toBe("disabled");
  });
});

describe("clients that have to start over because synchronisation was switched off", () => {
  let served: AdminServer;
  let made: HarnessApp;
  let file: ScriptedFile;
  let token: string;

  const versions = async (): Promise<unknown> =>
    (await served.admin.must("GET", `${made.app.path}/sync/schemas/versions`))["versions"];

  beforeEach(async () => {
    served = await AdminServer.open();
    made = await createAsCore(served.admin);
    const { clientAppId } = made.app;
    ({ access_token: token } = await logInAnonymously(served.server.url, clientAppId));
    file = await openNewFile(await served.connect(clientAppId, token));
    const { body } = await made.app.call("GET", "schemas");
    const schemas = body as readonly { readonly _id: string; readonly metadata: { readonly collection: string } }[];
    const city = schemas.find(({ metadata }) => metadata.collection === "City");
    await made.app.must("DELETE", `schemas/${city?._id}`);
    expect(await versions()).toHaveLength(2);
    const sync = await (await registered(served.server, made.app)).sync();
    const reset = sync.forceResetAll.bind(sync);
    sync.forceResetAll = () => {
      sync.forceResetAll = reset;
      return Promise.reject(new Error("the process dies here"));
    };
    expect(await setState(made, "")).toBe(500);
  });

  afterEach(() => served.remove());

  async function expectReset(): Promise<void> {
    expect(await versions()).toHaveLength(1);
    file.client = await served.connect(made.app.clientAppId, token);
    await file.open();
    expect(await file.client.expectError(208)).toMatchObject({ action: "ClientReset" });
    const other = await openNewFile(await served.connect(made.app.clientAppId, token));
    await other.settle();
  }

  test("do so though the process died in between", async () => {
    for (let start = 0; start < 2; start += 1) await served.restart();
    const { id, path, clientAppId } = made.app;
    made = { ...made, app: new AppOfAdmin(served.admin, path, id, clientAppId) };
    expect(await setState(made, "enabled")).toBe(204);
    await expectReset();
    await served.restart();
    const again = await openNewFile(await served.connect(clientAppId));
    await again.settle();
  });

  test("do so before it is switched on again, though it could not be said at once", async () => {
    expect(await setState(made, "enabled")).toBe(204);
    await expectReset();
  });
});
