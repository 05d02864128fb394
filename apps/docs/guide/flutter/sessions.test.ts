/** The guide's code in the shape of the SDK for Flutter: what lies between the marks of a region is printed there. */

import { join } from "node:path";
import { expect, test } from "vitest";
// #region imports
import { App, AppConfiguration, Configuration, Credentials, Realm, type User } from "@tidemark/flutter";
import { int, RealmObject, SchemaObject, string } from "@tidemark/flutter";
import { ProgressDirection, ProgressMode, RecoverOrDiscardUnsyncedChangesHandler } from "@tidemark/flutter";
import { SessionState, TimeoutCancellationToken, TimeoutException } from "@tidemark/flutter";
// #endregion
import { RealmError, type Session } from "@tidemark/flutter";
import { useStage } from "../testing/stage.js";
import { startWaitingServer } from "../testing/waiting-server.js";

// #region setup
class Task extends RealmObject.of(SchemaObject("Task", { id: int().primaryKey().mapTo("_id"), title: string() })) {}

async function logIn(appId: string, baseUrl: string, baseFilePath: string): Promise<User> {
  const app = new App(new AppConfiguration(appId, { baseUrl, baseFilePath }));
  return app.logIn(Credentials.anonymous());
}

/** A realm that syncs all tasks. */
function openSynced(user: User): Realm {
  const realm = new Realm(Configuration.flexibleSync(user, [Task.schema]));
  realm.subscriptions.update((subscriptions) => void subscriptions.add(realm.all(Task)));
  return realm;
}
// #endregion

const stage = useStage();
const { shown, show } = stage;

interface Opened {
  readonly user: User;
  readonly realm: Realm;
  readonly session: Session;
}

/** A device with a realm that has what it subscribes to. */
async function open(appId: string): Promise<Opened> {
  const user = await logIn(appId, stage.url, stage.folder());
  const realm = stage.keep(openSynced(user));
  await realm.subscriptions.waitForSynchronization();
  return { user, realm, session: realm.syncSession };
}

function write(realm: Realm, id: number, title: string = `task ${id}`): void {
  realm.write(() => realm.add(new Task({ id, title })));
}

function count(realm: Realm): number {
  return realm.all(Task).length;
}

test("S1: opening starts a session", async () => {
  const folder = stage.folder();
  const user = await logIn("s1", stage.url, folder);
  const path = join(folder, "local.realm");
  // #region S1
  const realm = openSynced(user); // at once, without a network too
  realm.write(() => realm.add(new Task({ id: 1, title: "Buy milk" }))); // the session uploads it by itself

  const local = new Realm(Configuration.local([Task.schema], { path }));
  const hasSession = (): boolean => local.syncSession !== undefined; // throws a RealmError
  // #endregion
  stage.keep(realm);
  stage.keep(local);
  expect(hasSession).toThrow(RealmError);
  expect(realm.syncSession.state).toBe("active");
  const other = await open("s1");
  await expect.poll(() => count(other.realm)).toBe(1);
});

test("S3: the session of a realm", async () => {
  const { realm, user } = await open("s3");
  // #region S3
  const session = realm.syncSession; // the same object each time
  const owner = session.user;
  // #endregion
  expect([realm.syncSession, owner]).toEqual([session, user]);
});

test("S4: pause and resume", async () => {
  const { realm, session } = await open("s4");
  const other = await open("s4");
  // #region S4
  session.pause(); // both directions, from this moment on; sessions of other realms go on
  realm.write(() => realm.add(new Task({ id: 1, title: "Written in a tunnel" })));

  session.resume(); // connects at once, however long the back-off would still wait
  // #endregion
  await session.waitForUpload();
  await other.session.waitForDownload();
  expect(count(other.realm)).toBe(1);
  session.pause();
  expect([session.state, session.connectionState, other.session.state]).toEqual(["inactive", "disconnected", "active"]);
});

test("S7: waits", async () => {
  const { realm, session } = await open("s7");
  write(realm, 1);
  // #region S7
  await session.waitForUpload(); // all that was written until now is on the server
  await session.waitForDownload(); // all that is on the server now is here
  // #endregion
  const other = await open("s7");
  expect(count(other.realm)).toBe(1);
  session.pause();
  write(realm, 2);
  // #region S7-limit
  try {
    await session.waitForUpload(new TimeoutCancellationToken({ milliseconds: 50 })); // or AbortSignal.timeout(50)
  } catch (error) {
    if (!(error instanceof TimeoutException)) throw error;
    show("not there yet, and still going on");
  }
  // #endregion
  expect(shown).toEqual(["not there yet, and still going on"]);
  session.resume();
  await expect.poll(() => count(other.realm)).toBe(2);
});

test("S7: waits that end when connecting fails", async () => {
  const user = await logIn("s7-cancel", stage.url, stage.folder());
  // #region S7-cancel
  const options = { cancelAsyncOperationsOnNonFatalErrors: true };
  const realm = new Realm(Configuration.flexibleSync(user, [Task.schema], options));
  // #endregion
  const { syncSession: session } = stage.keep(realm);
  await session.waitForDownload();
  stage.cut();
  await expect(session.waitForDownload()).rejects.toMatchObject({ name: "RealmException" });
  stage.restore();
  await expect.poll(() => session.connectionState).toBe("connected");
});

