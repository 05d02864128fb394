/** Rescue mode case by case: who has to wait while an app is closed, what opens it, and what becomes of ledgers. */

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sessionPath } from "@tidemark/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { App } from "./app.js";
import { readApp } from "./app-rules.js";
import { systemHost } from "./host.js";
import { type KeyValue, MemoryKeyValue } from "./key-value.js";
import type { Ledger, LedgerOptions } from "./ledger.js";
import { openNativeKeyValue, openNativeLedger } from "./native.js";
import { closeStored, Rescue } from "./rescue.js";
import { runRescueCommand } from "./rescue-command.js";
import { createServer, type Server, type ServerOptions } from "./server.js";
import { silentLogger } from "./logger.js";
import { appWithSync, memoryFiles } from "./testing/app-files.js";
import { citySchema, newCity } from "./testing/changesets.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import { oldRefreshToken, oldToken } from "./testing/old-device.js";
import {
  logInAnonymously,
  openNewFile,
  registerAndLogIn,
  ScriptedClient,
  ScriptedFile,
  subscribe,
  within,
} from "./testing/scripted-client.js";

const inReset = '{"schemaVersion":0,"sessionReason":1}';
const waiting = {
  action: "Transient",
  tryAgain: true,
  shouldClientReset: false,
  backoffIntervalSec: 30,
  backoffMaxDelaySec: 300,
  backoffMultiplier: 2,
};

let fixture: Fixture;
let app: App;

async function found(server: Server): Promise<App> {
  const one = await server.apps.find(appId);
  if (one === undefined) throw new Error("there is no app");
  return one;
}

/** A file as a device of another server has it. */
async function foreignFile(values: Partial<ScriptedFile>, token?: string): Promise<ScriptedFile> {
  const file = new ScriptedFile(await fixture.connect(token));
  Object.assign(file, { fileIdentSalt: 77n, ...values });
  await file.open();
  return file;
}

describe("while an app is closed", () => {
  beforeEach(async () => {
    fixture = await startFixture({ rescue: "closed" });
    app = await found(fixture.server);
  });

  afterEach(() => fixture.stop());

  test("a file that was never given out tries again, and resets once the app is open", async () => {
    const file = await foreignFile({ fileIdent: 5000n });
    expect(await file.client.expectError(229)).toMatchObject(waiting);
    file.unbind();
    await file.open();
    expect(await file.client.expectError(229)).toMatchObject(waiting);
    file.unbind();
    await app.rescue.open(0);
    await file.open();
    const reset = { action: "ClientReset", tryAgain: false, isRecoveryModeDisabled: false };
    expect(await file.client.expectError(208)).toMatchObject(reset);
    expect(fixture.server.metrics.total("rescueWaits")).toBe(2);
  });

  test("so does one whose ident was given to another file, bound or not", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const ours = await openNewFile(await fixture.connect(access_token));
    const colliding = { fileIdent: ours.fileIdent };
    expect(await (await foreignFile(colliding)).client.expectError(229)).toMatchObject(waiting);
    expect(await (await foreignFile(colliding, access_token)).client.expectError(229)).toMatchObject(waiting);
    // The file that has the ident goes on.
    ours.upload("still here");
    await ours.download();
    ours.unbind();
    await ours.client.expect("unbound");
    expect(await (await foreignFile(colliding)).client.expectError(229)).toMatchObject(waiting);
    await app.rescue.open(0);
    await (await foreignFile(colliding)).client.expectError(211);
  });

  test("so does one of ours that is beyond the ledger", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const { fileIdent, fileIdentSalt, client } = await openNewFile(await fixture.connect(access_token));
    client.close();
    await within(client.closed, "the end");
    const ahead = { fileIdent, fileIdentSalt, downloadServerVersion: 900, latestServerVersion: 900 };
    expect(await (await foreignFile(ahead, access_token)).client.expectError(229)).toMatchObject(waiting);
    await app.rescue.open(0);
    await (await foreignFile(ahead, access_token)).client.expectError(209);
  });

  test("every refusal that makes a client reset waits, and no other", () => {
    const refusal = (code: number, action: string) => ({ code, message: "", action });
    // 222: idents that were given out and whose files have expired may be those of the old service.
    for (const code of [208, 209, 210, 211, 217, 222]) {
      expect(app.rescue.replaces(refusal(code, "ClientReset"))).toBe(true);
    }
    expect(app.rescue.replaces(refusal(208, "ClientResetNoRecovery"))).toBe(true);
    expect(app.rescue.replaces(refusal(223, "ApplicationBug"))).toBe(false);
  });

  test("files of this ledger work, new ones too", async () => {
    const file = await openNewFile(await fixture.connect());
    file.upload("written while closed");
    await file.download();
    file.unbind();
    await file.client.expect("unbound");
    await file.open();
    await file.download();
    expect(fixture.ledger().integrated).toEqual(["written while closed"]);
  });

  test("a fresh file of a client reset gets no ident, and none is used up", async () => {
    const before = await openNewFile(await fixture.connect());
    const fresh = new ScriptedFile(await fixture.connect());
    fresh.bind(true, inReset);
    expect(await fresh.client.expectError(229)).toMatchObject(waiting);
    const after = await openNewFile(await fixture.connect());
    expect(after.fileIdent).toBe(before.fileIdent + 1n);
    fresh.unbind();
    await app.rescue.open(0);
    fresh.bind(true, inReset);
    await fresh.client.expect("ident");
  });

  test("closing ends the downloads of client resets, and nothing else", async () => {
    await app.rescue.open(0);
    const other = await openNewFile(await fixture.connect());
    const fresh = new ScriptedFile(await fixture.connect());
    fresh.bind(true, inReset);
    const { fileIdent, fileIdentSalt } = await fresh.client.expect("ident");
    Object.assign(fresh, { fileIdent, fileIdentSalt });
    fresh.ident();
    await fresh.download();
    await app.rescue.close();
    expect(await fresh.client.expectError(229)).toMatchObject(waiting);
    fresh.unbind();
    fresh.bind(false, inReset);
    expect(await fresh.client.expectError(229)).toMatchObject(waiting);
    await other.client.expectNothing();
  });
});

