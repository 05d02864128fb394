/** The guide's code in the shape of the SDK for C++: what lies between the marks of a region is printed there. */

import { join } from "node:path";
import { expect, test } from "vitest";
// #region imports
import * as realm from "@tidemark/cpp";
// #endregion
import { useStage } from "../testing/stage.js";
import { startWaitingServer } from "../testing/waiting-server.js";

// #region setup
const Task = realm.schema("Task", { _id: realm.primary_key(realm.int64), title: realm.string });

async function log_in(app_id: string, base_url: string, path: string): Promise<realm.user> {
  const app = new realm.App({ app_id, base_url, path });
  return app.login(realm.App.credentials.anonymous());
}

/** A database that syncs all tasks. */
function open_synced(user: realm.user): realm.db {
  const db = realm.open(user.flexible_sync_configuration(), Task);
  void db.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));
  return db;
}
// #endregion

const stage = useStage();
const { shown, show } = stage;

interface Opened {
  readonly user: realm.user;
  readonly db: realm.db;
  readonly session: realm.sync_session;
}

function session_of(db: realm.db): realm.sync_session {
  const session = db.get_sync_session();
  if (session === undefined) throw new Error("the database is synced");
  return session;
}

/** An app of one id and address is one and the same until it is forgotten: these are to be several devices. */
function log_in_anew(app_id: string, base_url: string, path: string): Promise<realm.user> {
  realm.App.clear_cached_apps();
  return log_in(app_id, base_url, path);
}

/** A device with a database that has what it subscribes to. */
async function open(app_id: string): Promise<Opened> {
  const user = await log_in_anew(app_id, stage.url, stage.folder());
  const db = stage.keep(open_synced(user));
  // An update that changes nothing is through when the one before is.
  await db.subscriptions().update(() => undefined);
  return { user, db, session: session_of(db) };
}

function write(db: realm.db, _id: number, title: string = `task ${_id}`): void {
  db.write(() => db.add(Task({ _id, title })));
}

function count(db: realm.db): number {
  return db.objects(Task).size();
}

test("S1: opening starts a session", async () => {
  const folder = stage.folder();
  const user = await log_in_anew("s1", stage.url, folder);
  const local_path = join(folder, "local.realm");
  // #region S1
  const db = open_synced(user); // at once, without a network too
  db.write(() => db.add(Task({ _id: 1, title: "Buy milk" }))); // the session uploads it by itself

  const local = realm.open(new realm.db_config(local_path), Task);
  const none = local.get_sync_session(); // undefined: a database that is not synced has no session
  // #endregion
  stage.keep(db);
  stage.keep(local);
  expect([none, session_of(db).state()]).toEqual([undefined, "active"]);
  const other = await open("s1");
  await expect.poll(() => count(other.db)).toBe(1);
});

test("S2: the session of a database", async () => {
  const { db } = await open("s2");
  // #region S2
  const session = db.get_sync_session(); // sync_session | undefined: a small handle, to be passed on like a value
  const again = db.get_sync_session();
  const is_same = session !== undefined && again !== undefined && session.equals(again); // true
  // #endregion
  expect(is_same).toBe(true);
});

test("S4: pause and resume", async () => {
  const { db, session } = await open("s4");
  const other = await open("s4");
  // #region S4
  session.pause(); // both directions, from this moment on; sessions of other databases go on
  db.write(() => db.add(Task({ _id: 1, title: "Written in a tunnel" })));

  session.resume(); // connects at once, however long the back-off would still wait
  // #endregion
  await session.wait_for_upload_completion();
  await other.session.wait_for_download_completion();
  expect(count(other.db)).toBe(1);
  session.pause();
  const states = [session.state(), session.connection_state(), other.session.state()];
  expect(states).toEqual(["paused", "disconnected", "active"]);
});

test("S5: waits", async () => {
  const { db, session } = await open("s5");
  write(db, 1);
  // #region S5
  await session.wait_for_upload_completion(); // all that was committed until now is on the server
  await session.wait_for_download_completion(); // all that is on the server now is here, and the database shows it

  session.wait_for_upload_completion((result) => show(result.is_ok() ? "uploaded" : result.reason()));
  // #endregion
  await expect.poll(() => shown).toEqual(["uploaded"]);
  const other = await open("s5");
  expect(count(other.db)).toBe(1);
  session.pause();
  write(db, 2);
  // #region S5-limit
  const upload = session.wait_for_upload_completion();
  const outcome = await upload.wait_for(50); // milliseconds
  if (outcome === realm.future_status.timeout) show("not there yet, and still going on");
  // #endregion
  expect(shown.at(-1)).toBe("not there yet, and still going on");
  session.resume();
  await upload;
  await expect.poll(() => count(other.db)).toBe(2);
});

