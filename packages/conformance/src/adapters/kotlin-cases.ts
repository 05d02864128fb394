/**
 * Cases that are about what the kotlin facade alone has, or has in its own way.
 *
 * @module
 */

import { existsSync } from "node:fs";
import {
  ConnectionState,
  Direction,
  DownloadingRealmTimeOutException,
  Duration,
  IllegalArgumentException,
  IllegalStateException,
  int,
  list,
  milliseconds,
  type ModelClass,
  type MutableSubscriptionSet,
  primaryKey,
  ProgressMode,
  Realm,
  realmObject,
  seconds,
  string,
  SyncConfiguration,
  type SyncConfigurationBuilder,
  type SyncSession,
  User,
} from "@tidemark/kotlin";
import type { OwnCase, TestRealm, TestUser } from "../adapter.js";
import { dog, dogModel, type Stage } from "../harness/stage.js";

class Dog extends realmObject("Dog", {
  _id: primaryKey(int()),
  name: string(),
  age: int(),
  tags: list(string()),
}) {}

function realmOf({ native }: TestRealm): Realm {
  if (native instanceof Realm) return native;
  throw new Error("not a realm of this facade");
}

function userOf({ native }: TestUser): User {
  if (native instanceof User) return native;
  throw new Error("not a user of this facade");
}

/** The class of dogs as a realm was opened with it. */
function modelOf(realm: Realm): ModelClass {
  const [model] = realm.configuration.schema;
  if (model === undefined) throw new Error("the realm has no classes");
  return model;
}

