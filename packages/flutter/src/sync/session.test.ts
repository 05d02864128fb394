import { beforeEach, describe, expect, test } from "vitest";
import { CancellationToken, TimeoutCancellationToken } from "../cancellation.js";
import { Configuration } from "../configuration.js";
import { ProgressDirection, ProgressMode, SessionState } from "../enums.js";
import { AsymmetricObject } from "../data/object.js";
import {
  CancelledException,
  RealmClosedError,
  RealmError,
  RealmException,
  StateError,
  TimeoutException,
} from "../errors.js";
import { int } from "../model/property.js";
import { ObjectType, SchemaObject } from "../model/schema.js";
import { Realm } from "../realm.js";
import { turn } from "../testing/folder.js";
import { addTasks, type Device, Person, syncBoth, Task, taskIds, useServer } from "../testing/synced.js";
import { CompensatingWriteError, SyncErrorCode } from "./sync-error.js";

const synced = useServer();
let count = 0;
let appId: string;
let device: Device;

beforeEach(async () => {
  count += 1;
  appId = `session-${count}`;
  device = await synced.device(appId);
});

test("the session is one object, knows path and user, and ends with the realm", async () => {
  const realm = await device.openSubscribed();
  const { syncSession } = realm;
  expect(realm.syncSession).toBe(syncSession);
  expect([syncSession.realmPath, syncSession.user]).toEqual([realm.config.path, device.user]);
  realm.close();
  const text = "Cannot access a Session that belongs to a closed Realm";
  for (const use of [() => syncSession.state, () => syncSession.pause(), () => syncSession.connectionStateChanges]) {
    expect(use).toThrow(new RealmClosedError(text));
  }
  await expect(syncSession.waitForUpload()).rejects.toThrow(RealmClosedError);
  expect(() => realm.syncSession).toThrow(RealmClosedError);
});

test("pausing and resuming: three changes in their order, and a stream for one", async () => {
  const { syncSession } = await device.openSubscribed();
  const { connectionStateChanges } = syncSession;
  const changes: string[] = [];
  connectionStateChanges.listen(({ previous, current }) => changes.push(`${previous} ${current}`));
  expect(() => connectionStateChanges.listen()).toThrow(StateError);
  syncSession.pause();
  expect([syncSession.state, syncSession.connectionState]).toEqual([SessionState.inactive, "disconnected"]);
  syncSession.resume();
  await expect
    .poll(() => changes)
    .toEqual(["connected disconnected", "disconnected connecting", "connecting connected"]);
});

test("the streams of a session cannot be listened to when the realm is closed", async () => {
  const realm = (await synced.device("streams-too-late")).open();
  const { syncSession } = realm;
  const changes = syncSession.connectionStateChanges;
  const progress = syncSession.getProgressStream("download", "reportIndefinitely");
  realm.close();
  expect(() => changes.listen()).toThrow(RealmClosedError);
  await expect(progress.toList()).rejects.toThrow("Cannot access a Session that belongs to a closed Realm");
});

test("the last change of the connection comes before the end of its stream", async () => {
  const realm = await device.openSubscribed();
  const events: string[] = [];
  realm.syncSession.connectionStateChanges.listen(({ current }) => events.push(current), {
    onDone: () => events.push("done"),
  });
  realm.close();
  await turn();
  expect(events).toEqual(["disconnected", "done"]);
});

