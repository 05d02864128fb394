/**
 * Cases that are about what the node facade alone has, or has in its own way.
 *
 * @module
 */

import {
  AssertionError,
  type ObjectSchema,
  type OpenRealmBehaviorConfiguration,
  type ProgressRealmPromise,
  Realm,
  type SyncSession,
  TimeoutError,
  TypeAssertionError,
  type User,
} from "@tidemark/node";
import type { OwnCase, TestRealm, TestUser } from "../adapter.js";
import { type Device, dog, dogModel, type Stage } from "../harness/stage.js";

/** A configuration of a synchronised realm. */
type Configuration = Realm.Configuration;

function realmOf({ native }: TestRealm): Realm {
  if (native instanceof Realm) return native;
  throw new Error("not a realm of this facade");
}

function userOf({ native }: TestUser): User {
  if (native instanceof Realm.User) return native;
  throw new Error("not a user of this facade");
}

function sessionOf(realm: TestRealm): SyncSession {
  const { syncSession } = realmOf(realm);
  if (syncSession) return syncSession;
  throw new Error("the realm has no session");
}

const schema: ObjectSchema[] = [{ ...dogModel, properties: { ...dogModel.properties } }];

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "nothing was thrown";
}

/** How a user's dogs are opened, all of them subscribed to. */
function configurationOf(user: TestUser, sync: object = {}): Configuration {
  const initialSubscriptions = {
    update: (set: Realm.MutableSubscriptionSet, realm: Realm) => void set.add(realm.objects("Dog")),
  };
  return { schema, sync: { user: userOf(user), flexible: true, initialSubscriptions, ...sync } };
}

/** Opens, and closes at the end what was opened. */
function open(stage: Stage, configuration: Configuration): ProgressRealmPromise {
  const opening = Realm.open(configuration);
  stage.later(async () => {
    await opening.then(
      (realm) => realm.close(),
      () => undefined,
    );
  });
  return opening;
}

/** A device that is new, and the server has this many dogs. */
async function newDevice(stage: Stage, count: number): Promise<Device> {
  const writer = await stage.readyDevice();
  writer.realm.write(() => {
    for (let key = 1; key <= count; key += 1) writer.realm.create("Dog", dog(key));
  });
  await writer.session.waitUp();
  return stage.device();
}

/** A realm with this behaviour, whether its file is new or not. */
function behaving(behavior: OpenRealmBehaviorConfiguration): object {
  return { newRealmFileBehavior: behavior, existingRealmFileBehavior: behavior };
}

const sessions: Readonly<Record<string, OwnCase>> = {
  "S-06": async (stage) => {
    const { realm } = await stage.readyDevice();
    const session = sessionOf(realm);
    realm.close();
    const getters = [
      () => session.state,
      () => session.connectionState,
      () => session.user,
      () => session.config,
      () => session.isConnected(),
    ];
    for (const getter of getters) {
      const error = thrown(getter);
      stage.check(error instanceof AssertionError, `an assertion fails: ${String(error)}`);
      stage.equal(textOf(error), "This SyncSession is no longer valid", "message");
    }
  },
  "S-14": async (stage) => {
    const device = await stage.device();
    const customHttpHeaders = { "x-mine": "1" };
    const realm = await open(
      stage,
      configurationOf(device.user, { customHttpHeaders, ...behaving({ type: "openImmediately" }) }),
    );
    const { syncSession } = realm;
    stage.check(syncSession?.user === userOf(device.user), "the user is another one");
    stage.equal(syncSession?.config.customHttpHeaders, customHttpHeaders, "headers");
  },
};

const waits: Readonly<Record<string, OwnCase>> = {
  "W-06b": async (stage) => {
    const { realm, session, proxy } = await stage.readyDevice();
    proxy.blackhole();
    realm.write(() => realm.create("Dog", dog(1)));
    const own = sessionOf(realm);
    for (const [wait, text] of [
      [own.uploadAllLocalChanges(20), "Timed out: Uploading changes did not complete in 20 ms."],
      [own.downloadAllServerChanges(20), "Timed out: Downloading changes did not complete in 20 ms."],
    ] as const) {
      const error = await wait.catch((reason: unknown) => reason);
      stage.check(error instanceof TimeoutError, `a TimeoutError: ${String(error)}`);
      stage.equal(textOf(error), text, "message");
    }
    stage.equal(session.state(), "active", "state");
  },
};

