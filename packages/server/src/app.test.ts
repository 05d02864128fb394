/** An app's ledger comes and goes while the process lives: what the app is told to be stays. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AppConfiguration } from "./app-directory/configuration.js";
import { type App, RegisteredApp } from "./app.js";
import { readApp } from "./app-rules.js";
import { Deferred } from "./concurrency.js";
import type { Ledger, LedgerOptions } from "./ledger.js";
import { appWithSync, memoryFiles } from "./testing/app-files.js";
import { FakeLedger } from "./testing/fake-ledger.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";

let fixture: Fixture;
let app: RegisteredApp;
/** Those that were opened and not closed. */
let open: Set<Ledger>;
/** What the next ledgers are made by. */
let makeLedger: (options: LedgerOptions) => Promise<FakeLedger>;

const fakeLedger = (options: LedgerOptions): Promise<FakeLedger> => Promise.resolve(new FakeLedger(options));

async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const ledger = await makeLedger(options);
  open.add(ledger);
  const close = ledger.close.bind(ledger);
  ledger.close = async () => {
    await close();
    open.delete(ledger);
  };
  return ledger;
}

beforeEach(async () => {
  open = new Set();
  makeLedger = fakeLedger;
  fixture = await startFixture({ openLedger });
  const found = await fixture.server.apps.find(appId);
  if (!(found instanceof RegisteredApp)) throw new Error("there is no app");
  app = found;
});

afterEach(async () => {
  await fixture.stop();
  expect(open.size).toBe(0);
});

const configuration: AppConfiguration = readApp(
  memoryFiles(appWithSync({ is_recovery_mode_disabled: true })),
).configuration;

async function fakeOf(one: App): Promise<FakeLedger> {
  const { ledger } = await one.sync();
  if (!(ledger instanceof FakeLedger)) throw new Error("another ledger");
  return ledger;
}

describe("a ledger that is opened while the process lives", () => {
  beforeEach(async () => {
    await app.configure(configuration, { schemaVersionMin: 3 });
    await app.setDownloadSettings({ pauseMs: 7 });
  });

  async function expectInForce(): Promise<void> {
    const sync = await app.sync();
    expect(sync.settings).toMatchObject({ syncState: "enabled", isRecoveryModeDisabled: true });
    expect(sync.downloadSettings.pauseMs).toBe(7);
    expect(sync.ledger.schemaVersion()).toBe(3);
    expect((await fakeOf(app)).queryableFields).toMatchObject({ global: ["owner_id"] });
  }

  test("after a termination", async () => {
    const old = await app.sync();
    await old.terminate();
    expect(await app.sync()).not.toBe(old);
    await expectInForce();
  });

  test("after a termination that could not make a new one", async () => {
    makeLedger = () => Promise.reject(new Error("no space"));
    await expect((await app.sync()).terminate()).rejects.toThrow("no space");
    makeLedger = fakeLedger;
    await expectInForce();
  });

  test("after one that could not put the rules in force: what is half open is closed", async () => {
    makeLedger = async (options) => {
      const ledger = await fakeLedger(options);
      ledger.setSchema = () => Promise.reject(new Error("no space"));
      return ledger;
    };
    await expect((await app.sync()).terminate()).rejects.toThrow("no space");
    expect(open.size).toBe(0);
    makeLedger = fakeLedger;
    await expectInForce();
  });

  test("after its versions have started over, with those it has now", async () => {
    const old = await app.sync();
    await old.terminate();
    await app.configure(configuration, { startsOver: true });
    (await fakeOf(app)).close = () => Promise.reject(new Error("disk"));
    open.clear();
    await expect((await app.sync()).terminate()).rejects.toThrow("disk");
    expect((await app.sync()).ledger.schemaVersion()).toBe(0);
  });
});

describe("closing", () => {
  test("comes after a termination that is under way, and nothing stays open", async () => {
    const sync = await app.sync();
    const replaced = sync.terminate();
    await app.close();
    expect(open.size).toBe(0);
    await replaced.catch(() => undefined);
    expect(open.size).toBe(0);
    await expect(app.sync()).rejects.toMatchObject({ code: "app-closed" });
  });

  test("comes before a ledger is taken away that is not yet", async () => {
    const sync = await app.sync();
    const told = new Deferred<void>();
    app.rescue.ledgerToGo = () => told.promise;
    const replaced = sync.terminate();
    const closed = app.close();
    told.resolve();
    await expect(replaced).rejects.toMatchObject({ code: "app-closed" });
    expect(sync.isRetired).toBe(false);
    await closed;
    expect(open.size).toBe(0);
  });

  test("comes after a configuration that is being put in force", async () => {
    const ledger = await fakeOf(app);
    const setSchema = ledger.setSchema.bind(ledger);
    const wait = new Deferred<void>();
    ledger.setSchema = (...given) => wait.promise.then(() => setSchema(...given));
    const configured = app.configure(configuration);
    const closed = app.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(open.size).toBe(1);
    wait.resolve();
    await configured;
    await closed;
    expect(app.configuration).toBe(configuration);
  });

  test("does not mind a ledger that could not be opened", async () => {
    const failed = new Deferred<FakeLedger>();
    makeLedger = () => failed.promise;
    const asked = app.sync();
    const closed = app.close();
    failed.reject(new Error("no space"));
    await expect(asked).rejects.toThrow("no space");
    await closed;
  });
});
