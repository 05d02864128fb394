import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { engine } from "../engine.js";
import { SyncError, TimeoutError } from "../errors.js";
import { type LogEntry, setLogger } from "../logging.js";
import { Realm } from "../realm.js";
import { type Device, personSchema, syncBoth, type Task, taskSchema, useServer } from "../testing/synced.js";
import { turn } from "../testing/folder.js";
import { Sync } from "./sync.js";
import type { SyncSession } from "./sync-session.js";

const synced = useServer();
let device: Device;
let count = 0;
beforeEach(async () => {
  count += 1;
  device = await synced.device(`session-${count}`);
});

function sessionOf(realm: Realm): SyncSession {
  const session = realm.syncSession;
  if (session === null) throw new Error("the realm is synced");
  return session;
}

function add(realm: Realm, id: number, name: string = `task ${id}`): void {
  realm.write(() => realm.create("Task", { _id: id, name }));
}

test("states and connection are readable, and isConnected needs both", async () => {
  const realm = device.open();
  const session = sessionOf(realm);
  expect(session.state).toBe("active");
  expect(["disconnected", "connecting", "connected"]).toContain(session.connectionState);
  await session.downloadAllServerChanges();
  expect(session.isConnected()).toBe(true);
  expect(session.user).toBe(device.user);
  expect(session.config).toMatchObject({ user: device.user, flexible: true });
  expect(session.url).toContain("/realm-sync");
  session.pause();
  expect([session.state, session.connectionState, session.isConnected()]).toEqual(["inactive", "disconnected", false]);
});

/** Pauses while three waits are open; the answer is who was told, in order. */
async function pauseWhileWaiting(realm: Realm, attempt: number): Promise<string[]> {
  const session = sessionOf(realm);
  const order: string[] = [];
  const listener = (newState: string, oldState: string): void => {
    order.push(`${oldState}→${newState}`);
  };
  session.addConnectionNotification(listener);
  const subscribed = realm.subscriptions.update((set) => {
    set.add(realm.objects("Task").filtered("priority > $0", 100 + attempt), { name: "high" });
  });
  add(realm, attempt);
  const noteFaster = (): number => order.push("done before the pause");
  const waits = [
    subscribed.then(
      () => noteFaster(),
      () => order.push("subscriptions"),
    ),
    session.uploadAllLocalChanges().then(
      () => noteFaster(),
      (error: unknown) => {
        order.push("upload");
        expect(error).toBeInstanceOf(SyncError);
        expect(error).toMatchObject({ code: 1027, reason: "Sync session became inactive", isOk: false });
      },
    ),
    session.downloadAllServerChanges().then(
      () => noteFaster(),
      () => order.push("download"),
    ),
  ];
  session.pause();
  expect(order).toEqual([]);
  await Promise.all(waits);
  session.removeConnectionNotification(listener);
  return order;
}

test("pause tells the connection listener, then the waiters for subscriptions, then the waits", async () => {
  const realm = await device.openSubscribed();
  const session = sessionOf(realm);
  // The session goes on beside this thread: where it was faster than the pause, the waits have to be opened again.
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    await session.downloadAllServerChanges();
    const order = await pauseWhileWaiting(realm, attempt);
    if (!order.includes("done before the pause")) {
      expect(order).toEqual(["connected→disconnected", "subscriptions", "upload", "download"]);
      return;
    }
    session.resume();
  }
  throw new Error("the session was faster than every pause");
});

test("a wait with a time-out rejects, and the transfer goes on", async () => {
  const realm = await device.openSubscribed();
  const session = sessionOf(realm);
  session.pause();
  add(realm, 1);
  const error: unknown = await session.uploadAllLocalChanges(20).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ message: "Timed out: Uploading changes did not complete in 20 ms." });
  session.resume();
  expect(await session.uploadAllLocalChanges()).toBeUndefined();
});

test("two devices end with the same data, lists merged", async () => {
  const other = await synced.device(`session-${count}`);
  const a = await device.openSubscribed();
  add(a, 1);
  await sessionOf(a).uploadAllLocalChanges();
  const b = await other.openSubscribed();
  sessionOf(a).pause();
  sessionOf(b).pause();
  for (const realm of [a, b]) {
    realm.write(() => {
      const task = realm.objectForPrimaryKey<Task>("Task", 1);
      task?.tags.push(realm === a ? "from a" : "from b");
      if (task !== null && realm === b) task.owner = realm.create("Person", { _id: "p", name: "P" });
    });
  }
  add(a, 2);
  sessionOf(a).resume();
  sessionOf(b).resume();
  await syncBoth(a, b);
  expect(a.objects("Task").toJSON()).toEqual(b.objects("Task").toJSON());
  expect([...(a.objectForPrimaryKey<Task>("Task", 1)?.tags ?? [])].sort()).toEqual(["from a", "from b"]);
  expect(a.objectForPrimaryKey<Task>("Task", 1)?.owner?.name).toBe("P");
});

