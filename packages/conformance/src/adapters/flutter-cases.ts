/**
 * Cases that are about what the flutter facade alone has, or has in its own way.
 *
 * @module
 */

import { join } from "node:path";
import {
  CancellationToken,
  CancelledException,
  Configuration,
  type FlexibleSyncConfiguration,
  int,
  list,
  ProgressDirection,
  ProgressMode,
  Realm,
  RealmClosedError,
  RealmError,
  RealmObject,
  SchemaObject,
  type Session,
  StateError,
  string,
  TimeoutCancellationToken,
  TimeoutException,
  User,
} from "@tidemark/flutter";
import type { OwnCase, TestRealm, TestUser } from "../adapter.js";
import { dog, dogModel, type Stage } from "../harness/stage.js";

class Dog extends RealmObject.of(
  SchemaObject("Dog", { _id: int().primaryKey(), name: string(), age: int(), tags: list(string()) }),
) {}

function realmOf({ native }: TestRealm): Realm {
  if (native instanceof Realm) return native;
  throw new Error("not a realm of this facade");
}

function userOf({ native }: TestUser): User {
  if (native instanceof User) return native;
  throw new Error("not a user of this facade");
}

function sessionOf(realm: TestRealm): Session {
  return realmOf(realm).syncSession;
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

/** Checks that a call throws an error of a class. */
async function throws(stage: Stage, call: () => unknown, kind: ErrorClass, text: string = ""): Promise<void> {
  const error = await thrown(call);
  stage.check(error instanceof kind && error.message.includes(text), `${kind.name} "${text}": ${String(error)}`);
}

function configurationOf(user: TestUser): FlexibleSyncConfiguration {
  return Configuration.flexibleSync(userOf(user), [Dog]);
}

/** A user's file that is subscribed to all dogs, and closed. */
async function subscribedFile(stage: Stage, user: TestUser): Promise<void> {
  const realm = await stage.openFor(user);
  stage.session(realm).pause();
  realm.close();
}

/** Opens with data, and closes at the end what was opened. */
async function open(stage: Stage, user: TestUser, cancellationToken?: CancellationToken): Promise<Realm> {
  const realm = await Realm.open(configurationOf(user), { cancellationToken });
  stage.later(() => realm.close());
  return realm;
}

const sessions: Readonly<Record<string, OwnCase>> = {
  "S-06": async (stage) => {
    const { realm } = await stage.readyDevice();
    const session = sessionOf(realm);
    realm.close();
    const text = "Cannot access a Session that belongs to a closed Realm";
    const getters = [() => session.state, () => session.connectionState, () => session.user, () => session.realmPath];
    for (const getter of getters) await throws(stage, getter, RealmClosedError, text);
  },
  "S-14": async (stage) => {
    const device = await stage.readyDevice();
    stage.check(sessionOf(device.realm).user === userOf(device.user), "the user is another one");
  },
  "S-15": async (stage) => {
    const { realm } = await stage.readyDevice();
    stage.equal(sessionOf(realm).realmPath, realmOf(realm).config.path, "path");
  },
};

const waits: Readonly<Record<string, OwnCase>> = {
  "W-09": async (stage) => {
    const { realm } = await stage.readyDevice();
    const token = new CancellationToken();
    token.cancel();
    await throws(stage, () => sessionOf(realm).waitForUpload(token), CancelledException);
    await throws(stage, () => sessionOf(realm).waitForDownload(token), CancelledException);
  },
  "W-10": async (stage) => {
    const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
    writer.proxy.blackhole();
    writer.realm.write(() => writer.realm.create("Dog", dog(1)));
    const token = new CancellationToken();
    const wait = sessionOf(writer.realm).waitForUpload(token);
    stage.check(await stage.staysOpen(wait, 50), "the wait ended");
    token.cancel();
    await throws(stage, () => wait, CancelledException);
    writer.proxy.restore();
    await stage.eventually(() => reader.realm.count("Dog") === 1, "the transfer goes on");
  },
  "W-11": async (stage) => {
    const { realm, proxy } = await stage.readyDevice();
    proxy.blackhole();
    await throws(stage, () => sessionOf(realm).waitForDownload(new TimeoutCancellationToken(50)), TimeoutException);
  },
};

const connections: Readonly<Record<string, OwnCase>> = {
  "C-07": async (stage) => {
    const { realm } = await stage.readyDevice();
    const changes: unknown[] = [];
    sessionOf(realm).connectionStateChanges.listen(({ previous, current }) => void changes.push({ previous, current }));
    sessionOf(realm).pause();
    await stage.eventually(() => changes.length > 0, "the listener is called");
    stage.equal(changes, [{ previous: "connected", current: "disconnected" }], "change");
  },
  "C-08": async (stage) => {
    const { realm } = await stage.readyDevice();
    const events: string[] = [];
    sessionOf(realm).connectionStateChanges.listen(({ previous, current }) => events.push(`${previous}→${current}`), {
      onDone: () => events.push("done"),
    });
    realm.close();
    await stage.eventually(() => events.length >= 2, "the stream ends");
    stage.equal(events, ["connected→disconnected", "done"], "events");
  },
  "C-13": async (stage) => {
    const { realm } = await stage.readyDevice();
    const stream = sessionOf(realm).connectionStateChanges;
    stream.listen(() => undefined);
    await throws(stage, () => stream.listen(() => undefined), StateError);
  },
};

const progress: Readonly<Record<string, OwnCase>> = {
  "G-20": async (stage) => {
    const { realm, session } = await stage.readyDevice();
    const { upload } = ProgressDirection;
    let calls = 0;
    const stream = sessionOf(realm).getProgressStream(upload, ProgressMode.reportIndefinitely);
    const subscription = stream.listen(() => (calls += 1));
    await stage.eventually(() => calls > 0, "the first call");
    await subscription.cancel();
    const before = calls;
    realm.write(() => realm.create("Dog", dog(1)));
    await session.waitUp();
    await stage.sleep(100);
    stage.equal(calls, before, "calls");
  },
  "G-23": async (stage) => {
    const writer = await stage.readyDevice();
    writer.realm.write(() => writer.realm.create("Dog", dog(1)));
    await writer.session.waitUp();
    const device = await stage.device();
    const estimates: number[] = [];
    const onProgressCallback = ({ progressEstimate }: { readonly progressEstimate: number }): void =>
      void estimates.push(progressEstimate);
    const empty = await Realm.open(configurationOf(device.user), { onProgressCallback });
    stage.equal(estimates, [], "reports of an empty opening");
    empty.syncSession.pause();
    empty.subscriptions.update((set) => void set.add(empty.all(Dog)));
    empty.close();
    const realm = await Realm.open(configurationOf(device.user), { onProgressCallback });
    stage.later(() => realm.close());
    stage.equal(realm.all(Dog).length, 1, "dogs");
    stage.equal(estimates.at(-1), 1, "last report");
  },
};

const openings: Readonly<Record<string, OwnCase>> = {
  "O-08": async (stage) => {
    const device = await stage.device();
    await subscribedFile(stage, device.user);
    device.proxy.blackhole();
    const token = new CancellationToken();
    const [cancelled, other] = [thrown(() => open(stage, device.user, token)), open(stage, device.user)];
    token.cancel();
    stage.check((await cancelled) instanceof CancelledException, "the one is cancelled");
    device.proxy.restore();
    stage.equal((await other).isClosed, false, "whether the other is closed");
  },
  "O-09": async (stage) => {
    const device = await stage.device();
    await subscribedFile(stage, device.user);
    const before = new CancellationToken();
    before.cancel();
    await throws(stage, () => open(stage, device.user, before), CancelledException);
    device.proxy.blackhole();
    const meanwhile = new CancellationToken();
    const opening = thrown(() => open(stage, device.user, meanwhile));
    stage.check(await stage.staysOpen(opening, 50), "the opening ended");
    meanwhile.cancel();
    stage.check((await opening) instanceof CancelledException, "it is cancelled meanwhile");
    device.proxy.restore();
    const after = new CancellationToken();
    const realm = await open(stage, device.user, after);
    after.cancel();
    stage.equal([realm.isClosed, realm.all(Dog).length], [false, 0], "after it was opened");
  },
  "O-21": async (stage) => {
    const [device, reader] = [await stage.readyDevice(), await stage.readyDevice()];
    device.realm.write(() => device.realm.create("Dog", dog(1)));
    await device.session.waitUp();
    const path = device.realm.path();
    device.realm.close();
    await stage.eventually(() => device.app.sessionCount(device.user) === 0, "the session ends");
    const realm = new Realm(Configuration.disconnectedSync([Dog], { path }));
    await throws(stage, () => realm.syncSession, RealmError);
    realm.write(() => realm.add(new Dog(dog(2))));
    stage.equal(realm.all(Dog).length, 2, "dogs without a session");
    realm.close();
    stage.equal(device.app.sessionCount(device.user), 0, "sessions");
    const again = await device.open();
    await stage.session(again).waitUp();
    await stage.eventually(() => reader.realm.count("Dog") === 2, "what was written is synchronised later");
  },
  "O-23": async (stage) => {
    const path = join(await stage.directory(), "filled.realm");
    let calls = 0;
    const initialDataCallback = (realm: Realm): void => {
      calls += 1;
      realm.add(new Dog(dog(1)));
    };
    for (const opening of [1, 2]) {
      const realm = new Realm(Configuration.local([Dog], { path, initialDataCallback }));
      stage.equal([calls, realm.all(Dog).length], [1, 1], `calls and dogs of opening ${opening}`);
      realm.close();
    }
  },
};

const subscriptions: Readonly<Record<string, OwnCase>> = {
  "B-08": async (stage) => {
    const realm = realmOf(await (await stage.device()).open({ subscriptions: [] }));
    const all = realm.dynamic.all("Dog");
    realm.subscriptions.update((set) => {
      for (const name of ["a", "b", "c", undefined]) set.add(all, { name });
      stage.equal([set.removeByName("a"), set.removeByName("a")], [true, false], "by name");
      const found = set.findByName("b");
      stage.check(found !== null && set.remove(found), "an object");
      stage.equal([set.removeByQuery(all), set.length], [true, 0], "by query, whatever the names");
      set.add(all);
      stage.equal([set.removeByType("Dog"), set.removeByType("Dog")], [true, false], "by type");
      set.add(all, { name: "stays" });
      set.add(all);
      set.clear({ unnamedOnly: true });
      stage.equal(
        [...set].map(({ name }) => name),
        ["stays"],
        "without a name",
      );
      set.clear();
    });
    stage.equal(realm.subscriptions.length, 0, "all");
  },
  "B-09": async (stage) => {
    const realm = realmOf((await stage.readyDevice()).realm);
    realm.subscriptions.update((set) => {
      const old = set.findByName("all");
      set.clear();
      const removed = [set.removeByName("all"), old !== null && set.remove(old), set.removeByType("Dog")];
      stage.equal(removed, [false, false, false], "answers");
    });
  },
  "B-17": async (stage) => {
    const { realm, proxy } = await stage.readyDevice();
    const { subscriptions: set } = realmOf(realm);
    proxy.blackhole();
    realm.subscriptions().begin((change) => change.add({ name: "old", className: "Dog", query: "age > 3" }));
    const token = new CancellationToken();
    const wait = thrown(() => set.waitForSynchronization(token));
    stage.check(await stage.staysOpen(wait, 50), "the wait ended");
    token.cancel();
    stage.check((await wait) instanceof CancelledException, "it is cancelled");
    proxy.restore();
    await set.waitForSynchronization();
  },
  "B-20": async (stage) => {
    const realm = await (await stage.device()).open({ subscriptions: [] });
    const set = realmOf(realm).subscriptions;
    stage.check(set === realmOf(realm).subscriptions, "each look is the same set");
    await realm.subscriptions().update((change) => change.add({ className: "Dog" }));
    stage.equal([set.length, set.version, set.state], [1, 1, "complete"], "length, version and state");
  },
  "B-24": async (stage) => {
    const realm = realmOf((await stage.readyDevice()).realm);
    const { subscriptions: set } = realm;
    realm.close();
    const uses = [() => set.state, () => set.length, () => set.update(() => undefined), () => realm.subscriptions];
    for (const use of uses) await throws(stage, use, RealmClosedError);
    await throws(stage, () => set.waitForSynchronization(), RealmClosedError);
  },
  "B-27": async (stage) => {
    const device = await stage.device();
    await subscribedFile(stage, device.user);
    const realm = await open(stage, device.user);
    realm.subscriptions.update((set) => set.clear());
    const query = realm.query(Dog, "age > 3");
    const named = await query.subscribe({ name: "mine" });
    stage.equal([query.unsubscribe(), realm.subscriptions.length], [false, 1], "what does not know the name");
    stage.equal([named.unsubscribe(), named.unsubscribe(), realm.subscriptions.length], [true, false, 0], "what does");
    await query.subscribe();
    stage.equal([query.unsubscribe(), realm.subscriptions.length], [true, 0], "without a name");
    await realm.subscriptions.waitForSynchronization();
  },
  "B-29": async (stage) => {
    const local = await stage.adapter.openLocal({ directory: await stage.directory(), models: [dogModel] });
    local.close();
    const realm = new Realm(Configuration.local([Dog], { path: local.path() }));
    const text = "subscriptions is only valid on Realms opened with a FlexibleSyncConfiguration";
    await throws(stage, () => realm.subscriptions, RealmError, text);
    await throws(stage, () => realm.all(Dog).subscribe(), RealmError, text);
    const other = "unsubscribe is only allowed on Realms opened with a FlexibleSyncConfiguration";
    await throws(stage, () => realm.all(Dog).unsubscribe(), RealmError, other);
    realm.close();
  },
};

/** The cases by their ids. */
export const flutterCases: Readonly<Record<string, OwnCase>> = {
  ...sessions,
  ...waits,
  ...connections,
  ...progress,
  ...openings,
  ...subscriptions,
};
