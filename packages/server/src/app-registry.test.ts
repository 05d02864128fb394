/** Apps come and go while clients ask for them, on a server that accepts any app id. */

import { afterEach, beforeEach, expect, test } from "vitest";
import type { App, AppRegistry } from "./app-registry.js";
import { Deferred } from "./concurrency.js";
import { type KeyValueChange, MemoryKeyValue } from "./key-value.js";
import { FakeLedger } from "./testing/fake-ledger.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import { logInAnonymously } from "./testing/scripted-client.js";

/** A store that can be made to fail. */
class FullStore extends MemoryKeyValue {
  isFull = false;
  isClosed = false;

  override write(changes: readonly KeyValueChange[]): Promise<void> {
    return this.isFull || this.isClosed ? Promise.reject(new Error("no space")) : super.write(changes);
  }

  override close(): Promise<void> {
    this.isClosed = true;
    return super.close();
  }
}

let fixture: Fixture;
let store: FullStore;
let apps: AppRegistry;
/** Ledgers close when it is resolved. */
let closing: Deferred<void>;

beforeEach(async () => {
  store = new FullStore();
  closing = new Deferred();
  fixture = await startFixture({
    openKeyValue: () => Promise.resolve(store),
    openLedger: (options) => {
      const ledger = new FakeLedger(options);
      ledger.close = () => closing.promise;
      return Promise.resolve(ledger);
    },
  });
  ({ apps } = fixture.server);
});

afterEach(() => {
  closing.resolve();
  return fixture.stop();
});

async function found(): Promise<App> {
  const app = await apps.find(appId);
  if (app === undefined) throw new Error("there is no app");
  return app;
}

const stored = async (): Promise<readonly string[]> => (await store.list("app/")).map(({ key }) => key);

test.each(["find", "create"] as const)("an app that is removed is gone before the next is made: %s", async (way) => {
  const first = await found();
  await first.sync();
  await logInAnonymously(fixture.url, appId);
  const removed = apps.remove(appId);
  const next = apps[way](appId);
  closing.resolve();
  await removed;
  const app = await next;
  expect(app?.domainId).not.toBe(first.domainId);
  expect(apps.findByDomain(first.domainId)).toBeUndefined();
  expect(await apps.find(appId)).toBe(app);
  expect(await stored()).toEqual([`app/${appId}`]);
  expect(await store.list("user/")).toEqual([]);
  await app?.sync();
});

test("a removal that is asked for twice is over for both at the same time", async () => {
  await (await found()).sync();
  const removed = apps.remove(appId);
  const again = apps.remove(appId).then(stored);
  closing.resolve();
  expect(await again).toEqual([]);
  await removed;
});

test("a removal that failed can be repeated, and nobody makes the app anew over what is left", async () => {
  const app = await found();
  await app.sync();
  await logInAnonymously(fixture.url, appId);
  closing.resolve();
  store.isFull = true;
  await expect(apps.remove(appId)).rejects.toThrow("no space");
  store.isFull = false;
  expect(await apps.find(appId)).toBe(app);
  await expect(app.sync()).rejects.toMatchObject({ code: "app-closed" });
  await apps.remove(appId);
  expect(await stored()).toEqual([]);
  expect(await store.list("user/")).toEqual([]);
});

test("a removal is finished before the server stops", async () => {
  await (await found()).sync();
  const removed = apps.remove(appId);
  const close = apps.close.bind(apps);
  apps.close = () => {
    // After everything that does not wait for it.
    setImmediate(() => closing.resolve());
    return close();
  };
  await fixture.server.stop();
  await removed;
  expect(await stored()).toEqual([]);
});
