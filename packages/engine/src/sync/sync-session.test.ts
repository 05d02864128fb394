import { errorCode, errorInformation } from "@tidemark/protocol";
import { beforeEach, expect, test } from "vitest";
import type { User } from "../app/user.js";
import { ObjectId } from "../bson.js";
import { type SyncErrorInformation, SyncFailure } from "../errors.js";
import { SessionRig } from "../testing/session-rig.js";
import { SyncManager } from "./sync-manager.js";
import { serverError } from "./status.js";

let rig: SessionRig;
let host: SessionRig["host"];
let posted: SessionRig["posted"];
let user: SessionRig["user"];
let options: SessionRig["options"];
let manager: SessionRig["manager"];
let session: SessionRig["session"];
let errors: SessionRig["errors"];
let file: SessionRig["file"];

beforeEach(() => {
  rig = new SessionRig();
  ({ host, posted, user, options, manager, session, errors, file } = rig);
});

function types(): string[] {
  return posted.map(({ type }) => type);
}

test("opening activates the session", () => {
  expect(session.state).toBe("active");
  expect(types()).toEqual(["user", "activate"]);
});

test("getters are true at once; what the loop still says about the time before a pause changes nothing", async () => {
  rig.connect();
  const before = rig.generation;
  session.pause();
  expect([session.state, session.connectionState]).toEqual(["paused", "disconnected"]);
  rig.emit({ type: "connection", session: session.id, generation: before, state: "connected" });
  expect(session.connectionState).toBe("disconnected");
  session.resume();
  rig.emit({ type: "connection", session: session.id, generation: before, state: "connected" });
  expect(session.connectionState).toBe("disconnected");
  rig.connect();
  expect(session.connectionState).toBe("connected");
  await host.run();
});

test("pause and resume give exactly three changes, after the call that caused them", async () => {
  rig.connect();
  await host.run();
  const seen: string[] = [];
  session.connectionListeners.add((now, old) => seen.push(`${old} ${now} ${session.connectionState}`));
  session.pause();
  session.resume();
  expect(seen).toEqual([]);
  rig.connect();
  await host.run();
  expect(seen.map((line) => line.split(" ").slice(0, 2).join("→"))).toEqual([
    "connected→disconnected",
    "disconnected→connecting",
    "connecting→connected",
  ]);
});

test("on pause: the connection's listeners, then waiters for subscriptions, then waits", async () => {
  rig.connect();
  await host.run();
  const order: string[] = [];
  session.connectionListeners.add(() => order.push("connection"));
  session.subscriptionWaiters.add(() => order.push("subscriptions"));
  const wait = session.waitForUpload().catch((error: unknown) => {
    order.push("wait");
    expect(error).toBeInstanceOf(SyncFailure);
    expect((error as SyncFailure).information.status).toBe(1027);
  });
  session.pause();
  expect(order).toEqual([]);
  await host.run();
  await wait;
  expect(order).toEqual(["connection", "subscriptions", "wait"]);
});

test("a wait asked for while paused begins with the next activation", async () => {
  session.pause();
  let isDone = false;
  const wait = session.waitForUpload().then(() => {
    isDone = true;
    return undefined;
  });
  await host.run();
  expect(types()).not.toContain("wait-upload");
  session.resume();
  expect(posted.at(-1)).toMatchObject({ type: "wait-upload", targetVersion: 3 });
  rig.emit({ type: "changed", session: session.id }, { type: "wait-done", session: session.id, wait: 1 });
  expect([rig.changes, isDone]).toEqual([1, false]);
  await host.run();
  await wait;
  expect(isDone).toBe(true);
});

test("a pause is lasting: opening again, a new token and logging in leave it", () => {
  session.pause();
  session.attach(file, options);
  session.onToken();
  expect(session.state).toBe("paused");
  session.resume();
  expect(session.state).toBe("active");
});

test("a machine that comes back online reconnects everybody, at most every five seconds", async () => {
  manager.onOnline();
  manager.onOnline();
  expect(types().filter((type) => type === "reconnect")).toHaveLength(1);
  expect(posted.at(-1)).toEqual({ type: "reconnect", session: null });
  await host.advance(5_000);
  manager.onOnline();
  expect(types().filter((type) => type === "reconnect")).toHaveLength(2);
});

test("closing finishes uploads first, then the session is gone", async () => {
  rig.connect();
  session.detach();
  expect(session.state).toBe("dying");
  expect(posted.at(-1)).toMatchObject({ type: "finish" });
  expect(manager.existing("/file")).toBe(session);
  rig.emit({ type: "finished", session: session.id, generation: rig.generation });
  expect(manager.existing("/file")).toBeUndefined();
  expect(posted.at(-1)).toMatchObject({ type: "deactivate", mayLinger: true });
  await host.run();
});

test("a realm opened while uploads finish takes the session over", () => {
  session.detach();
  manager.session("/file", options).attach(file, options);
  expect(session.state).toBe("active");
  expect(posted.at(-1)).toMatchObject({ type: "activate", session: session.id });
  rig.emit({ type: "finished", session: session.id, generation: rig.generation - 1 });
  expect(manager.existing("/file")).toBe(session);
});

