/** The guide's code in the shape of the SDK for Kotlin: what lies between the marks of a region is printed there. */

import { join } from "node:path";
import { expect, test } from "vitest";
// #region imports
import { App, AppConfiguration, Credentials, Realm, RealmConfiguration, SyncConfiguration } from "@tidemark/kotlin";
import { ConnectionState, Direction, ProgressMode, SyncSession, type User } from "@tidemark/kotlin";
import { int, primaryKey, realmObject, string } from "@tidemark/kotlin";
import { milliseconds, RecoverOrDiscardUnsyncedChangesStrategy, seconds, UpdatePolicy } from "@tidemark/kotlin";
// #endregion
import { IllegalStateException } from "@tidemark/kotlin";
import { useStage } from "../testing/stage.js";
import { startWaitingServer } from "../testing/waiting-server.js";

// #region setup
class Task extends realmObject("Task", { _id: primaryKey(int()), title: string() }) {}

function task(_id: number, title: string): Task {
  return new Task().apply((made) => Object.assign(made, { _id, title }));
}

async function logIn(appId: string, baseUrl: string, folder: string): Promise<User> {
  const builder = new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(folder);
  return App.create(builder.build()).login(Credentials.anonymous());
}

/** For a realm that syncs all tasks. */
function configurationFor(user: User): SyncConfiguration<false> {
  return new SyncConfiguration.Builder(user, [Task])
    .initialSubscriptions((subscriptions, realm) => void subscriptions.add(realm.query(Task)))
    .build();
}
// #endregion

const stage = useStage();
const { shown, show } = stage;

interface Opened {
  readonly user: User;
  readonly realm: Realm;
  readonly session: SyncSession;
}

/** A device with a realm that has what it subscribes to. */
async function open(appId: string): Promise<Opened> {
  const user = await logIn(appId, stage.url, stage.folder());
  const realm = stage.keep(Realm.open(configurationFor(user)));
  await realm.subscriptions.waitForSynchronization();
  return { user, realm, session: realm.syncSession };
}

function write(realm: Realm, id: number, title: string = `task ${id}`): void {
  realm.writeBlocking((tx) => tx.copyToRealm(task(id, title)));
}

function count(realm: Realm): number {
  return realm.query(Task).count().find();
}

test("S1: opening starts a session", async () => {
  const folder = stage.folder();
  const user = await logIn("s1", stage.url, folder);
  // #region S1
  const realm = Realm.open(configurationFor(user)); // at once, without a network too
  await realm.write((tx) => tx.copyToRealm(task(1, "Buy milk"))); // the session uploads it by itself

  const local = Realm.open(new RealmConfiguration.Builder([Task]).directory(folder).build());
  const hasSession = (): boolean => local.syncSession !== undefined; // throws an IllegalStateException
  // #endregion
  stage.keep(realm);
  stage.keep(local);
  expect(hasSession).toThrow(new IllegalStateException("This method is only available on synchronized realms."));
  expect(realm.syncSession.state).toBe("ACTIVE");
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
  await realm.write((tx) => tx.copyToRealm(task(1, "Written in a tunnel")));

  session.resume(); // connects at once, however long the back-off would still wait
  // #endregion
  expect(await session.uploadAllLocalChanges()).toBe(true);
  expect(await other.session.downloadAllServerChanges()).toBe(true);
  expect(count(other.realm)).toBe(1);
  session.pause();
  expect([session.state, session.connectionState, other.session.state]).toEqual(["PAUSED", "DISCONNECTED", "ACTIVE"]);
});

test("S6: waits", async () => {
  const { realm, session } = await open("s6");
  write(realm, 1);
  // #region S6
  await session.uploadAllLocalChanges(); // all that was written until now is on the server
  await session.downloadAllServerChanges(); // all that is on the server now is here
  // #endregion
  const other = await open("s6");
  expect(count(other.realm)).toBe(1);
  session.pause();
  write(realm, 2);
  // #region S6-limit
  const isUploaded = await session.uploadAllLocalChanges(milliseconds(50)); // or a number of milliseconds
  if (!isUploaded) show("not there yet, and still going on");
  // #endregion
  expect(shown).toEqual(["not there yet, and still going on"]);
  session.resume();
  await expect.poll(() => count(other.realm)).toBe(2);
});

test("S9, S10: states", async () => {
  const { session } = await open("s9");
  // #region S9
  const { ACTIVE, DYING } = SyncSession.State; // the others: INACTIVE, PAUSED, WAITING_FOR_ACCESS_TOKEN
  const { state } = session;
  const canMove = session.connectionState === ConnectionState.CONNECTED && (state === ACTIVE || state === DYING);
  // #endregion
  // #region S10
  const { connectionState } = session; // DISCONNECTED, CONNECTING or CONNECTED
  // #endregion
  expect([state, canMove, connectionState]).toEqual(["ACTIVE", true, "CONNECTED"]);
});