test("progress: estimates for one parameter, bytes for two; silent before the first subscription", async () => {
  const realm = device.open();
  const session = sessionOf(realm);
  const early: unknown[] = [];
  session.addProgressNotification("upload", "reportIndefinitely", (estimate: number) => early.push(estimate));
  await session.downloadAllServerChanges();
  expect(early).toEqual([]);
  await realm.subscriptions.update((set) => {
    set.add(realm.objects("Task"));
  });
  const estimates: number[] = [];
  const bytes: (readonly [number, number])[] = [];
  session.addProgressNotification("upload", "reportIndefinitely", (estimate: number) => estimates.push(estimate));
  session.addProgressNotification("upload", "reportIndefinitely", (transferred: number, transferable: number) =>
    bytes.push([transferred, transferable]),
  );
  for (let id = 0; id < 20; id += 1) add(realm, id, "x".repeat(50_000));
  await session.uploadAllLocalChanges();
  await turn();
  expect(estimates.some((estimate) => estimate < 1)).toBe(true);
  expect(estimates.at(-1)).toBe(1);
  const [transferred, transferable] = bytes.at(-1) ?? [0, -1];
  expect(transferred).toBe(transferable);
  expect(transferred).toBeGreaterThan(1_000_000);
});

test("outstanding progress ends by itself, and its callback may be added again", async () => {
  const realm = await device.openSubscribed();
  const session = sessionOf(realm);
  await session.downloadAllServerChanges();
  const seen: number[] = [];
  const callback = (estimate: number): void => {
    seen.push(estimate);
  };
  session.addProgressNotification("download", "forCurrentlyOutstandingWork", callback);
  expect(() => session.addProgressNotification("download", "forCurrentlyOutstandingWork", callback)).toThrow(
    "Remove callback before adding it again",
  );
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual([1]);
  session.addProgressNotification("download", "forCurrentlyOutstandingWork", callback);
  session.removeProgressNotification(callback);
  session.removeProgressNotification(() => undefined);
  await turn();
  expect(seen).toEqual([1]);
  expect(() => session.addProgressNotification("upload", "reportIndefinitely", 5 as never)).toThrow(
    "Expected 'callback' to be a function, got a number",
  );
});

test("connection listeners are registered once", async () => {
  const session = sessionOf(device.open());
  const callback = (): void => undefined;
  session.addConnectionNotification(callback);
  expect(() => session.addConnectionNotification(callback)).toThrow("Remove callback before adding it again");
  session.removeConnectionNotification(callback);
  session.addConnectionNotification(callback);
  session.removeConnectionNotification(() => undefined);
});

test("closing tells the listener that the connection is gone; then the session answers nothing", async () => {
  const realm = device.open();
  const session = sessionOf(realm);
  await session.downloadAllServerChanges();
  const states: string[] = [];
  const listener = (state: string): unknown => states.push(state);
  const onProgress = (): void => undefined;
  session.addConnectionNotification(listener);
  session.addProgressNotification("upload", "reportIndefinitely", onProgress);
  realm.close();
  await turn();
  expect(states).toEqual(["disconnected"]);
  expect(() => session.state).toThrow("This SyncSession is no longer valid");
  // A component that goes after the realm was closed takes its listeners back.
  session.removeConnectionNotification(listener);
  session.removeProgressNotification(onProgress);
  expect(() => realm.syncSession).toThrow("closed");
});

test("logging out stops the sessions, logging in again takes them up", async () => {
  const { Credentials } = await import("../app/credentials.js");
  await device.app.emailPasswordAuth.registerUser({ email: "a@b.c", password: "secret1" });
  const user = await device.app.logIn(Credentials.emailPassword("a@b.c", "secret1"));
  const realm = device.open({ user });
  const session = sessionOf(realm);
  await session.downloadAllServerChanges();
  expect(Sync.getAllSyncSessions(user)).toHaveLength(1);
  await user.logOut();
  expect([session.state, session.connectionState, user.state]).toEqual(["inactive", "disconnected", "LoggedOut"]);
  const waiting = session.downloadAllServerChanges();
  await device.app.logIn(Credentials.emailPassword("a@b.c", "secret1"));
  expect(session.state).toBe("active");
  await waiting;
});

