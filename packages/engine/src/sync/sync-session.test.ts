import { beforeEach, expect, test } from "vitest";
import type { App } from "../app/app.js";
import type { User } from "../app/user.js";
import { SyncFailure } from "../errors.js";
import { FakeHost } from "../testing/fake-host.js";
import type { SyncCommand, SyncEvent } from "./messages.js";
import type { ResetReport } from "./reset-report.js";
import type { SyncFile } from "./sync-file.js";
import { SyncManager } from "./sync-manager.js";
import type { SyncOptions, SyncSession } from "./sync-session.js";

const app = {
  id: "app",
  isMultiplexed: true,
  configuration: { baseUrl: "http://server" },
  syncRoute: () => ({ url: "ws://server/sync", isVerified: true }),
  forgetTokens: () => undefined,
} as unknown as App;

let host: FakeHost;
let posted: SyncCommand[];
let emit: (...events: SyncEvent[]) => void;
let user: { app: App; id: string; isLoggedIn: boolean; needsRefresh: boolean; accessToken: string };
let options: SyncOptions;
let manager: SyncManager;
let session: SyncSession;
let changes: number;
let errors: unknown[];
let reports: ResetReport[] | undefined;

beforeEach(() => {
  host = new FakeHost();
  posted = [];
  changes = 0;
  errors = [];
  reports = [];
  user = { app, id: "u", isLoggedIn: true, needsRefresh: false, accessToken: "t" };
  manager = new SyncManager(host, (onEvents) => {
    emit = (...events) => onEvents(events);
    return { post: (command) => posted.push(command), keepAlive: () => undefined };
  });
  options = {
    user: user as unknown as User,
    schemaVersion: 0,
    headers: {},
    stopPolicy: "after-upload",
    cancelsWaitsOnNonFatalError: false,
    onError: (_, error) => errors.push(error),
  };
  session = manager.session("/file", options);
  session.attach(file, options);
});

const file: SyncFile = {
  uploadTarget: () => ({ targetVersion: 3, fileIdent: "5" }),
  progressRegistration: () => ({ clientVersion: 3, queryVersion: 0 }),
  onChanged: () => {
    changes += 1;
  },
  resetReports: () => reports,
  forgetResetReports: () => {
    reports = [];
  },
  fileIdent: () => "5",
};

/** What the loop would say under the newest generation. */
function generation(): number {
  const found = posted.findLast((command) => "generation" in command);
  return found !== undefined && "generation" in found ? found.generation : 0;
}

function connect(): void {
  const common = { type: "connection", session: session.id, generation: generation() } as const;
  emit({ ...common, state: "connecting" }, { ...common, state: "connected" });
}

function types(): string[] {
  return posted.map(({ type }) => type);
}

test("opening activates the session", () => {
  expect(session.state).toBe("active");
  expect(types()).toEqual(["timeouts", "user", "activate"]);
});

test("getters are true at once; what the loop still says about the time before a pause changes nothing", async () => {
  connect();
  const before = generation();
  session.pause();
  expect([session.state, session.connectionState]).toEqual(["paused", "disconnected"]);
  emit({ type: "connection", session: session.id, generation: before, state: "connected" });
  expect(session.connectionState).toBe("disconnected");
  session.resume();
  emit({ type: "connection", session: session.id, generation: before, state: "connected" });
  expect(session.connectionState).toBe("disconnected");
  connect();
  expect(session.connectionState).toBe("connected");
  await host.run();
});

test("pause and resume give exactly three changes, after the call that caused them", async () => {
  connect();
  await host.run();
  const seen: string[] = [];
  session.connectionListeners.add((now, old) => seen.push(`${old} ${now} ${session.connectionState}`));
  session.pause();
  session.resume();
  expect(seen).toEqual([]);
  connect();
  await host.run();
  expect(seen.map((line) => line.split(" ").slice(0, 2).join("→"))).toEqual([
    "connected→disconnected",
    "disconnected→connecting",
    "connecting→connected",
  ]);
});

test("on pause: the connection's listeners, then waiters for subscriptions, then waits", async () => {
  connect();
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
  emit({ type: "changed", session: session.id }, { type: "wait-done", session: session.id, wait: 1 });
  expect([changes, isDone]).toEqual([1, false]);
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

test("closing finishes uploads first, then the session is gone", async () => {
  connect();
  session.detach();
  expect(session.state).toBe("dying");
  expect(posted.at(-1)).toMatchObject({ type: "finish" });
  expect(manager.existing("/file")).toBe(session);
  emit({ type: "finished", session: session.id, generation: generation() });
  expect(manager.existing("/file")).toBeUndefined();
  expect(posted.at(-1)).toMatchObject({ type: "deactivate", mayLinger: true });
  await host.run();
});

test("a realm opened while uploads finish takes the session over", () => {
  session.detach();
  manager.session("/file", options).attach(file, options);
  expect(session.state).toBe("active");
  expect(posted.at(-1)).toMatchObject({ type: "activate", session: session.id });
  emit({ type: "finished", session: session.id, generation: generation() - 1 });
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
  app.onChange(options.user, "logged-in");
  expect(other.state).toBe("active");
});

const failure = { status: 1037, message: "no", isFatal: false, logUrl: "", isClientReset: false, writes: [] };

test.each([
  ["transient", false, "active", 0],
  ["warn", false, "active", 1],
  ["stop", true, "inactive", 1],
  ["log-out", true, "inactive", 1],
] as const)("an error with consequence %s", async (consequence, failsWaits, state, told) => {
  const wait = session.waitForUpload().then(
    () => "done",
    () => "failed",
  );
  emit({ type: "error", session: session.id, generation: generation(), consequence, error: failure });
  await host.run();
  expect(session.state).toBe(state);
  expect(errors).toHaveLength(told);
  if (!failsWaits) emit({ type: "wait-done", session: session.id, wait: 1 });
  await host.run();
  expect(await wait).toBe(failsWaits ? "failed" : "done");
});

test("failures that are retried fail the waits if the configuration says so", async () => {
  session.attach(file, { ...options, cancelsWaitsOnNonFatalError: true });
  const wait = session.waitForUpload().catch((error: unknown) => error);
  emit({ type: "error", session: session.id, generation: generation(), consequence: "transient", error: failure });
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

test("a paused session tells no errors", async () => {
  const before = generation();
  session.pause();
  emit({ type: "error", session: session.id, generation: before, consequence: "stop", error: failure });
  await host.run();
  expect([errors.length, session.state]).toEqual([0, "paused"]);
});

test("a paused session still tells of writes that were undone before", async () => {
  const before = generation();
  session.pause();
  const writes = [{ objectName: "Item", reason: "not allowed", primaryKey: 1 }];
  const error = { ...failure, isFatal: false, writes };
  emit({ type: "error", session: session.id, generation: before, consequence: "warn", error });
  await host.run();
  expect([errors.length, session.state]).toEqual([1, "paused"]);
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
  emit({ type: "progress", session: session.id, report });
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