test("S9, S10: states", async () => {
  const { session } = await open("s9");
  // #region S9
  const isActive = session.state === SessionState.active; // inactive while paused or logged out, and after an error
  // #endregion
  // #region S10
  const { connectionState } = session; // disconnected, connecting or connected
  // #endregion
  expect([isActive, connectionState]).toEqual([true, "connected"]);
});

test("S11 to S13: changes of the connection", async () => {
  const { session } = await open("s13");
  // #region S13
  const subscription = session.connectionStateChanges.listen(({ previous, current }) => {
    show(`${previous} → ${current}`); // told of changes from now on, not of the present state
  });
  // #endregion
  session.pause();
  session.resume();
  await expect
    .poll(() => shown)
    .toEqual(["connected → disconnected", "disconnected → connecting", "connecting → connected"]);
  // #region S13-end
  await subscription.cancel();
  // #endregion
  session.pause();
  await new Promise((resolve) => setImmediate(resolve));
  expect(shown).toHaveLength(3);
});

test("S14, S15: progress", async () => {
  const { realm, session } = await open("s14");
  session.pause();
  for (const id of [1, 2, 3]) write(realm, id, "x".repeat(100_000));
  const showUpload = async (): Promise<void> => {
    // #region S14
    const progress = session.getProgressStream(ProgressDirection.upload, ProgressMode.forCurrentlyOutstandingWork);
    for await (const { progressEstimate } of progress) {
      show(`${Math.round(progressEstimate * 100)} %`); // the stream ends after 100 %
    }
    // #endregion
  };
  const uploading = showUpload();
  session.resume();
  await uploading;
  expect(shown.at(-1)).toBe("100 %");
});

test("S16: reconnecting by hand", async () => {
  const { user, session } = await open("s16");
  const { app } = user;
  stage.cut();
  await expect.poll(() => session.connectionState).not.toBe("connected");
  stage.restore();
  // #region S16
  app.reconnect(); // all sessions of the app try at once
  // #endregion
  await expect.poll(() => session.connectionState).toBe("connected");
});

test("S17: reconnecting by itself", async () => {
  const { realm, session } = await open("s17");
  stage.cut();
  // #region S17
  session.connectionStateChanges.listen(({ current }) => show(current)); // disconnected, connecting, …, connected
  realm.write(() => realm.add(new Task({ id: 1, title: "Written without a network" })));
  const upload = session.waitForUpload(); // lasts over any number of attempts
  // #endregion
  await expect.poll(() => shown).toContain("connecting");
  stage.restore();
  await upload;
  expect(shown.at(-1)).toBe("connected");
});

test("S18: many sessions over one connection", async () => {
  const folder = stage.folder();
  const user = await logIn("s18", stage.url, folder);
  const otherPath = join(folder, "other.realm");
  // #region S18
  // There is nothing to set: all sessions of a user share one connection.
  const first = new Realm(Configuration.flexibleSync(user, [Task.schema]));
  const second = new Realm(Configuration.flexibleSync(user, [Task.schema], { path: otherPath }));
  // #endregion
  for (const realm of [first, second]) await stage.keep(realm).syncSession.waitForDownload();
  expect(await stage.connectionsOf(user.id)).toBe(1);
});

test("S19: away for too long", async () => {
  const server = await startWaitingServer();
  const user = await logIn("s19", server.url, stage.folder());
  // #region S19
  const clientResetHandler = new RecoverOrDiscardUnsyncedChangesHandler({
    onBeforeReset: (before) => show(`${before.all(Task).length} tasks before`),
    onAfterRecovery: (_before, after) => show(`${after.all(Task).length} tasks after`),
    onAfterDiscard: (_before, after) => show(`${after.all(Task).length} tasks left`),
    onManualResetFallback: (error) => show(error.message),
  });
  const realm = new Realm(Configuration.flexibleSync(user, [Task.schema], { clientResetHandler }));
  // #endregion
  const { syncSession: session } = realm;
  await realm.all(Task).subscribe();
  write(realm, 1);
  await session.waitForUpload();
  session.pause();
  write(realm, 2);
  await server.letClientsExpire();
  session.resume();
  await expect.poll(() => shown).toEqual(["2 tasks before", "2 tasks after"]);
  await session.waitForUpload();
  realm.close();
  await server.stop();
});

test("S20: no more syncing", async () => {
  const { realm, session, user } = await open("s20");
  const path = join(stage.folder(), "local.realm");
  const local = stage.keep(new Realm(Configuration.local([Task.schema], { path })));
  write(realm, 1);
  // #region S20
  const copyTasks = (from: Realm, to: Realm): void => {
    to.write(() => {
      for (const { id, title } of from.all(Task)) to.add(new Task({ id, title }), { update: true });
    });
  };

  await session.waitForDownload(); // everything is here
  copyTasks(realm, local); // from here on without the server
  realm.close();
  // #endregion
  expect(local.all(Task).map(({ id, title }) => `${id}: ${title}`)).toEqual(["1: task 1"]);
  write(local, 2);
  const again = stage.keep(openSynced(user));
  // #region S20-back
  copyTasks(local, again); // and the other way round
  // #endregion
  await again.syncSession.waitForUpload();
  const other = await open("s20");
  expect(count(other.realm)).toBe(2);
});