const connections: Readonly<Record<string, OwnCase>> = {
  "C-07": async (stage) => {
    const { realm } = await stage.readyDevice();
    const calls: unknown[] = [];
    sessionOf(realm).addConnectionNotification((newState, oldState) => calls.push([newState, oldState]));
    sessionOf(realm).pause();
    await stage.eventually(() => calls.length > 0, "the listener is called");
    stage.equal(calls, [["disconnected", "connected"]], "new state, then old state");
  },
  "C-08": async (stage) => {
    const { realm } = await stage.readyDevice();
    const calls: unknown[] = [];
    sessionOf(realm).addConnectionNotification((newState, oldState) => calls.push([oldState, newState]));
    realm.close();
    await stage.eventually(() => calls.length > 0, "the last change is delivered");
    stage.equal(calls, [["connected", "disconnected"]], "changes");
  },
  "C-09": async (stage) => {
    const session = sessionOf((await stage.readyDevice()).realm);
    const listener = (): void => undefined;
    session.addConnectionNotification(listener);
    const error = thrown(() => session.addConnectionNotification(listener));
    stage.equal(textOf(error), "Remove callback before adding it again", "message");
    session.removeConnectionNotification(listener);
    session.addConnectionNotification(listener);
  },
  "C-10": async (stage) => {
    const session = sessionOf((await stage.readyDevice()).realm);
    session.removeConnectionNotification(() => undefined);
  },
};

const progress: Readonly<Record<string, OwnCase>> = {
  "G-10": async (stage) => {
    const { realm, session } = await stage.readyDevice();
    const calls: [number, number][] = [];
    sessionOf(realm).addProgressNotification(
      Realm.ProgressDirection.Upload,
      Realm.ProgressMode.ReportIndefinitely,
      (transferred: number, transferable: number) => void calls.push([transferred, transferable]),
    );
    for (const key of [1, 2]) {
      realm.write(() => realm.create("Dog", dog(key, "x".repeat(10_000))));
      await session.waitUp();
    }
    const isDone = (): boolean => {
      const [transferred, transferable] = calls.at(-1) ?? [0, 1];
      return transferred > 20_000 && transferred === transferable;
    };
    await stage.eventually(isDone, "all bytes are transferred");
    stage.check(
      calls.every(([transferred, transferable]) => transferred <= transferable),
      `no more is transferred than there is: ${JSON.stringify(calls)}`,
    );
  },
  "G-11": async (stage) => {
    const { realm, session } = await stage.readyDevice();
    const estimates: number[] = [];
    sessionOf(realm).addProgressNotification(
      Realm.ProgressDirection.Upload,
      Realm.ProgressMode.ReportIndefinitely,
      (estimate: number) => void estimates.push(estimate),
    );
    realm.write(() => realm.create("Dog", dog(1, "x".repeat(10_000))));
    await session.waitUp();
    await stage.eventually(() => estimates.length > 1 && estimates.at(-1) === 1, "the last report is 1");
    stage.check(
      estimates.every((estimate) => estimate >= 0 && estimate <= 1),
      `estimates: ${estimates.join(" ")}`,
    );
  },
  "G-16": async (stage) => {
    const session = sessionOf((await stage.readyDevice()).realm);
    const { ProgressDirection, ProgressMode } = Realm;
    const error = thrown(() =>
      session.addProgressNotification(ProgressDirection.Upload, ProgressMode.ReportIndefinitely, 1 as never),
    );
    stage.check(error instanceof TypeAssertionError, `a TypeAssertionError: ${String(error)}`);
    stage.equal(textOf(error), "Expected 'callback' to be a function, got a number", "message");
  },
  "G-17": async (stage) => {
    const { realm } = await stage.readyDevice();
    const estimates: number[] = [];
    const listener = (estimate: number): void => void estimates.push(estimate);
    for (const calls of [1, 2]) {
      sessionOf(realm).addProgressNotification(
        Realm.ProgressDirection.Upload,
        Realm.ProgressMode.ForCurrentlyOutstandingWork,
        listener,
      );
      await stage.eventually(() => estimates.length === calls, "the listener is called and expires");
    }
    stage.equal(estimates, [1, 1], "estimates");
  },
  "G-23": async (stage) => {
    const device = await newDevice(stage, 20);
    const opening = open(stage, configurationOf(device.user));
    const estimates: number[] = [];
    const bytes: unknown[] = [];
    opening
      .progress((estimate: number) => void estimates.push(estimate))
      .progress((transferred: number, transferable: number) => void bytes.push([transferred, transferable]));
    stage.equal([estimates, bytes], [[1], [[0, 0]]], "calls at once");
    const realm = await opening;
    stage.equal(realm.objects("Dog").length, 20, "dogs");
    stage.check(estimates.length > 1 && estimates.at(-1) === 1, `estimates: ${estimates.join(" ")}`);
  },
};