/** What a call throws, or its promise rejects with. */
async function thrown(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

type ErrorClass = abstract new (...values: never[]) => Error;

/** Checks that a call throws an exception of a class. */
async function throws(stage: Stage, call: () => unknown, kind: ErrorClass, text: string = ""): Promise<void> {
  const error = await thrown(call);
  stage.check(error instanceof kind && error.message.includes(text), `${kind.name} "${text}": ${String(error)}`);
}

/** A builder whose realm is subscribed to all dogs. */
function builderOf(user: TestUser): SyncConfigurationBuilder<false> {
  const builder = new SyncConfiguration.Builder(userOf(user), [Dog]);
  return builder.initialSubscriptions((set, realm) => void set.add(realm.query(Dog)));
}

const sessions: Readonly<Record<string, OwnCase>> = {
  "S-06": async (stage) => {
    const { realm } = await stage.readyDevice();
    const own = realmOf(realm);
    realm.close();
    const text = "This method is not available when the Realm has been closed.";
    await throws(stage, () => own.syncSession, IllegalStateException, text);
  },
  "S-13": async (stage) => {
    const device = await stage.readyDevice();
    const own = realmOf(device.realm);
    const { sync } = userOf(device.user).app;
    device.realm.write(() => device.realm.create("Dog", dog(1)));
    stage.check(sync.hasSyncSessions, "there are sessions");
    device.realm.close();
    await sync.waitForSessionsToTerminate();
    stage.check(!sync.hasSyncSessions, "there are none");
    Realm.deleteRealm(own.configuration);
    stage.check(!existsSync(own.configuration.path), "the file is gone");
  },
  "S-14": async (stage) => {
    const device = await stage.readyDevice();
    const { syncSession, configuration } = realmOf(device.realm);
    stage.check(syncSession.user === userOf(device.user), "the user is another one");
    stage.check(syncSession.configuration === configuration, "the configuration is another one");
  },
};

const waits: Readonly<Record<string, OwnCase>> = {
  "W-08": async (stage) => {
    const { syncSession } = realmOf((await stage.readyDevice()).realm);
    for (const timeout of [Duration.ZERO, seconds(-1)]) {
      const text = `'timeout' must be > 0. It was: ${String(timeout)}`;
      await throws(stage, () => syncSession.uploadAllLocalChanges(timeout), IllegalArgumentException, text);
      await throws(stage, () => syncSession.downloadAllServerChanges(timeout), IllegalArgumentException, text);
    }
  },
  "W-24": async (stage) => {
    const device = await stage.device();
    const told: SyncSession[] = [];
    const builder = new SyncConfiguration.Builder(userOf(device.user), [Dog])
      .errorHandler((session) => void told.push(session))
      .initialSubscriptions((set, opening) => void set.add(opening.query(Dog, "name == 'Rex'")));
    const realm = Realm.open(builder.build());
    stage.later(() => realm.close());
    await realm.subscriptions.waitForSynchronization();
    realm.writeBlocking((transaction) => {
      const bello = new Dog();
      Object.assign(bello, { _id: 1, name: "Bello" });
      transaction.copyToRealm(bello);
    });
    await stage.eventually(() => told.length > 0, "the handler is called");
    const text = "Operation is not allowed inside a `SyncSession.ErrorHandler`.";
    await throws(stage, () => told[0]?.uploadAllLocalChanges(), IllegalStateException, text);
    await throws(stage, () => told[0]?.downloadAllServerChanges(), IllegalStateException, text);
  },
};

const connections: Readonly<Record<string, OwnCase>> = {
  "C-07": async (stage) => {
    const { syncSession } = realmOf((await stage.readyDevice()).realm);
    const change = syncSession.connectionStateAsFlow().first();
    syncSession.pause();
    const { CONNECTED: oldState, DISCONNECTED: newState } = ConnectionState;
    stage.equal(await change, { oldState, newState }, "change");
  },
  "C-08": async (stage) => {
    const { realm } = await stage.readyDevice();
    const all = realmOf(realm).syncSession.connectionStateAsFlow().toArray();
    realm.close();
    await all;
  },
  "C-12": async (stage) => {
    const { realm, session } = await stage.readyDevice();
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    let count = 0;
    const flow = realmOf(realm).syncSession.connectionStateAsFlow();
    const collecting = thrown(() =>
      flow.collect(async () => {
        count += 1;
        await gate;
      }),
    );
    // Each round is three changes; one is with the collector, 64 may wait.
    for (let round = 0; round < 23; round += 1) {
      session.pause();
      session.resume();
      await stage.eventually(() => session.connection() === "connected", "connected");
    }
    go();
    const error = await collecting;
    stage.check(error instanceof IllegalStateException, `an IllegalStateException: ${String(error)}`);
    stage.equal(count, 65, "changes that were collected");
  },
};

const progress: Readonly<Record<string, OwnCase>> = {
  "G-19": async (stage) => {
    const { realm, session } = await stage.readyDevice();
    const flow = realmOf(realm).syncSession.progressAsFlow(Direction.UPLOAD, ProgressMode.INDEFINITELY);
    let calls = 0;
    const failure = new Error("no more");
    const error = await thrown(() =>
      flow.collect(() => {
        calls += 1;
        throw failure;
      }),
    );
    stage.check(error === failure, `what the collector has thrown: ${String(error)}`);
    realm.write(() => realm.create("Dog", dog(1)));
    await session.waitUp();
    await stage.sleep(100);
    stage.equal(calls, 1, "calls of the collector that threw");
    stage.equal((await flow.first()).estimate, 1, "the flow collected again");
  },
};

const openings: Readonly<Record<string, OwnCase>> = {
  "O-10": async (stage) => {
    const device = await stage.device();
    device.proxy.cut();
    const configuration = builderOf(device.user).waitForInitialRemoteData(milliseconds(200)).build();
    const text = `Realm did not manage to download all initial data in time: ${configuration.path}, timeout: 200ms.`;
    await throws(stage, () => Realm.open(configuration), DownloadingRealmTimeOutException, text);
  },
  "O-14": async (stage) => {
    const { user } = await stage.device();
    const build = (): unknown => {
      const builder = new SyncConfiguration.Builder(userOf(user), "mine", [Dog]);
      return builder.initialSubscriptions(() => undefined).build();
    };
    await throws(stage, build, Error);
  },
  "O-18b": async (stage) => {
    const { app, user } = await stage.device();
    await app.logOut(user);
    await throws(stage, () => builderOf(user), IllegalArgumentException, "A valid, logged in user is required.");
  },
  "O-23": async (stage) => {
    const device = await stage.device();
    let calls = 0;
    const configuration = builderOf(device.user)
      .initialData((transaction) => {
        calls += 1;
        const rex = new Dog();
        Object.assign(rex, { _id: 1, name: "Rex" });
        transaction.copyToRealm(rex);
      })
      .build();
    for (const opening of [1, 2]) {
      const realm = Realm.open(configuration);
      stage.equal([calls, realm.query(Dog).count().find()], [1, 1], `calls and dogs of opening ${opening}`);
      realm.close();
    }
  },
};

/** What a change of subscriptions answers, and the names that are left. */
async function changed(
  realm: Realm,
  change: (set: MutableSubscriptionSet, realm: Realm) => unknown,
): Promise<readonly unknown[]> {
  let result: unknown;
  await realm.subscriptions.update((set, opening) => {
    set.removeAll();
    for (const name of ["a", "b", null]) set.add(opening.query(modelOf(realm)), name);
    result = change(set, opening);
  });
  return [result, Array.from(realm.subscriptions, ({ name }) => name)];
}

const subscriptions: Readonly<Record<string, OwnCase>> = {
  "B-08": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    const model = modelOf(realm);
    stage.equal(await changed(realm, (set) => set.remove("a")), [true, ["b", null]], "by name");
    const first = await changed(realm, (set) => {
      const found = set.findByName("b");
      return found !== null && set.remove(found);
    });
    stage.equal(first, [true, ["a", null]], "an object");
    const byQuery = await changed(realm, (set, opening) => {
      const found = set.findByQuery(opening.query(model));
      return found !== null && set.remove(found);
    });
    stage.equal(byQuery, [true, ["b", null]], "what a query finds");
    stage.equal(await changed(realm, (set) => set.removeAll(model)), [true, []], "by type");
    stage.equal(await changed(realm, (set) => set.removeAll(true)), [true, ["a", "b"]], "without a name");
    stage.equal(await changed(realm, (set) => set.removeAll()), [true, []], "all");
  },
  "B-09": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    const removed = await changed(realm, (set) => {
      const old = set.findByName("a");
      set.removeAll();
      return [
        set.remove("a"),
        old !== null && set.remove(old),
        set.removeAll("Dog"),
        set.removeAll(true),
        set.removeAll(),
      ];
    });
    stage.equal(removed, [[false, false, false, false, false], []], "answers");
    const { path } = realm.configuration;
    const text = `'Cat' is not part of the schema for this Realm: ${path}`;
    await throws(stage, () => changed(realm, (set) => set.removeAll("Cat")), IllegalArgumentException, text);
  },
  "B-16": async (stage) => {
    const { realm, proxy } = await stage.readyDevice();
    const { subscriptions: set } = realmOf(realm);
    stage.equal(await set.waitForSynchronization(seconds(10)), true, "what is there");
    proxy.blackhole();
    await set.update((mutable, opening) => void mutable.add(opening.query(modelOf(opening), "age > 3"), "old"));
    stage.equal(await set.waitForSynchronization(milliseconds(50)), false, "what does not come");
    proxy.restore();
    stage.equal(await set.waitForSynchronization(seconds(10)), true, "what comes after all");
  },
  "B-20": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    const set = realm.subscriptions;
    stage.check(set === realm.subscriptions, "each look is the same set");
    stage.check((await set.update((mutable) => void mutable.add(realm.query(modelOf(realm))))) === set, "updated");
    stage.equal([set.size, set.state], [1, "PENDING"], "size and state");
    await set.waitForSynchronization();
    stage.equal(set.state, "COMPLETE", "state");
  },
  "B-24": async (stage) => {
    const realm = realmOf((await stage.readyDevice()).realm);
    const { subscriptions: set } = realm;
    realm.close();
    const names = Array.from(set, ({ name }) => name);
    stage.equal([set.size, set.state, set.errorMessage, names], [1, "COMPLETE", null, ["all"]], "what is read");
    await throws(stage, () => set.refresh(), IllegalStateException);
    await throws(stage, () => set.update(() => undefined), IllegalStateException);
    await throws(stage, () => set.waitForSynchronization(), IllegalStateException);
    await throws(stage, () => realm.subscriptions, IllegalStateException);
  },
  "B-28": async (stage) => {
    const realm = realmOf((await stage.readyDevice()).realm);
    const { attempt } = realm.writeBlocking((transaction) => ({
      attempt: transaction.query(modelOf(realm)).subscribe(),
    }));
    await throws(stage, () => attempt, IllegalStateException);
  },
  "B-29": async (stage) => {
    const local = await stage.adapter.openLocal({ directory: await stage.directory(), models: [dogModel] });
    const realm = realmOf(local);
    const text = "This method is only available on synchronized realms.";
    await throws(stage, () => realm.subscriptions, IllegalStateException, text);
    await throws(stage, () => realm.query(modelOf(realm)).subscribe(), IllegalStateException, text);
    local.close();
  },
};

/** The cases by their ids. */
export const kotlinCases: Readonly<Record<string, OwnCase>> = {
  ...sessions,
  ...waits,
  ...connections,
  ...progress,
  ...openings,
  ...subscriptions,
};