describe("opening", () => {
  beforeEach(async () => {
    fixture = await startFixture({ rescue: "closed" });
    app = await found(fixture.server);
  });

  afterEach(() => fixture.stop());

  test("is refused while less is there than was to be loaded, and leaves the app closed", async () => {
    const nothing = "nothing was loaded into app test-app; devices that reset now would lose what the old service";
    await expect(app.rescue.open(1)).rejects.toMatchObject({ code: "nothing-loaded" });
    await expect(app.rescue.open(1)).rejects.toThrow(nothing);
    const file = await openNewFile(await fixture.connect());
    file.upload("one", "two");
    await file.download();
    const fewer = "app test-app holds 2 objects, fewer than the 3 that were to be loaded";
    await expect(app.rescue.open(3)).rejects.toThrow(fewer);
    expect(app.rescue.state).toBe("closed");
    await app.rescue.open(2);
    expect(app.rescue.state).toBe("open");
  });

  test("is refused while devices would not recover what they had not synced", async () => {
    await app.configure(readApp(memoryFiles(appWithSync({ is_recovery_mode_disabled: true }))).configuration);
    await expect(app.rescue.open(0)).rejects.toMatchObject({ code: "recovery-disabled" });
    expect(app.rescue.state).toBe("closed");
  });

  test("and closing outlive a restart; the way a server is run does not", async () => {
    const store = new MemoryKeyValue();
    const openKeyValue = (): Promise<KeyValue> => Promise.resolve(store);
    const stateWith = async (options: Partial<ServerOptions>, change?: (one: App) => Promise<void>) => {
      const one = await startFixture({ openKeyValue, ...options });
      const { rescue } = await found(one.server);
      const { state } = rescue;
      await change?.(await found(one.server));
      await one.stop();
      return state;
    };
    expect(await stateWith({ developmentMode: true })).toBe("open");
    expect(await stateWith({ developmentMode: false })).toBe("closed");
    expect(await stateWith({ rescue: "open" })).toBe("open");
    expect(await stateWith({ rescue: "closed" }, ({ rescue }) => rescue.open(0))).toBe("closed");
    expect(await stateWith({ rescue: "closed" }, ({ rescue }) => rescue.close())).toBe("open");
    expect(await stateWith({ developmentMode: true })).toBe("closed");
  });

  test("is not in force before it is durable; closing is at once", async () => {
    const store = new MemoryKeyValue();
    const failing: KeyValue = Object.assign(Object.create(store) as KeyValue, {
      write: () => Promise.reject(new Error("the disk is full")),
    });
    const readLedger = () => Promise.resolve({ objects: {}, isRecoveryDisabled: false });
    const parts = { appId, store: failing, logger: silentLogger, readLedger, fallback: "closed" } as const;
    const closed = new Rescue({ ...parts, record: { state: "closed", hasLedger: true } });
    await expect(closed.open(0)).rejects.toThrow("the disk is full");
    expect(closed.state).toBe("closed");
    const open = new Rescue({ ...parts, record: { state: "open", hasLedger: true } });
    await expect(open.close()).rejects.toThrow("the disk is full");
    expect(open.state).toBe("closed");
  });
});

