import { existsSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { App } from "../app/app.js";
import { Credentials } from "../app/credentials.js";
import { AppConfiguration } from "../configuration/app-configuration.js";
import { SyncConfiguration } from "../configuration/sync-configuration.js";
import { RealmAny } from "../data/any.js";
import { Duration, milliseconds, nanoseconds, seconds } from "../duration.js";
import { IllegalArgumentException, IllegalStateException } from "../errors.js";
import { RealmLog, type RealmLogger } from "../log.js";
import { Realm } from "../realm.js";
import { type Synced, Task, task, useServer } from "../testing/server.js";
import { CompensatingWriteException, SyncException } from "./exceptions.js";
import {
  type ConnectionStateChange,
  Direction,
  type Progress,
  ProgressMode,
  type SyncSession,
} from "./sync-session.js";

const synced: Synced = useServer();

test("the session of a realm is one object, and knows what it belongs to", async () => {
  const device = await synced.device("identity");
  const [first, second] = [device.open(), device.open()];
  const { syncSession: session } = first;
  expect(first.syncSession).toBe(session);
  expect(second.syncSession).not.toBe(session);
  expect([session.configuration, session.user]).toEqual([first.configuration, device.user]);
  expect(first.configuration.path.endsWith("default.realm")).toBe(true);
  first.close();
  expect(() => first.syncSession).toThrow("This method is not available when the Realm has been closed.");
  second.close();
  session.pause();
  session.resume();
});

test("a pause is there at once, any number of times, for all realms of the file", async () => {
  const device = await synced.device("pause");
  const [{ syncSession: session }, other] = [await device.openSubscribed(), device.open()];
  expect(session.state).toBe("ACTIVE");
  session.pause();
  session.pause();
  expect([session.state, session.connectionState, other.syncSession.state]).toEqual([
    "PAUSED",
    "DISCONNECTED",
    "PAUSED",
  ]);
  session.resume();
  session.resume();
  expect(session.state).toBe("ACTIVE");
});

test("waits need a positive timeout", async () => {
  const { syncSession: session } = (await synced.device("arguments")).open();
  for (const [timeout, text] of [
    [Duration.ZERO, "0s"],
    [seconds(-1), "-1s"],
    [-5, "-5ms"],
  ] as const) {
    await expect(session.downloadAllServerChanges(timeout)).rejects.toThrow(`'timeout' must be > 0. It was: ${text}`);
    await expect(session.uploadAllLocalChanges(timeout)).rejects.toThrow(IllegalArgumentException);
  }
});

test("a wait that takes too long is false, and what it waits for goes on", async () => {
  const [writer, reader] = [await synced.device("timeouts"), await synced.device("timeouts")];
  const [realm, other] = [await writer.openSubscribed(), await reader.openSubscribed()];
  realm.syncSession.pause();
  realm.writeBlocking((tx) => tx.copyToRealm(task(1)));
  expect(await realm.syncSession.uploadAllLocalChanges(nanoseconds(1))).toBe(false);
  expect(await realm.syncSession.downloadAllServerChanges(milliseconds(1))).toBe(false);
  realm.syncSession.resume();
  expect(await realm.syncSession.uploadAllLocalChanges()).toBe(true);
  expect(await other.syncSession.downloadAllServerChanges(30_000)).toBe(true);
  expect(other.query(Task).find().first().name).toBe("task 1");
});

test("a wait that a pause or the end of the realm ends throws what is known of it", async () => {
  const device = await synced.device("aborted");
  const realm = await device.openSubscribed();
  realm.syncSession.pause();
  realm.syncSession.resume();
  const paused = realm.syncSession.downloadAllServerChanges();
  realm.syncSession.pause();
  const error = await paused.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SyncException);
  expect(String(error)).toBe("SyncException: [Sync][OperationAborted(1027)] Sync session became inactive.");
  const { syncSession: session } = realm;
  realm.close();
  await expect(session.uploadAllLocalChanges()).rejects.toThrow(IllegalStateException);
});

test("changes of the connection are told as they come, and end with the realm", async () => {
  const device = await synced.device("connection");
  const realm = await device.openSubscribed();
  const { syncSession: session } = realm;
  const told: ConnectionStateChange[] = [];
  const all = session.connectionStateAsFlow().collect((change) => void told.push(change));
  const connected = session.connectionStateAsFlow().first(({ newState }) => newState === "CONNECTED");
  session.pause();
  session.resume();
  expect(await connected).toEqual({ oldState: "CONNECTING", newState: "CONNECTED" });
  expect(told.map(({ oldState, newState }) => `${oldState} ${newState}`)).toEqual([
    "CONNECTED DISCONNECTED",
    "DISCONNECTED CONNECTING",
    "CONNECTING CONNECTED",
  ]);
  realm.close();
  await all;
});

test("progress of what is outstanding grows, completes, and can be followed again", async () => {
  const realm = await (await synced.device("progress")).openSubscribed();
  const { syncSession: session } = realm;
  const flow = session.progressAsFlow(Direction.UPLOAD, ProgressMode.CURRENT_CHANGES);
  const follow = async (id: number): Promise<Progress[]> => {
    session.pause();
    realm.writeBlocking((tx) => tx.copyToRealm(task(id, "x".repeat(200_000))));
    const all = flow.toArray();
    session.resume();
    return all;
  };
  for (const id of [1, 2]) {
    const all = await follow(id);
    const estimates = all.map(({ estimate }) => estimate);
    expect(estimates).toEqual([...estimates].sort((a, b) => a - b));
    expect(all.at(-1)).toEqual({ estimate: 1, isTransferComplete: true });
    expect(all.slice(0, -1).every(({ isTransferComplete }) => !isTransferComplete)).toBe(true);
  }
  await expect(
    flow.collect(() => {
      throw new Error("no more");
    }),
  ).rejects.toThrow("no more");
  const endless = session.progressAsFlow(Direction.DOWNLOAD, ProgressMode.INDEFINITELY).toArray();
  realm.close();
  await endless;
});