const openings: Readonly<Record<string, OwnCase>> = {
  "O-03": async (stage) => {
    const device = await stage.device();
    device.proxy.cut();
    const behavior = { type: "downloadBeforeOpen", timeOut: 200, timeOutBehavior: "throwException" } as const;
    const opening = open(stage, configurationOf(device.user, behaving(behavior)));
    const error = await opening.catch((reason: unknown) => reason);
    stage.check(error instanceof TimeoutError, `a TimeoutError: ${String(error)}`);
    stage.equal(textOf(error), "Timed out: Realm could not be downloaded in the allocated time: 200 ms.", "message");
  },
  "O-04": async (stage) => {
    const device = await newDevice(stage, 3);
    device.proxy.cut();
    const behavior = { type: "downloadBeforeOpen", timeOut: 200, timeOutBehavior: "openLocalRealm" } as const;
    const realm = await open(stage, configurationOf(device.user, behaving(behavior)));
    stage.equal([realm.isClosed, realm.objects("Dog").length], [false, 0], "the realm, and its dogs");
    device.proxy.restore();
    device.app.reconnectAll();
    await stage.eventually(() => realm.objects("Dog").length === 3, "it is synchronised later");
  },
  "O-05": async (stage) => {
    const device = await newDevice(stage, 3);
    device.proxy.cut();
    const realm = await open(stage, configurationOf(device.user, behaving({ type: "openImmediately" })));
    stage.equal(realm.objects("Dog").length, 0, "dogs");
  },
  "O-06": async (stage) => {
    const device = await newDevice(stage, 3);
    const configuration = configurationOf(device.user, {
      newRealmFileBehavior: { type: "openImmediately" },
      existingRealmFileBehavior: { type: "downloadBeforeOpen" },
    });
    const first = await open(stage, configuration);
    stage.equal(first.objects("Dog").length, 0, "dogs of the new file");
    first.syncSession?.pause();
    first.close();
    const second = await open(stage, configuration);
    stage.equal(second.objects("Dog").length, 3, "dogs of the existing file");
  },
  "O-07": async (stage) => {
    const device = await stage.device();
    device.proxy.cut();
    const opening = open(stage, configurationOf(device.user));
    opening.cancel();
    stage.equal(textOf(await opening.catch((reason: unknown) => reason)), "Async open canceled", "message");
  },
  "O-08": async (stage) => {
    const device = await stage.device();
    device.proxy.cut();
    const both = [open(stage, configurationOf(device.user)), open(stage, configurationOf(device.user))];
    both[0]?.cancel();
    for (const opening of both) {
      stage.equal(textOf(await opening.catch((reason: unknown) => reason)), "Async open canceled", "message");
    }
  },
  "O-14": async (stage) => {
    const { user } = await stage.device();
    const sync = { flexible: undefined, partitionValue: "mine" };
    const error = thrown(() => new Realm(configurationOf(user, sync)));
    const text = "'initialSubscriptions' can only be specified when flexible sync is enabled.";
    stage.check(textOf(error).startsWith(text), textOf(error));
  },
  "O-19": async (stage) => {
    const { user } = await stage.device();
    const own = configurationOf(user);
    const sync = (change: object): object => ({ ...own, sync: { ...own.sync, ...change } });
    const both = (name: string): string =>
      `The realm configuration options '${name}' and 'sync' cannot both be defined.`;
    const type = (name: string): string =>
      `'${name}.type' on realm sync configuration must be either 'downloadBeforeOpen' or 'openImmediately'.`;
    const cases: readonly (readonly [object, string])[] = [
      [{ ...own, onMigration: () => undefined }, both("onMigration")],
      [{ ...own, migrationOptions: {} }, both("migrationOptions")],
      [{ ...own, inMemory: true }, both("inMemory")],
      [{ ...own, deleteRealmIfMigrationNeeded: true }, both("deleteRealmIfMigrationNeeded")],
      [sync({ user: {} }), "Expected 'user' on realm sync configuration to be an instance of User, got an object"],
      [sync({ flexible: false }), "'flexible' must always be true for realms using flexible sync. To enable"],
      [sync({ partitionValue: "x" }), "'partitionValue' cannot be specified when flexible sync is enabled."],
      [sync({ newRealmFileBehavior: { type: "x" } }), type("newRealmFileBehavior")],
      [sync({ existingRealmFileBehavior: { type: "x" } }), type("existingRealmFileBehavior")],
      [
        sync({ clientReset: { mode: "x" } }),
        "'clientReset' on realm sync configuration must be one of the following: ",
      ],
      [sync({ clientReset: { mode: "manual" } }), "need to set either onError or onManual or both"],
      [{ ...own, path: 1 }, "Expected 'path' to be a string, got a number"],
    ];
    for (const [configuration, text] of cases) {
      const message = textOf(thrown(() => new Realm(configuration)));
      stage.check(message.includes(text), `"${message}" has "${text}"`);
    }
  },
  "O-22": async (stage) => {
    const { realm, user } = await stage.readyDevice();
    realm.write(() => realm.create("Dog", dog(1)));
    await stage.session(realm).waitUp();
    const path = realm.path();
    realm.close();
    await stage.eventually(() => Realm.App.Sync.getAllSyncSessions(userOf(user)).length === 0, "the session ends");
    const local = new Realm({ schema, path, openSyncedRealmLocally: true });
    stage.later(() => local.close());
    stage.equal([local.syncSession, local.objects("Dog").length], [null, 1], "session and dogs");
  },
};