test("a new ledger has the configuration of the old one", async () => {
  fixture = await startFixture();
  app = await found(fixture.server);
  await app.configure(readApp(memoryFiles(appWithSync({ is_recovery_mode_disabled: true }))).configuration);
  const old = await app.sync();
  await old.terminate();
  const sync = await app.sync();
  expect(sync.ledger).not.toBe(old.ledger);
  expect(sync.settings.isRecoveryModeDisabled).toBe(true);
  await fixture.stop();
});

describe("tokens", () => {
  let offsetMs = 0;

  beforeEach(async () => {
    offsetMs = 0;
    const environment = { ...systemHost, nowMs: () => Date.now() + offsetMs };
    fixture = await startFixture({ rescue: "closed", environment });
    app = await found(fixture.server);
  });

  afterEach(() => fixture.stop());

  async function refresh(token: string): Promise<{ status: number; retryAfter: string | null; code: unknown }> {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(fixture.url + sessionPath, { method: "POST", headers });
    const { error_code: code } = (await answer.json()) as { error_code?: unknown };
    expect(answer.headers.get("content-type")).toBe("application/json");
    return { status: answer.status, retryAfter: answer.headers.get("retry-after"), code };
  }

  const heldBack = { status: 503, retryAfter: "60", code: "MaintenanceInProgress" };
  const loggedOut = { status: 401, retryAfter: null, code: "InvalidSession" };

  test("of the old service log nobody out while an app is closed", async () => {
    const token = await oldRefreshToken("local-userpass");
    expect(await refresh(token)).toEqual(heldBack);
    await app.rescue.open(0);
    expect(await refresh(token)).toEqual(loggedOut);
    await app.rescue.close();
    expect(await refresh(token)).toEqual(heldBack);
  });

  test("of anonymous users never do: their clients would delete their files", async () => {
    await app.rescue.open(0);
    expect(await refresh(await oldRefreshToken("anon-user"))).toEqual(heldBack);
  });

  test("of ours that have expired, of disabled users, and what is no token, always do", async () => {
    const { refresh_token, user_id } = await registerAndLogIn(fixture.url, appId, "a@example.com");
    await fixture.server.setUserDisabled(appId, user_id, true);
    expect(await refresh(refresh_token)).toEqual(loggedOut);
    expect(await refresh("a.b.c")).toEqual(loggedOut);
    expect(await refresh(await oldToken({ typ: "access" }))).toEqual(heldBack);
    offsetMs = 61 * 24 * 60 * 60_000;
    expect(await refresh(refresh_token)).toEqual(loggedOut);
  });

  test("of ours whose user is missing wait while the app is closed", async () => {
    const { refresh_token, access_token, user_id } = await registerAndLogIn(fixture.url, appId, "b@example.com");
    await app.users.remove(user_id);
    expect(await refresh(refresh_token)).toEqual(heldBack);
    const held = await ScriptedClient.connect(fixture.url, appId, access_token);
    expect((await within(held.closed, "the end")).code).toBe(4001);
    await app.rescue.open(0);
    expect(await refresh(refresh_token)).toEqual(loggedOut);
    const gone = await ScriptedClient.connect(fixture.url, appId, access_token);
    expect((await within(gone.closed, "the end")).code).toBe(4002);
  });

  test("of the old service are refreshed before anything else: 4001, and never 4002", async () => {
    const token = await oldToken({ typ: "access", iss: "s", baas_device_id: "d", baas_domain_id: "old-domain" });
    for (const change of [() => app.rescue.close(), () => app.rescue.open(0)]) {
      await change();
      const client = await ScriptedClient.connect(fixture.url, appId, token);
      expect((await within(client.closed, "the end")).code).toBe(4001);
    }
  });
});