test("S9, S10: states", async () => {
  const { session } = await open("s9");
  // #region S9
  const { active, dying } = realm.sync_session.state; // the others: inactive, paused, waiting_for_access_token
  const { connected } = realm.sync_session.connection_state;
  const state = session.state();
  const can_move = session.connection_state() === connected && (state === active || state === dying);
  // #endregion
  // #region S10
  const connection = session.connection_state(); // disconnected, connecting or connected
  // #endregion
  expect([state, can_move, connection]).toEqual(["active", true, "connected"]);
});

test("S11 to S13: changes of the connection", async () => {
  const { session } = await open("s11");
  // #region S11
  const token = session.observe_connection_change((old_state, new_state) => {
    show(`${old_state} → ${new_state}`); // told of changes from now on, not of the present state
  });
  // #endregion
  session.pause();
  session.resume();
  await expect
    .poll(() => shown)
    .toEqual(["connected → disconnected", "disconnected → connecting", "connecting → connected"]);
  // #region S11-end
  session.unregister_connection_change_observer(token);
  // #endregion
  session.pause();
  await new Promise((resolve) => setImmediate(resolve));
  expect(shown).toHaveLength(3);
});

test("S16: reconnecting by hand", async () => {
  const { session } = await open("s16");
  stage.cut();
  await expect.poll(() => session.connection_state()).not.toBe("connected");
  stage.restore();
  // #region S16
  session.reconnect(); // all sessions of the app try at once
  // #endregion
  await expect.poll(() => session.connection_state()).toBe("connected");
});

test("S17: reconnecting by itself", async () => {
  const { db, session } = await open("s17");
  stage.cut();
  // #region S17
  session.observe_connection_change((_, new_state) => show(new_state)); // disconnected, connecting, …, connected
  db.write(() => db.add(Task({ _id: 1, title: "Written without a network" })));
  const upload = session.wait_for_upload_completion(); // lasts over any number of attempts
  // #endregion
  await expect.poll(() => shown).toContain("connecting");
  stage.restore();
  await upload;
  expect(shown.at(-1)).toBe("connected");
});

test("S18: many sessions over one connection", async () => {
  const folder = stage.folder();
  const user = await log_in_anew("s18", stage.url, folder);
  const other_path = join(folder, "other.realm");
  // #region S18
  // There is nothing to set: all sessions of a user share one connection.
  const first = realm.open(user.flexible_sync_configuration(), Task);
  const other = user.flexible_sync_configuration();
  other.set_path(other_path);
  const second = realm.open(other, Task);
  // #endregion
  for (const db of [first, second]) await session_of(stage.keep(db)).wait_for_download_completion();
  expect(await stage.connectionsOf(user.identifier())).toBe(1);
});

test("S19: away for too long", async () => {
  const server = await startWaitingServer();
  const user = await log_in_anew("s19", server.url, stage.folder());
  // #region S19
  const config = user.flexible_sync_configuration();
  config.set_client_reset_handler(
    realm.client_reset.recover_or_discard_unsynced_changes(
      (local) => show(`${local.objects(Task).size()} tasks before`),
      (_local, remote) => show(`${remote.objects(Task).size()} tasks after`),
    ),
  );
  const db = realm.open(config, Task);
  // #endregion
  await db.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));
  const session = session_of(db);
  write(db, 1);
  await session.wait_for_upload_completion();
  session.pause();
  write(db, 2);
  await server.letClientsExpire();
  session.resume();
  await expect.poll(() => shown).toEqual(["2 tasks before", "2 tasks after"]);
  await session.wait_for_upload_completion();
  db.close();
  await server.stop();
});

test("S20: no more syncing", async () => {
  const { db, session, user } = await open("s20");
  const local = stage.keep(realm.open(new realm.db_config(join(stage.folder(), "local.realm")), Task));
  write(db, 1);
  // #region S20
  const copy_tasks = (from: realm.db, to: realm.db): void => {
    to.write(() => {
      for (const task of from.objects(Task)) to.add(task.detach());
    });
  };

  await session.wait_for_download_completion(); // everything is here
  copy_tasks(db, local); // from here on without the server
  db.close();
  // #endregion
  expect([...local.objects(Task)].map(({ title }) => title)).toEqual(["task 1"]);
  write(local, 2);
  const again = stage.keep(open_synced(user));
  // #region S20-back
  copy_tasks(local, again); // and the other way round
  // #endregion
  await session_of(again).wait_for_upload_completion();
  const other = await open("s20");
  expect(count(other.db)).toBe(2);
});