test("a write outside of every subscription is refused at once, one outside the queries is undone by the server", async () => {
  const errors: unknown[] = [];
  const realm = device.open({ onError: (_, error) => errors.push(error) });
  expect(() => add(realm, 1)).toThrow(
    "Cannot write to class Task when no flexible sync subscription has been created.",
  );
  await realm.subscriptions.update((set) => {
    set.add(realm.objects("Task").filtered("priority > 5"));
  });
  add(realm, 1);
  const session = sessionOf(realm);
  await session.uploadAllLocalChanges();
  await session.downloadAllServerChanges();
  expect(realm.objects("Task").length).toBe(0);
  await expect.poll(() => errors.length).toBe(1);
  expect(errors).toMatchObject([
    { name: "CompensatingWriteError", code: 1033, isFatal: false, writes: [{ objectName: "Task", primaryKey: 1 }] },
  ]);
  expect(session.state).toBe("active");
});

test("an error handler that throws is logged, and the session goes on", async () => {
  const realm = await device.openSubscribed({
    onError: () => {
      throw new Error("mine");
    },
  });
  const lines: string[] = [];
  setLogger(({ category, level, message }: LogEntry) => lines.push(`${category} ${level} ${message}`));
  sessionOf(realm)._simulateError(1037, "no", "realm::sync::ProtocolError", false);
  await expect.poll(() => lines).toEqual(["Realm.Sync.Client.Session error The error handler threw: Error: mine"]);
  setLogger(() => undefined);
  expect(sessionOf(realm).state).toBe("active");
});

test("a fatal error stops the session, fails the waits and is told with its code", async () => {
  const errors: unknown[] = [];
  const realm = await device.openSubscribed({ onError: (_, error) => errors.push(error) });
  const session = sessionOf(realm);
  session.pause();
  session.resume();
  add(realm, 1);
  const wait = session.uploadAllLocalChanges().catch((error: unknown) => error);
  session._simulateError(1037, "not you", "realm::sync::ProtocolError", true);
  expect(session.state).toBe("inactive");
  expect(await wait).toMatchObject({ code: 1037 });
  await turn();
  expect(errors).toMatchObject([{ name: "SyncError", code: 1037, message: "not you" }]);
});

test("sessions without multiplexing have connections of their own", async () => {
  const { App } = await import("../app/app.js");
  const { Credentials } = await import("../app/credentials.js");
  const app = new App({
    id: `session-${count}`,
    baseUrl: synced.server.url,
    baseFilePath: `${device.directory}-own`,
    multiplexSessions: false,
  });
  const user = await app.logIn(Credentials.anonymous(false));
  const { Realm: RealmClass } = await import("../realm.js");
  const open = (name: string): Realm =>
    synced.keep(
      new RealmClass({
        path: `${device.directory}-own/${name}.realm`,
        schema: [taskSchema, personSchema],
        sync: { user, flexible: true },
      }),
    );
  const realms = [open("a"), open("b")];
  await Promise.all(realms.map((realm) => sessionOf(realm).downloadAllServerChanges()));
  const status = (await (await fetch(`${synced.server.url}/api/tidemark/status`)).json()) as {
    connections: { user: string }[];
  };
  expect(status.connections.filter((connection) => connection.user === user.id)).toHaveLength(2);
  expect(() => Sync.enableSessionMultiplexing(app)).toThrow("after creating the sync client");
});

test("files whose sessions have ended are not remembered", async () => {
  const { core, sync } = engine();
  const paths = ["a", "b", "c"].map((name) => join(device.directory, name));
  for (const path of paths) {
    const realm = new Realm({ ...device.configuration(), path });
    await sessionOf(realm).downloadAllServerChanges();
    realm.close();
    await expect.poll(() => core.isOpen(path)).toBe(false);
  }
  device.open();
  expect(paths.filter((path) => sync.endedPaths.has(path))).toEqual([]);
});

test("a wait with a timeout that is no number is refused, and leaves no wait that could fail unseen", async () => {
  const session = sessionOf(device.open());
  session.pause();
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on("unhandledRejection", note);
  session.resume();
  const wrong = "5" as unknown as number;
  const message = "Expected 'timeoutMs' to be a number, got a string";
  const refusals = [session.downloadAllServerChanges(wrong), session.uploadAllLocalChanges(wrong)];
  session.pause();
  for (const refusal of refusals) await expect(refusal).rejects.toThrow(message);
  await turn();
  await turn();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("a session knows the ident of its file once the server has given one", async () => {
  const session = sessionOf(device.open());
  expect(typeof session.fileIdent).toBe("bigint");
  await session.downloadAllServerChanges();
  expect(session.fileIdent).toBeGreaterThan(0n);
});

test("the configuration of a session has the headers and what was said of certificates", async () => {
  const given = { customHttpHeaders: { "X-Device": "1" }, ssl: { validate: true } };
  expect(sessionOf(device.open(given)).config).toMatchObject(given);
});