describe("ledgers", () => {
  let directory: string;
  let server: Server;
  let openLedger: (options: LedgerOptions) => Promise<Ledger>;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidemark-"));
    openLedger = openNativeLedger;
    server = await start();
    app = await found(server);
  });

  afterEach(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(): Promise<Server> {
    const one = createServer({
      dataDirectory: directory,
      openLedger: (options) => openLedger(options),
      openKeyValue: openNativeKeyValue,
      appIds: [appId],
      developmentMode: true,
      rescue: "closed",
      limits: { closeMs: 200 },
      passwordCost: { memoryKib: 64, passes: 1 },
    });
    await one.start();
    return one;
  }

  async function restart(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await server.stop();
    await meanwhile();
    server = await start();
    app = await found(server);
  }

  const ledgerPath = (): string => join(directory, "apps", appId, "ledger.redb");
  const objects = async (): Promise<unknown> => (await server.status()).apps[0]?.objects;

  async function newDevice(token: string, key: number): Promise<ScriptedFile> {
    const file = await openNewFile(await ScriptedClient.connect(server.url, appId, token));
    file.upload(citySchema());
    await file.download();
    await subscribe(file, '{"City":"(TRUEPREDICATE)"}');
    await write(file, key);
    return file;
  }

  async function write(file: ScriptedFile, key: number): Promise<void> {
    file.upload(newCity(key, "Aarhus", "DK"));
    while (file.uploadClientVersion < file.clientVersion) await file.download();
  }

  async function comeBack(file: ScriptedFile, token: string): Promise<void> {
    file.client.close();
    file.client = await ScriptedClient.connect(server.url, appId, token);
    await file.open();
  }

  test("a lost one closes the app, also if the server dies before the new one is there", async () => {
    const { access_token } = await logInAnonymously(server.url, appId);
    const file = await newDevice(access_token, 1);
    await app.rescue.open(1);
    await server.stop();
    await rm(ledgerPath());
    openLedger = () => Promise.reject(new Error("killed"));
    await expect(start()).rejects.toThrow("killed");
    openLedger = openNativeLedger;
    server = await start();
    app = await found(server);
    expect(app.rescue.state).toBe("closed");
    await comeBack(file, access_token);
    expect(await file.client.expectError(229)).toMatchObject(waiting);
    await restart();
    expect(app.rescue.state).toBe("closed");
  });

  test("a restored backup: what is beyond it waits if the app was closed first, and resets when it is opened", async () => {
    const { access_token } = await logInAnonymously(server.url, appId);
    const file = await newDevice(access_token, 1);
    await app.rescue.open(1);
    const backup = `${directory}-backup`;
    await restart(() => cp(directory, backup, { recursive: true }));
    await comeBack(file, access_token);
    await file.download();
    await write(file, 2);
    expect(await objects()).toEqual({ City: 2 });
    await restart(async () => {
      await rm(directory, { recursive: true });
      await cp(backup, directory, { recursive: true });
      await rm(backup, { recursive: true });
      await runRescueCommand(directory, { action: "close" }, openNativeKeyValue);
    });
    expect(await objects()).toEqual({ City: 1 });
    await comeBack(file, access_token);
    expect(await file.client.expectError(229)).toMatchObject(waiting);
    file.unbind();
    await app.rescue.open(1);
    await file.open();
    expect(await file.client.receive()).toMatchObject({ type: "json_error", errorCode: 209 });
  });

  test("one that is terminated: who is connected is told to reset, and a new one is there", async () => {
    const { access_token } = await logInAnonymously(server.url, appId);
    const file = await newDevice(access_token, 1);
    await app.rescue.open(1);
    const idle = new ScriptedFile(await ScriptedClient.connect(server.url, appId, access_token));
    idle.bind(false);
    const sync = await app.sync();
    await sync.terminate();
    expect(await file.client.expectError(208)).toMatchObject({ action: "ClientReset", isRecoveryModeDisabled: false });
    // A file that has not said who it is comes again, on another connection.
    expect(await idle.client.expectError(100)).toMatchObject({ action: "Transient", tryAgain: true });
    await within(file.client.closed, "the end");
    expect(await app.sync()).not.toBe(sync);
    expect(app.rescue.state).toBe("open");
    expect(await objects()).toEqual({});
    await comeBack(file, access_token);
    expect(await file.client.receive()).toMatchObject({ type: "json_error", errorCode: 208 });
    const other = await newDevice(access_token, 7);
    await restart();
    expect(app.rescue.state).toBe("open");
    await comeBack(other, access_token);
    await other.download();
  });

  test("one that is terminated while the app is closed: nobody is told to reset", async () => {
    const { access_token } = await logInAnonymously(server.url, appId);
    const file = await newDevice(access_token, 1);
    await (await app.sync()).terminate();
    expect(await file.client.expectError(229)).toMatchObject(waiting);
    expect(app.rescue.state).toBe("closed");
    await comeBack(file, access_token);
    expect(await file.client.expectError(229)).toMatchObject(waiting);
  });

  test.each(["before the old one is set aside", "before the new one is made"])(
    "a termination that is interrupted %s leaves a ledger, and the app open",
    async (moment) => {
      const { access_token } = await logInAnonymously(server.url, appId);
      const file = await newDevice(access_token, 1);
      await app.rescue.open(1);
      const isEarly = moment === "before the old one is set aside";
      const sync = await app.sync();
      if (isEarly) {
        const { ledger } = sync;
        const close = ledger.close.bind(ledger);
        ledger.close = () => close().then(() => Promise.reject(new Error("killed")));
      } else openLedger = () => Promise.reject(new Error("killed"));
      await expect(sync.terminate()).rejects.toThrow("killed");
      openLedger = openNativeLedger;
      await restart();
      expect(app.rescue.state).toBe("open");
      expect(await objects()).toEqual(isEarly ? { City: 1 } : {});
      await comeBack(file, access_token);
      if (isEarly) await file.download();
      else await file.client.expectError(208);
    },
  );

  test("an app is opened also where that has to make the ledger first", async () => {
    openLedger = () => Promise.reject(new Error("no space"));
    await expect((await app.sync()).terminate()).rejects.toThrow("no space");
    openLedger = openNativeLedger;
    await expect(app.rescue.open(1)).rejects.toMatchObject({ code: "nothing-loaded" });
    await app.rescue.open(0);
    expect(app.rescue.state).toBe("open");
    expect(await objects()).toEqual({});
  });

  test("commands reach a server that runs, and an app is closed without one", async () => {
    const run = (command: Parameters<typeof runRescueCommand>[1]) =>
      runRescueCommand(directory, command, openNativeKeyValue);
    expect(await run({ action: "show" })).toEqual([{ appId, state: "closed", objects: {} }]);
    await expect(run({ action: "open", objectsMin: 1 })).rejects.toMatchObject({ code: "nothing-loaded" });
    await expect(run({ action: "open", objectsMin: 0, appId: "other" })).rejects.toMatchObject({ code: "no-such-app" });
    expect(await run({ action: "open", objectsMin: 0 })).toEqual([{ appId, state: "open", objects: {} }]);
    expect(app.rescue.state).toBe("open");
    const stranger = await fetch(`${server.url}/api/tidemark/rescue`, {
      method: "POST",
      headers: { Authorization: "Bearer guessed" },
      body: '{"action":"close"}',
    });
    expect(stranger.status).toBe(401);
    expect(app.rescue.state).toBe("open");
    await restart(async () => {
      await expect(run({ action: "open", objectsMin: 0 })).rejects.toMatchObject({ code: "no-server" });
      expect(await run({ action: "close" })).toEqual([{ appId, state: "closed", objects: null }]);
      const store = await openNativeKeyValue(join(directory, "server.redb"));
      expect(await closeStored(store, appId)).toBe(false);
      await store.close();
    });
    expect(app.rescue.state).toBe("closed");
  });
});