test("the handler is told of writes that were undone; its session cannot wait", async () => {
  const device = await synced.device("undone");
  const told: [SyncSession, SyncException][] = [];
  const builder = device.configure().errorHandler((session, error) => void told.push([session, error]));
  const realm = device.open(
    builder.initialSubscriptions((set, opening) => void set.add(opening.query(Task, "name == $0", "mine"))),
  );
  await realm.subscriptions.waitForSynchronization();
  realm.writeBlocking((tx) => tx.copyToRealm(task(7, "yours")));
  await realm.syncSession.uploadAllLocalChanges();
  await expect.poll(() => told.length).toBe(1);
  const [session, error] = told[0] ?? [];
  expect(error).toBeInstanceOf(CompensatingWriteException);
  expect(error?.message).toMatch(
    /^\[Sync\]\[CompensatingWrite\(1033\)\] Client attempted a write that is not allowed; /,
  );
  const writes = error instanceof CompensatingWriteException ? error.writes : [];
  expect(writes).toEqual([
    {
      reason: expect.stringContaining("outside of the current query view"),
      objectType: "Task",
      primaryKey: expect.any(RealmAny),
    },
  ]);
  expect(writes[0]?.primaryKey?.asLong()).toBe(7);
  expect(error?.isFatal).toBe(false);
  const text = "Operation is not allowed inside a `SyncSession.ErrorHandler`.";
  await expect(session?.uploadAllLocalChanges()).rejects.toThrow(text);
  await expect(session?.downloadAllServerChanges()).rejects.toThrow(text);
  expect(() => session?.user).toThrow(text);
  expect(session?.state).toBe("ACTIVE");
});

test("an app knows whether anything is synchronised, and waits until nothing is", async () => {
  const device = await synced.device("sessions");
  expect(device.app.sync.hasSyncSessions).toBe(false);
  device.app.sync.reconnect();
  const realm = await device.openSubscribed();
  realm.writeBlocking((tx) => tx.copyToRealm(task(1)));
  expect(device.app.sync.hasSyncSessions).toBe(true);
  realm.close();
  await device.app.sync.waitForSessionsToTerminate();
  expect(device.app.sync.hasSyncSessions).toBe(false);
  Realm.deleteRealm(realm.configuration);
  expect(existsSync(realm.configuration.path)).toBe(false);
  const again = await device.openSubscribed();
  expect(again.query(Task).count().find()).toBe(1);
});

test("logging out ends the session, logging in begins it again", async () => {
  const device = await synced.device("log-out");
  const realm = await device.openSubscribed();
  await device.user.logOut();
  expect([realm.syncSession.state, device.user.state, device.app.currentUser]).toEqual(["INACTIVE", "REMOVED", null]);
  expect(() => device.configure()).toThrow("A valid, logged in user is required.");
});

/** Passes everything on to a server, and counts the WebSockets. */
async function startCounter(target: string): Promise<{ readonly url: string; count(): number; stop(): void }> {
  const { hostname, port: targetPort } = new URL(target);
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(targetPort), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.once("data", (head) => (count += Number(/upgrade: websocket/i.test(head.toString("latin1")))));
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const stop = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, count: () => count, stop };
}

test.each([
  [true, 1],
  [false, 2],
])("whether sessions of a user share a connection is the app's choice: %s", async (isShared, connections) => {
  const counter = await startCounter(synced.url);
  const builder = new AppConfiguration.Builder(`multiplexed-${isShared}`)
    .baseUrl(counter.url)
    .syncRootDirectory(join(synced.directory, `multiplexed-${isShared}`))
    .enableSessionMultiplexing(isShared);
  const user = await App.create(builder.build()).login(Credentials.anonymous());
  for (const name of ["first", "second"]) {
    const realm = synced.keep(Realm.open(new SyncConfiguration.Builder(user, [Task]).name(name).build()));
    await realm.query(Task).subscribe();
  }
  expect(counter.count()).toBe(connections);
  counter.stop();
});

test("the session of a realm that is closed waits for nothing", async () => {
  const device = await synced.device("closed-waits");
  const [closed, open] = [device.open(), device.open()];
  const { syncSession: session } = closed;
  closed.close();
  for (const wait of [() => session.downloadAllServerChanges(), () => session.uploadAllLocalChanges()]) {
    await expect(wait()).rejects.toThrow("This method is not available when the Realm has been closed.");
    await expect(wait()).rejects.toBeInstanceOf(IllegalStateException);
  }
  open.close();
  await expect(session.downloadAllServerChanges()).rejects.toBeInstanceOf(IllegalStateException);
});

test("what an async error handler rejects with is logged", async () => {
  const lines: string[] = [];
  const logger: RealmLogger = { log: (_, __, message) => void lines.push(message) };
  RealmLog.removeAll();
  RealmLog.add(logger);
  const device = await synced.device("async-handler");
  // oxlint-disable-next-line typescript/no-misused-promises
  const builder = device.configure().errorHandler(async () => {
    await Promise.resolve();
    throw new Error("cannot help it");
  });
  const realm = device.open(
    builder.initialSubscriptions((set, opening) => void set.add(opening.query(Task, "name == $0", "mine"))),
  );
  await realm.subscriptions.waitForSynchronization();
  realm.writeBlocking((tx) => tx.copyToRealm(task(7, "yours")));
  await expect.poll(() => lines).toContain("The error handler threw: cannot help it");
  RealmLog.remove(logger);
  RealmLog.addDefaultSystemLogger();
});