test("closing while paused rejects what was queued", async () => {
  session.pause();
  const wait = session.waitForDownload().catch((error: unknown) => error);
  session.detach();
  await host.run();
  expect(await wait).toBeInstanceOf(SyncFailure);
  expect(manager.existing("/file")).toBeUndefined();
});

test("with a logged-out user the session waits for the log-in", () => {
  user.isLoggedIn = false;
  const other = manager.session("/other", options);
  other.attach(file, options);
  expect(other.state).toBe("inactive");
  user.isLoggedIn = true;
  rig.app.onChange(options.user, "logged-in");
  expect(other.state).toBe("active");
});

test("a log-in is noticed where no session has begun before", () => {
  user.isLoggedIn = false;
  const fresh = new SyncManager(host, () => ({ post: () => undefined, keepAlive: () => undefined }));
  const first = fresh.session("/first", options);
  first.attach(file, options);
  expect(first.state).toBe("inactive");
  user.isLoggedIn = true;
  rig.app.onChange(options.user, "logged-in");
  expect(first.state).toBe("active");
});

const failure = { status: 1037, message: "no", isFatal: false, logUrl: "", isClientReset: false, writes: [] };

test.each([
  ["transient", false, "active", 0],
  ["unreachable", false, "active", 0],
  ["warn", false, "active", 1],
  ["stop", true, "inactive", 1],
  ["log-out", true, "inactive", 1],
] as const)("an error with consequence %s", async (consequence, failsWaits, state, told) => {
  const wait = session.waitForUpload().then(
    () => "done",
    () => "failed",
  );
  rig.emit({ type: "error", session: session.id, generation: rig.generation, consequence, error: failure });
  await host.run();
  expect(session.state).toBe(state);
  expect(errors).toHaveLength(told);
  if (!failsWaits) rig.emit({ type: "wait-done", session: session.id, wait: 1 });
  await host.run();
  expect(await wait).toBe(failsWaits ? "failed" : "done");
});

test("a server that cannot be reached fails the waits if the configuration says so, an interruption does not", async () => {
  session.attach(file, { ...options, cancelsWaitsOnNonFatalError: true });
  let isOver = false;
  const wait = session
    .waitForUpload()
    .catch((error: unknown) => error)
    .finally(() => (isOver = true));
  const common = { type: "error", session: session.id, generation: rig.generation, error: failure } as const;
  rig.emit({ ...common, consequence: "transient" });
  await host.run();
  expect(isOver).toBe(false);
  rig.emit({ ...common, consequence: "unreachable" });
  await host.run();
  expect(await wait).toMatchObject({ information: { status: 1037 } });
  expect(session.state).toBe("active");
});

test("a refused refresh of the token fails what was waiting for a session", async () => {
  session.pause();
  const wait = session.waitForUpload().catch((error: unknown) => error);
  session.onRefused(failure);
  await host.run();
  expect(await wait).toMatchObject({ information: { status: 1037 } });
});

test("waits of a user whose refresh token is refused fail with that, not as those of a session that was stopped", async () => {
  const waits = [session.waitForUpload(), session.waitForDownload()].map((wait) =>
    wait.catch((error: unknown) => error),
  );
  user.isLoggedIn = false;
  rig.app.onChange(options.user, "logged-out", new Error("invalid session"));
  await host.run();
  const message = "Unable to refresh the user access token: invalid session";
  for (const wait of waits) expect(await wait).toMatchObject({ information: { status: 4346, message } });
  expect(session.state).toBe("inactive");
});

test("states, connections and errors are logged, by their parts", async () => {
  const lines: string[] = [];
  rig.onLog = (category, level, message) =>
    lines.push(`${category.slice("Realm.Sync.Client.".length)} ${level} ${message}`);
  rig.connect();
  rig.emit({ type: "error", session: session.id, generation: rig.generation, consequence: "warn", error: failure });
  session.pause();
  await host.run();
  const start = `Session ${session.id} (/file): `;
  expect(lines).toEqual([
    `Network debug ${start}disconnected → connecting`,
    `Network debug ${start}connecting → connected`,
    `Session detail ${start}error 1037: no`,
    `Session debug ${start}active → paused`,
    `Network debug ${start}connected → disconnected`,
  ]);
});

test("a paused session tells no errors", async () => {
  const before = rig.generation;
  session.pause();
  rig.emit({ type: "error", session: session.id, generation: before, consequence: "stop", error: failure });
  await host.run();
  expect([errors.length, session.state]).toEqual([0, "paused"]);
});

test("a paused session still tells of writes that were undone before", async () => {
  const before = rig.generation;
  session.pause();
  const writes = [{ objectName: "Item", reason: "not allowed", primaryKey: 1 }];
  const error = { ...failure, isFatal: false, writes };
  rig.emit({ type: "error", session: session.id, generation: before, consequence: "warn", error });
  await host.run();
  expect([errors.length, session.state]).toEqual([1, "paused"]);
});

