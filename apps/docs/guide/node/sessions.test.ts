/** The guide's code in the shape of the SDK for Node.js: what lies between the marks of a region is printed there. */

import { join } from "node:path";
import { expect, test } from "vitest";
// #region imports
import { App, Credentials, Realm, TimeoutError } from "@tidemark/node";
import type { ClientResetConfig, Configuration, ConnectionState, ObjectSchema, User } from "@tidemark/node";
// #endregion
import type { SyncSession } from "@tidemark/node";
import { useStage } from "../testing/stage.js";
import { startWaitingServer } from "../testing/waiting-server.js";

// #region setup
const taskSchema: ObjectSchema = {
  name: "Task",
  primaryKey: "_id",
  properties: { _id: "int", title: "string" },
};

async function logIn(id: string, baseUrl: string, baseFilePath: string): Promise<User> {
  const app = new App({ id, baseUrl, baseFilePath });
  return app.logIn(Credentials.anonymous());
}

/** For a realm that syncs all tasks. */
function configurationFor(user: User): Configuration {
  return {
    schema: [taskSchema],
    sync: {
      user,
      flexible: true,
      initialSubscriptions: { update: (subscriptions, realm) => void subscriptions.add(realm.objects("Task")) },
    },
  };
}
// #endregion

const stage = useStage();
const { shown, show } = stage;

interface Opened {
  readonly user: User;
  readonly realm: Realm;
  readonly session: SyncSession;
}

function sessionOf(realm: Realm): SyncSession {
  const { syncSession } = realm;
  if (syncSession === null) throw new Error("the realm is synced");
  return syncSession;
}

/** A device with a realm that has what it subscribes to. */
async function open(appId: string): Promise<Opened> {
  const user = await logIn(appId, stage.url, stage.folder());
  const realm = stage.keep(new Realm(configurationFor(user)));
  await realm.subscriptions.waitForSynchronization();
  return { user, realm, session: sessionOf(realm) };
}

function write(realm: Realm, id: number, title: string = `task ${id}`): void {
  realm.write(() => realm.create("Task", { _id: id, title }));
}

function count(realm: Realm): number {
  return realm.objects("Task").length;
}

test("S1: opening starts a session", async () => {
  const folder = stage.folder();
  const user = await logIn("s1", stage.url, folder);
  const localPath = join(folder, "local.realm");
  // #region S1
  const realm = new Realm(configurationFor(user)); // at once, without a network too
  realm.write(() => realm.create("Task", { _id: 1, title: "Buy milk" })); // the session uploads it by itself

  const local = new Realm({ path: localPath, schema: [taskSchema] });
  const none = local.syncSession; // null: a realm that is not synced has no session
  // #endregion
  stage.keep(realm);
  stage.keep(local);
  expect([none, sessionOf(realm).state]).toEqual([null, "active"]);
  const other = await open("s1");
  await expect.poll(() => count(other.realm)).toBe(1);
});

test("S3: the session of a realm", async () => {
  const { realm, user } = await open("s3");
  // #region S3
  const session = realm.syncSession; // SyncSession | null
  const owner = session?.user;
  // #endregion
  expect([realm.syncSession, owner]).toEqual([session, user]);
});

test("S4: pause and resume", async () => {
  const { realm, session } = await open("s4");
  const other = await open("s4");
  // #region S4
  session.pause(); // both directions, from this moment on; sessions of other realms go on
  realm.write(() => realm.create("Task", { _id: 1, title: "Written in a tunnel" }));

  session.resume(); // connects at once, however long the back-off would still wait
  // #endregion
  await session.uploadAllLocalChanges();
  expect(other.session.state).toBe("active");
  await other.session.downloadAllServerChanges();
  expect(count(other.realm)).toBe(1);
  session.pause();
  expect([session.state, session.connectionState, other.session.state]).toEqual(["inactive", "disconnected", "active"]);
});

test("S8: waits", async () => {
  const { realm, session } = await open("s8");
  write(realm, 1);
  // #region S8
  await session.uploadAllLocalChanges(); // all that was committed until now is on the server
  await session.downloadAllServerChanges(); // all that is on the server now is here
  // #endregion
  const other = await open("s8");
  expect(count(other.realm)).toBe(1);
  session.pause();
  write(realm, 2);
  // #region S8-limit
  try {
    await session.uploadAllLocalChanges(50); // milliseconds
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    show("not there yet, and still going on");
  }
  // #endregion
  expect(shown).toEqual(["not there yet, and still going on"]);
  session.resume();
  await expect.poll(() => count(other.realm)).toBe(2);
});

test("S8: waits that end when connecting fails", async () => {
  const baseFilePath = stage.folder();
  const [id, baseUrl] = ["s8-cancel", stage.url];
  // #region S8-cancel
  const app = new App({ id, baseUrl, baseFilePath, timeout: 10_000 }); // of requests; 60 000 ms by default
  const user = await app.logIn(Credentials.anonymous());
  const realm = new Realm({
    schema: [taskSchema],
    sync: { user, flexible: true, cancelWaitsOnNonFatalError: true },
  });
  // #endregion
  stage.keep(realm);
  const session = sessionOf(realm);
  await session.downloadAllServerChanges();
  stage.cut();
  await expect(session.downloadAllServerChanges()).rejects.toMatchObject({ name: "SyncError", isFatal: false });
  stage.restore();
  await expect.poll(() => session.connectionState).toBe("connected");
});

test("S9, S10: states", async () => {
  const { session } = await open("s9");
  // #region S9
  const { state } = session; // "active"; "inactive" while paused or logged out, and after a fatal error
  const canMove = session.isConnected(); // active, and connected
  // #endregion
  // #region S10
  const { connectionState } = session; // "disconnected", "connecting" or "connected"
  // #endregion
  expect([state, canMove, connectionState]).toEqual(["active", true, "connected"]);
});