describe("waits", () => {
  test("a token that is cancelled before, or meanwhile, ends the wait and not the transfer", async () => {
    const realm = await device.openSubscribed();
    const { syncSession } = realm;
    const before = new CancellationToken();
    before.cancel();
    await expect(syncSession.waitForUpload(before)).rejects.toThrow(CancelledException);
    syncSession.pause();
    addTasks(realm, 1);
    const meanwhile = new CancellationToken();
    const waiting = syncSession.waitForUpload(meanwhile);
    setImmediate(() => meanwhile.cancel());
    await expect(waiting).rejects.toThrow(CancelledException);
    await expect(syncSession.waitForDownload(new TimeoutCancellationToken(5))).rejects.toThrow(TimeoutException);
    await expect(syncSession.waitForDownload(AbortSignal.timeout(5))).rejects.toThrow(TimeoutException);
    syncSession.resume();
    const other = await (await synced.device(appId)).openSubscribed();
    await expect.poll(() => taskIds(other)).toEqual([1]);
    const late = new CancellationToken();
    await syncSession.waitForUpload(late);
    late.cancel();
  });

  test("pausing ends a wait with an exception that says so", async () => {
    const { syncSession } = await device.openSubscribed();
    const wait = syncSession.waitForDownload();
    syncSession.pause();
    await expect(wait).rejects.toThrow(RealmException);
    await expect(wait).rejects.toMatchObject({ code: 1027, message: "Sync session became inactive" });
  });

  test("two devices end alike", async () => {
    const [a, b] = [await device.openSubscribed(), await (await synced.device(appId)).openSubscribed()];
    addTasks(a, 1, 2);
    addTasks(b, 3);
    await syncBoth(a, b);
    expect([taskIds(a), taskIds(b)]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });
});

describe("progress", () => {
  test("of outstanding work rises to 1 and ends", async () => {
    const realm = await device.openSubscribed();
    realm.syncSession.pause();
    for (let id = 0; id < 4; id += 1) {
      realm.write(() => realm.add(new Task({ id, name: "x".repeat(200_000) })));
    }
    const { upload } = ProgressDirection;
    const stream = realm.syncSession.getProgressStream(upload, ProgressMode.forCurrentlyOutstandingWork);
    const reports = stream.toList();
    realm.syncSession.resume();
    const all = await reports;
    expect(all.at(-1)).toMatchObject({ progressEstimate: 1 });
    const last = all.at(-1);
    expect(last?.transferredBytes).toBe(last?.transferableBytes);
    const rising = all.map(({ progressEstimate }) => progressEstimate);
    expect(rising).toEqual([...rising].sort((a, b) => a - b));
  });

  test("without end goes on with the next work, and ends with the realm", async () => {
    const realm = await device.openSubscribed();
    const events: (number | string)[] = [];
    const stream = realm.syncSession.getProgressStream("upload", "reportIndefinitely");
    stream.listen(({ progressEstimate }) => events.push(progressEstimate), { onDone: () => events.push("done") });
    for (const id of [1, 2]) {
      events.splice(0);
      addTasks(realm, id);
      await realm.syncSession.waitForUpload();
      await expect.poll(() => events.at(-1)).toBe(1);
    }
    realm.close();
    await turn();
    expect(events.at(-1)).toBe("done");
  });

  test("cancelling unregisters", async () => {
    const realm = await device.openSubscribed();
    let calls = 0;
    const stream = realm.syncSession.getProgressStream("upload", "reportIndefinitely");
    await stream.listen(() => (calls += 1)).cancel();
    addTasks(realm, 1);
    await realm.syncSession.waitForUpload();
    await turn();
    expect(calls).toBe(0);
  });
});

test("a write outside the subscriptions is taken back and told", async () => {
  const errors: unknown[] = [];
  const realm = device.open({ syncErrorHandler: (error) => errors.push(error) });
  realm.subscriptions.update((set) => void set.add(realm.query(Task, "priority > 5")));
  await realm.subscriptions.waitForSynchronization();
  addTasks(realm, 1);
  await expect.poll(() => errors.length).toBe(1);
  const [error] = errors as CompensatingWriteError[];
  expect(error).toBeInstanceOf(CompensatingWriteError);
  expect(error?.code).toBe(SyncErrorCode.compensatingWrite);
  expect(error?.message).toMatch(/^Client attempted a write that is not allowed/);
  const [write] = error?.compensatingWrites ?? [];
  expect([write?.objectType, write?.primaryKey.value]).toEqual(["Task", 1]);
  expect(write?.reason).toContain("object is outside of the current query view");
  expect(() => realm.write(() => realm.add(new Person({ id: "x" })))).toThrow(
    "Cannot write to class Person when no flexible sync subscription has been created.",
  );
});

test("asymmetric objects are sent and not kept", async () => {
  class Measurement extends AsymmetricObject.of(
    SchemaObject("Measurement", { id: int().primaryKey().mapTo("_id") }, { baseType: ObjectType.asymmetricObject }),
  ) {}
  const realm = synced.keep(new Realm(Configuration.flexibleSync(device.user, [Measurement])));
  realm.write(() => realm.ingest(new Measurement({ id: 1 })));
  await realm.syncSession.waitForUpload();
  expect(() => realm.all(Measurement)).toThrow(RealmError);
  expect(() => realm.ingest(new Measurement({ id: 2 }))).toThrow(RealmException);
});

describe("opening with data", () => {
  test("waits for the subscriptions' data, and tells its progress", async () => {
    const writer = await device.openSubscribed();
    addTasks(writer, 1, 2, 3);
    await writer.syncSession.waitForUpload();
    const reader = await synced.device(appId);
    const empty: number[] = [];
    const onEmpty = {
      onProgressCallback: ({ progressEstimate }: { progressEstimate: number }) => empty.push(progressEstimate),
    };
    const first = synced.keep(await Realm.open(reader.configuration(), onEmpty));
    expect([empty, first.all(Task).length]).toEqual([[], 0]);
    first.syncSession.pause();
    first.subscriptions.update((set) => void set.add(first.all(Task)));
    first.close();
    const estimates: number[] = [];
    const onProgressCallback = ({ progressEstimate }: { progressEstimate: number }): void =>
      void estimates.push(progressEstimate);
    const second = synced.keep(await Realm.open(reader.configuration(), { onProgressCallback }));
    expect(taskIds(second)).toEqual([1, 2, 3]);
    await expect.poll(() => estimates.at(-1)).toBe(1);
  });

  test("cancelling one opening leaves another of the same file alone", async () => {
    const token = new CancellationToken();
    const cancelled = Realm.open(device.configuration(), { cancellationToken: token });
    const other = Realm.open(device.configuration());
    token.cancel();
    await expect(cancelled).rejects.toThrow(CancelledException);
    const realm = synced.keep(await other);
    expect(realm.isClosed).toBe(false);
    token.cancel();
  });

  test("without a connection it ends only with its token; what is written waits", async () => {
    const offline = await synced.device(appId);
    const kept = await offline.openSubscribed();
    const { path } = kept.config;
    kept.close();
    const schema = [Task.schema, Person.schema];
    const disconnected = synced.keep(new Realm(Configuration.disconnectedSync(schema, { path })));
    addTasks(disconnected, 7);
    expect(() => disconnected.syncSession).toThrow("session is only valid");
    disconnected.close();
    const realm = synced.keep(await Realm.open(offline.configuration()));
    await realm.syncSession.waitForUpload();
    const other = await device.openSubscribed();
    await other.syncSession.waitForDownload();
    expect(taskIds(other)).toEqual([7]);
    realm.syncSession.pause();
    const token = new TimeoutCancellationToken(20);
    await expect(Realm.open(offline.configuration(), { cancellationToken: token })).rejects.toThrow(TimeoutException);
  });
});