test("keys of writes that were undone have their types also after the way between the threads", async () => {
  const rejectedUpdates = [{ reason: "not allowed", pk: "CmUuPxqbHowAAQIDBA==", table: "Item" }];
  const information = errorInformation(errorCode.compensatingWrite, "reverted", { rejectedUpdates });
  const error = structuredClone(serverError(errorCode.compensatingWrite, information));
  rig.emit({ type: "error", session: session.id, generation: rig.generation, consequence: "warn", error });
  await host.run();
  const [told] = errors as SyncErrorInformation[];
  expect(told?.writes.map(({ primaryKey }) => primaryKey)).toStrictEqual([new ObjectId("652e3f1a9b1e8c0001020304")]);
});

test("progress that is known is told once, not before the registration returns", async () => {
  const report = {
    uploaded: 5,
    uploadable: 5,
    uploadEstimate: 1,
    downloaded: 7,
    downloadable: 7,
    downloadEstimate: 1,
    clientVersion: 3,
    queryVersion: 1,
  };
  rig.emit({ type: "progress", session: session.id, report });
  const calls: unknown[] = [];
  let isExpired = false;
  session.addProgressListener(
    "download",
    "outstanding",
    (call) => calls.push(call),
    () => {
      isExpired = true;
    },
  );
  expect(calls).toEqual([]);
  await host.run();
  expect(calls).toEqual([{ transferred: 7, transferable: 7, estimate: 1 }]);
  expect(isExpired).toBe(true);
});

test("nothing is kept of a user who is logged out and has no session", () => {
  const forgotten = (): readonly unknown[] => posted.filter(({ type }) => type === "forget-user");
  const realUser = user as unknown as User;
  user.isLoggedIn = false;
  rig.app.onChange(realUser, "logged-out");
  // Its realm is open: another log-in takes the session up again.
  expect(forgotten()).toEqual([]);
  user.isLoggedIn = true;
  rig.app.onChange(realUser, "logged-in");
  session.detach();
  rig.emit({ type: "finished", session: session.id, generation: rig.generation });
  expect(forgotten()).toEqual([]);
  user.isLoggedIn = false;
  rig.app.onChange(realUser, "logged-out");
  rig.app.onChange(realUser, "logged-out");
  expect(forgotten()).toEqual([{ type: "forget-user", userKey: manager.userKey(realUser) }]);
  user.isLoggedIn = true;
  manager.session("/file", options).attach(file, options);
  expect(types().slice(-2)).toEqual(["user", "activate"]);
});

test("listeners hear of the end of the connection when the realm is closed in the turn of a pause", async () => {
  rig.connect();
  await host.run();
  const seen: string[] = [];
  session.connectionListeners.add((now, before) => seen.push(`${before} → ${now}`));
  session.pause();
  session.detach();
  await host.run();
  expect(seen).toEqual(["connected → disconnected"]);
});

test("a listener that is removed right after its realm was closed is not called", async () => {
  rig.connect();
  await host.run();
  const seen: string[] = [];
  const listener = (now: string): void => void seen.push(now);
  session.connectionListeners.add(listener);
  session.detach();
  session.connectionListeners.remove(listener);
  await host.run();
  expect(seen).toEqual([]);
});

test("a session that only finishes its uploads takes no waits", () => {
  rig.connect();
  session.detach();
  for (const wait of [() => session.waitForUpload(), () => session.waitForDownload()]) {
    expect(wait).toThrow(expect.objectContaining({ code: "invalidated" }) as Error);
  }
});

test("a realm that is closed while its session ends by a client reset is still told where its file goes", async () => {
  const error = { ...failure, status: 1032, isClientReset: true };
  Object.assign(rig.app, { fileActions: { schedule: () => "/recovery" } });
  rig.emit({ type: "error", session: session.id, generation: rig.generation, consequence: "stop", error });
  const { generation } = rig;
  session.detach();
  await host.run();
  expect(errors).toEqual([]);
  rig.emit({ type: "closed", session: session.id, generation });
  await host.run();
  expect(errors).toEqual([{ ...error, recoveryPath: "/recovery" }]);
});

test("a client reset that is done when the realm has been closed leaves no version behind", () => {
  const closing = new SessionRig({ stopPolicy: "immediately" });
  const { id } = closing.session;
  closing.connect();
  const { generation } = closing;
  closing.session.detach();
  closing.emit({ type: "reset-done", session: id, generation, before: 7, isRecovered: true });
  expect(closing.posted.at(-1)).toEqual({ type: "reset-seen", session: id, before: 7 });
});

test("two apps of one id and address have their own times, and connections", async () => {
  const other = new SessionRig();
  const app = Object.assign(other.app, { syncTimeouts: { ...rig.app.syncTimeouts, connectTimeoutMs: 1_234 } });
  const namesake = { ...user, app } as unknown as User;
  manager.session("/other", { ...options, user: namesake }).attach(other.file, { ...options, user: namesake });
  const settings = posted.flatMap((command) => (command.type === "activate" ? [command.settings] : []));
  expect(settings.map(({ timeouts }) => timeouts.connectTimeoutMs)).toEqual([120_000, 1_234]);
  expect(new Set(settings.map(({ userKey }) => userKey)).size).toBe(2);
});