test("S11 to S13: changes of the connection", async () => {
  const { session, realm } = await open("s12");
  // #region S12
  const watching = session.connectionStateAsFlow().collect(({ oldState, newState }) => {
    show(`${oldState} → ${newState}`); // told of changes from now on, not of the present state
  });
  // #endregion
  session.pause();
  session.resume();
  await expect
    .poll(() => shown)
    .toEqual(["CONNECTED → DISCONNECTED", "DISCONNECTED → CONNECTING", "CONNECTING → CONNECTED"]);
  // #region S12-end
  realm.close();
  await watching; // a flow completes with its realm; leaving a `for await` ends it before
  // #endregion
});

test("S14, S15: progress", async () => {
  const { realm, session } = await open("s14");
  session.pause();
  for (const id of [1, 2, 3]) write(realm, id, "x".repeat(100_000));
  // #region S14
  const uploading = session
    .progressAsFlow(Direction.UPLOAD, ProgressMode.CURRENT_CHANGES)
    .collect(({ estimate }) => show(`${Math.round(estimate * 100)} %`)); // completes after 100 %

  const downloads = session.progressAsFlow(Direction.DOWNLOAD, ProgressMode.INDEFINITELY);
  // #endregion
  const first = downloads.first();
  session.resume();
  await uploading;
  expect(shown.at(-1)).toBe("100 %");
  expect(await first).toEqual({ estimate: 1, isTransferComplete: true });
});

test("S16: reconnecting by hand", async () => {
  const { user, session } = await open("s16");
  const { app } = user;
  stage.cut();
  await expect.poll(() => session.connectionState).not.toBe("CONNECTED");
  stage.restore();
  // #region S16
  app.sync.reconnect(); // all sessions of the app try at once
  // #endregion
  await expect.poll(() => session.connectionState).toBe("CONNECTED");
});

test("S17: reconnecting by itself", async () => {
  const { realm, session } = await open("s17");
  stage.cut();
  // #region S17
  const connected = session.connectionStateAsFlow().first(({ newState }) => newState === ConnectionState.CONNECTED);
  await realm.write((tx) => tx.copyToRealm(task(1, "Written without a network")));
  const upload = session.uploadAllLocalChanges(); // lasts over any number of attempts
  // #endregion
  await expect.poll(() => session.connectionState).not.toBe("CONNECTED");
  stage.restore();
  expect(await connected).toMatchObject({ oldState: "CONNECTING" });
  expect(await upload).toBe(true);
});

test("S18: many sessions over one connection", async () => {
  const [appId, baseUrl, folder] = ["s18", stage.url, stage.folder()];
  // #region S18
  const builder = new AppConfiguration.Builder(appId)
    .baseUrl(baseUrl)
    .syncRootDirectory(folder)
    .enableSessionMultiplexing(true) // false by default
    .syncTimeouts((timeouts) => (timeouts.connectionLingerTime = seconds(10)));
  // #endregion
  const user = await App.create(builder.build()).login(Credentials.anonymous());
  for (const name of ["first", "second"]) {
    const realm = stage.keep(Realm.open(new SyncConfiguration.Builder(user, [Task]).name(name).build()));
    await realm.query(Task).subscribe();
  }
  expect(await stage.connectionsOf(user.id)).toBe(1);
});

test("S19: away for too long", async () => {
  const server = await startWaitingServer();
  const user = await logIn("s19", server.url, stage.folder());
  // #region S19
  const strategy = new RecoverOrDiscardUnsyncedChangesStrategy({
    onBeforeReset: (before) => show(`${before.query(Task).count().find()} tasks before`),
    onAfterRecovery: (_before, after) => show(`${after.query(Task).count().find()} tasks after`),
    onAfterDiscard: (_before, after) => show(`${after.query(Task).count().find()} tasks left`),
    onManualResetFallback: (_session, exception) => show(exception.message),
  });
  const configuration = new SyncConfiguration.Builder(user, [Task]).syncClientResetStrategy(strategy).build();
  // #endregion
  const realm = Realm.open(configuration);
  const { syncSession: session } = realm;
  await realm.query(Task).subscribe();
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
  const folder = join(stage.folder(), "local");
  const local = stage.keep(Realm.open(new RealmConfiguration.Builder([Task]).directory(folder).build()));
  write(realm, 1);
  // #region S20
  const copyTasks = (from: Realm, to: Realm): void => {
    const tasks = from.copyFromRealm(from.query(Task).find()); // plain objects, with all that they link to
    to.writeBlocking((tx) => {
      for (const one of tasks) tx.copyToRealm(one, UpdatePolicy.ALL);
    });
  };

  await session.downloadAllServerChanges(); // everything is here
  copyTasks(realm, local); // from here on without the server
  realm.close();
  // #endregion
  expect(local.query(Task).find().first().title).toBe("task 1");
  write(local, 2);
  const again = stage.keep(Realm.open(configurationFor(user)));
  // #region S20-back
  copyTasks(local, again); // and the other way round
  // #endregion
  await again.syncSession.uploadAllLocalChanges();
  const other = await open("s20");
  expect(count(other.realm)).toBe(2);
});