const subscriptions: Readonly<Record<string, OwnCase>> = {
  "B-08": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    const old = realm.objects("Dog").filtered("age > 3");
    void realm.subscriptions
      .update((set) => {
        set.add(old);
        set.add(old, { name: "old" });
        set.add(realm.objects("Dog"), { name: "" });
        set.add(realm.objects("Dog"));
        const [first] = set;
        stage.equal([set.removeByName("old"), set.removeByName("old")], [true, false], "by name");
        stage.check(first !== undefined && set.removeSubscription(first), "an object");
        stage.equal([set.remove(realm.objects("Dog")), set.remove(old)], [true, false], "by query");
        set.add(old);
        stage.equal([set.removeUnnamed(), set.length], [1, 0], "without a name");
        set.add(old);
        set.add(old, { name: "old" });
        stage.equal([set.removeByObjectType("Dog"), set.removeByObjectType("Dog")], [2, 0], "by type");
        set.add(old);
        stage.equal([set.removeAll(), set.removeAll()], [1, 0], "all");
      })
      .catch(() => undefined);
    stage.equal(realm.subscriptions.length, 0, "subscriptions that are left");
  },
  "B-09": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    await realm.subscriptions.update((set) => {
      const removed = [set.removeByName("none"), set.remove(realm.objects("Dog"))];
      stage.equal(removed, [false, false], "one by one");
      stage.equal([set.removeByObjectType("Dog"), set.removeUnnamed(), set.removeAll()], [0, 0, 0], "many");
    });
  },
  "B-15": async (stage) => {
    const realm = realmOf((await stage.readyDevice()).realm);
    realm.syncSession?.pause();
    const add = (query: string): Realm.SubscriptionSet => {
      const set = realm.subscriptions;
      set.update((mutable) => void mutable.add(realm.objects("Dog").filtered(query))).catch(() => undefined);
      return set;
    };
    const [first, second] = [add("age > 3"), add("age > 4")];
    realm.syncSession?.resume();
    await Promise.all([first.waitForSynchronization(), second.waitForSynchronization()]);
    stage.equal([first.state, second.state], ["superseded", "complete"], "states");
  },
  "B-20": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    const [before, mine] = [realm.subscriptions, realm.subscriptions];
    stage.check(before !== mine, "each look is a set of its own");
    await mine.update((set) => void set.add(realm.objects("Dog")));
    stage.equal([before.length, mine.length, realm.subscriptions.length], [0, 1, 1], "subscriptions");
  },
  "B-24": async (stage) => {
    const realm = realmOf((await stage.readyDevice()).realm);
    const { subscriptions: set } = realm;
    realm.close();
    stage.check(thrown(() => realm.subscriptions) instanceof Error, "the getter throws");
    stage.check((await set.waitForSynchronization().catch((error: unknown) => error)) instanceof Error, "it rejects");
  },
  "B-27": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    const names = (): unknown => Array.from(realm.subscriptions, ({ name }) => name);
    const named = await realm.objects("Dog").subscribe({ name: "mine" });
    const plain = await realm.objects("Dog").filtered("age > 3").subscribe();
    // There never was one of this query: nothing happens.
    realm.objects("Dog").filtered("age > 5").unsubscribe();
    stage.equal(names(), ["mine", null], "after something that was never there");
    named.unsubscribe();
    stage.equal(names(), [null], "after the remembered name");
    realm.objects("Dog").filtered("age > 3").unsubscribe();
    stage.equal(names(), [], "after the query");
    plain.unsubscribe();
    await realm.subscriptions.waitForSynchronization();
  },
  "B-29": async (stage) => {
    const local = await stage.adapter.openLocal({ directory: await stage.directory(), models: [dogModel] });
    const realm = realmOf(local);
    const text =
      "`subscriptions` can only be accessed if flexible sync is enabled, but sync is currently disabled for your app";
    stage.check(textOf(thrown(() => realm.subscriptions)).includes(text), "the getter throws");
    const error = await realm
      .objects("Dog")
      .subscribe()
      .catch((reason: unknown) => reason);
    stage.check(textOf(error).includes(text), "subscribing rejects");
    local.close();
  },
};

/** The cases by their ids. */
export const nodeCases: Readonly<Record<string, OwnCase>> = {
  ...sessions,
  ...waits,
  ...connections,
  ...progress,
  ...openings,
  ...subscriptions,
};