test("S11 to S13: changes of the connection", async () => {
  const { session } = await open("s11");
  // #region S11
  const onChange = (newState: ConnectionState, oldState: ConnectionState): void => {
    show(`${oldState} → ${newState}`);
  };
  session.addConnectionNotification(onChange); // told of changes from now on, not of the present state
  // #endregion
  session.pause();
  session.resume();
  await expect
    .poll(() => shown)
    .toEqual(["connected → disconnected", "disconnected → connecting", "connecting → connected"]);
  // #region S11-end
  session.removeConnectionNotification(onChange);
  // #endregion
  session.pause();
  await new Promise((resolve) => setImmediate(resolve));
  expect(shown).toHaveLength(3);
});

test("S14, S15: progress", async () => {
  const { realm, session } = await open("s15");
  session.pause();
  for (const id of [1, 2, 3]) write(realm, id, "x".repeat(100_000));
  // #region S15
  const onBytes = (transferred: number, transferable: number): void => {
    show(`${transferred} of ${transferable} bytes`);
  };
  session.addProgressNotification("upload", "forCurrentlyOutstandingWork", onBytes); // ends by itself

  const onEstimate = (estimate: number): void => {
    show(`${Math.round(estimate * 100)} %`); // one parameter: an estimate from 0 to 1
  };
  session.addProgressNotification("download", "reportIndefinitely", onEstimate);
  // #endregion
  session.resume();
  await session.uploadAllLocalChanges();
  await expect.poll(() => shown.some((text) => /^(\d+) of \1 bytes$/.test(text))).toBe(true);
  await expect.poll(() => shown).toContain("100 %");
  // #region S15-end
  session.removeProgressNotification(onEstimate);
  // #endregion
});

test("S16: reconnecting by hand", async () => {
  const { user, session } = await open("s16");
  const { app } = user;
  stage.cut();
  await expect.poll(() => session.connectionState).not.toBe("connected");
  stage.restore();
  // #region S16
  Realm.App.Sync.reconnect(app); // all sessions of the app try at once
  session.reconnect(); // this session
  // #endregion
  await expect.poll(() => session.connectionState).toBe("connected");
});

test("S17: reconnecting by itself", async () => {
  const { realm, session } = await open("s17");
  stage.cut();
  // #region S17
  session.addConnectionNotification((newState) => show(newState)); // "disconnected", "connecting", …, "connected"
  realm.write(() => realm.create("Task", { _id: 1, title: "Written without a network" }));
  const upload = session.uploadAllLocalChanges(); // lasts over any number of attempts
  // #endregion
  await expect.poll(() => shown).toContain("connecting");
  stage.restore();
  await upload;
  expect(shown.at(-1)).toBe("connected");
});

test("S18: many sessions over one connection", async () => {
  const baseFilePath = stage.folder();
  const [id, baseUrl] = ["s18", stage.url];
  // #region S18
  const app = new App({ id, baseUrl, baseFilePath, multiplexSessions: true }); // the default
  Realm.App.Sync.enableSessionMultiplexing(app); // the same, before the first session
  // #endregion
  const user = await app.logIn(Credentials.anonymous());
  for (const name of ["first", "second"]) {
    const path = join(baseFilePath, `${name}.realm`);
    const realm = stage.keep(new Realm({ ...configurationFor(user), path }));
    await realm.subscriptions.waitForSynchronization();
  }
  expect(await stage.connectionsOf(user.id)).toBe(1);
});

test("S19: away for too long", async () => {
  const server = await startWaitingServer();
  const user = await logIn("s19", server.url, stage.folder());
  // #region S19
  const clientReset: ClientResetConfig = {
    mode: "recoverOrDiscardUnsyncedChanges", // "recoverUnsyncedChanges" by default
    onBefore: (local) => show(`${local.objects("Task").length} tasks before`),
    onAfter: (_local, remote) => show(`${remote.objects("Task").length} tasks after`),
    onFallback: (_session, path) => show(`discarded what was not uploaded: ${path}`),
  };
  const realm = new Realm({ schema: [taskSchema], sync: { user, flexible: true, clientReset } });
  // #endregion
  await realm.subscriptions.update((subscriptions) => void subscriptions.add(realm.objects("Task")));
  const session = sessionOf(realm);
  write(realm, 1);
  await session.uploadAllLocalChanges();
  session.pause();
  write(realm, 2);
  await server.letClientsExpire();
  session.resume();
  await expect.poll(() => shown).toEqual(["2 tasks before", "2 tasks after"]);
  await session.uploadAllLocalChanges();
  realm.close();
  await server.stop();
});

test("S20: no more syncing", async () => {
  const { realm, session, user } = await open("s20");
  const local = stage.keep(new Realm({ path: join(stage.folder(), "local.realm"), schema: [taskSchema] }));
  write(realm, 1);
  // #region S20
  const copyTasks = (from: Realm, to: Realm): void => {
    to.write(() => {
      for (const task of from.objects("Task")) to.create("Task", task.toJSON(), "modified");
    });
  };

  await session.downloadAllServerChanges(); // everything is here
  copyTasks(realm, local); // from here on without the server
  realm.close();
  // #endregion
  expect(local.objects("Task").toJSON()).toEqual([{ _id: 1, title: "task 1" }]);
  write(local, 2);
  const again = stage.keep(new Realm(configurationFor(user)));
  // #region S20-back
  copyTasks(local, again); // and the other way round
  // #endregion
  await sessionOf(again).uploadAllLocalChanges();
  const other = await open("s20");
  expect(count(other.realm)).toBe(2);
});
