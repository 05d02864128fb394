/**
 * G: progress at its edges: when listeners are called first and last, and what they are not told.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import type { TestSession } from "../adapter.js";
import { allDogs, type Device, dog, type Stage } from "../harness/stage.js";
import { ownScenario, pending, type Scenario } from "../scenario.js";
import { deviceWithPending, record, reportsProgress, untilEnded } from "./progress.js";

/** Text that compression makes no shorter than half. */
function noise(size: number): string {
  return randomBytes(size / 2).toString("hex");
}

/** Has the server hold dogs with long names, each of its own transaction. */
async function fill(stage: Stage, keys: readonly number[], size: number): ReturnType<Stage["readyDevice"]> {
  const writer = await stage.readyDevice();
  for (const key of keys) writer.realm.write(() => writer.realm.create("Dog", dog(key, noise(size))));
  await writer.session.waitUp();
  return writer;
}

const megabyte = 2 ** 20;

const firstCalls: readonly Scenario[] = [
  {
    id: "G-05",
    title: "indefinite download reports go on with each catching up",
    ...reportsProgress,
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      const { estimates } = record(reader.session, "download", "indefinite");
      for (const key of [1, 2, 3]) {
        const reports = estimates.length;
        writer.realm.write(() => writer.realm.create("Dog", dog(key, noise(10_000))));
        await writer.session.waitUp();
        await reader.session.waitDown();
        await stage.eventually(() => estimates.length > reports && estimates.at(-1) === 1, `reports of dog ${key}`);
      }
    },
  },
  {
    id: "G-06",
    title: "five megabytes that came while paused are reported in five steps at least",
    ...reportsProgress,
    run: async (stage) => {
      const reader = await stage.readyDevice();
      reader.session.pause();
      await fill(stage, [1, 2, 3, 4, 5], megabyte);
      const { estimates } = record(reader.session, "download", "indefinite");
      await stage.sleep(100);
      const before = estimates.length;
      reader.session.resume();
      await reader.session.waitDown();
      await stage.eventually(() => estimates.at(-1) === 1, "the last report is 1");
      const steps = estimates.slice(before);
      stage.check(steps.length >= 5, `five steps: ${estimates.join(" ")}`);
      stage.check(
        steps.every((estimate) => estimate > 0 && estimate <= 1),
        `above 0, up to 1: ${estimates.join(" ")}`,
      );
    },
  },
  {
    id: "G-07",
    title: "with everything there, a listener of outstanding work is told so once, later, and no more",
    ...reportsProgress,
    run: async (stage) => {
      const session = await settledSession(stage);
      for (const direction of ["upload", "download"] as const) {
        const recording = record(session, direction, "outstanding");
        stage.equal(recording.estimates, [], `${direction}: calls before the registration has returned`);
        await stage.eventually(() => recording.estimates.length > 0, `${direction}: the call`);
        await untilEnded(stage, recording);
        await stage.sleep(100);
        stage.equal(recording.estimates, [1], `${direction}: calls`);
      }
    },
  },
  {
    id: "G-08",
    title: "with everything there, an indefinite listener is told so once, later",
    ...reportsProgress,
    run: async (stage) => {
      const session = await settledSession(stage);
      for (const direction of ["upload", "download"] as const) {
        const { estimates, hasEnded } = record(session, direction, "indefinite");
        stage.equal(estimates, [], `${direction}: calls before the registration has returned`);
        await stage.eventually(() => estimates.length > 0, `${direction}: the call`);
        await stage.sleep(100);
        stage.equal([estimates, hasEnded()], [[1], false], `${direction}: calls, and whether there are no more`);
      }
    },
  },
];

/** The session of a device that has a dog, with nothing left to be sent or fetched. */
async function settledSession(stage: Stage): Promise<TestSession> {
  const { realm, session } = await stage.readyDevice();
  realm.write(() => realm.create("Dog", dog(1)));
  await session.waitUp();
  await session.waitDown();
  return session;
}

/** A device whose first download of some megabytes has begun and stands still, with the reports of that. */
async function halfway(stage: Stage): Promise<
  Device & {
    readonly realm: Awaited<ReturnType<Device["open"]>>;
    readonly estimates: readonly number[];
  }
> {
  const device = await stage.device();
  const realm = await device.open({ subscriptions: [] });
  const session = stage.session(realm);
  await session.waitDown();
  const { estimates } = record(session, "download", "indefinite");
  // Slow enough that parts of the bootstrap arrive one by one.
  device.proxy.slow(4 * megabyte);
  realm.subscriptions().begin((set) => set.add({ name: "young", className: "Dog", query: "age < 10" }));
  const isHalfway = (): boolean => (estimates.at(-1) ?? 1) < 1;
  await stage.eventually(isHalfway, "a part of the download has arrived");
  device.proxy.blackhole();
  return { ...device, realm, estimates };
}

const inBetween: readonly Scenario[] = [
  {
    id: "G-12",
    title: "listeners of both directions do not know of each other",
    ...reportsProgress,
    run: async (stage) => {
      const device = await deviceWithPending(stage);
      await fill(stage, [11, 12], 10_000);
      const up = record(device.session, "upload", "outstanding");
      const down = record(device.session, "download", "indefinite");
      down.stop();
      const silent = down.estimates.length;
      const other = record(device.session, "download", "outstanding");
      device.session.resume();
      await device.session.waitUp();
      await device.session.waitDown();
      await stage.eventually(() => up.estimates.at(-1) === 1 && other.estimates.at(-1) === 1, "both end with 1");
      stage.equal(down.estimates.length, silent, "reports of the unregistered one");
      stage.equal(device.realm.count("Dog"), 7, "dogs");
    },
  },
  {
    id: "G-14",
    title: "a listener that is registered in the middle hears first how things stand",
    ...reportsProgress,
    run: async (stage) => {
      await fill(stage, [1, 2, 3, 4, 5, 6], megabyte);
      const { realm, proxy, estimates } = await halfway(stage);
      const late: number[] = [];
      // What was on its way may still arrive: the listener that was there before knows of it.
      let known: number | undefined;
      stage.session(realm).onProgress("download", "indefinite", (estimate) => {
        known ??= estimates.at(-1);
        late.push(estimate);
      });
      await stage.eventually(() => late.length > 0, "the first call");
      stage.equal(late[0], known, "first call");
      stage.check(late[0] !== 1, "the first call is of the middle");
      proxy.restore();
      await stage.eventually(() => late.at(-1) === 1, "the last report is 1");
    },
  },
  {
    id: "G-15",
    title: "a listener of outstanding work waits for the subscriptions that were newest when it was registered",
    ...reportsProgress,
    run: async (stage) => {
      // A dog is as old as its key says: six are young, three are old.
      await fill(stage, [1, 2, 3, 4, 5, 6, 11, 12, 13], megabyte);
      const { realm, proxy } = await halfway(stage);
      realm.subscriptions().begin((set) => set.add({ name: "old", className: "Dog", query: "age > 9" }));
      const estimates: number[] = [];
      // Whoever says that all has moved is taken at his word.
      stage.session(realm).onProgress("download", "outstanding", (estimate) => {
        estimates.push(estimate);
        if (estimate >= 1) proxy.cut();
      });
      await stage.sleep(300);
      proxy.slow(8 * megabyte);
      await stage.eventually(() => estimates.at(-1) === 1, "the last report is 1");
      await stage.eventually(() => realm.count("Dog") === 9, "all dogs of both subscriptions");
    },
  },
  {
    id: "G-18",
    title: "closing the realm ends what ends and silences the rest",
    ...reportsProgress,
    run: async (stage) => {
      const { realm, session } = await stage.readyDevice();
      const recordings = (["upload", "download"] as const).map((way) => record(session, way, "indefinite"));
      realm.write(() => realm.create("Dog", dog(1)));
      await session.waitUp();
      realm.write(() => realm.create("Dog", dog(2)));
      realm.close();
      for (const recording of recordings) await untilEnded(stage, recording);
      await stage.sleep(50);
      const reports = recordings.map(({ estimates }) => estimates.length);
      await stage.sleep(300);
      stage.equal(
        recordings.map(({ estimates }) => estimates.length),
        reports,
        "reports",
      );
    },
  },
  {
    id: "G-22",
    title: "upload reports wait for what was written before the registration",
    ...reportsProgress,
    run: async (stage) => {
      const { session } = await deviceWithPending(stage);
      const { estimates } = record(session, "upload", "outstanding");
      await stage.sleep(300);
      stage.equal(estimates, [], "reports while paused");
      session.resume();
      await session.waitUp();
      await stage.eventually(() => estimates.at(-1) === 1, "the last report is 1");
    },
  },
];

export const progressEdgeScenarios: readonly Scenario[] = [
  ...firstCalls,
  ownScenario("G-10", "listeners with two parameters get bytes", ["node"]),
  ownScenario("G-11", "listeners with one parameter get estimates", ["node"]),
  ...inBetween,
  ownScenario("G-16", "what is no function is refused", ["node"]),
  ownScenario("G-17", "a listener whose work is done may be registered again", ["node"]),
  ownScenario("G-19", "a collector that throws is unregistered, and the flow may be collected again", ["kotlin"]),
  ownScenario("G-20", "cancelling unregisters", ["flutter"]),
  pending("G-21", "the notifier's own tables", "a unit test", {
    facades: [],
    elsewhere: "a unit test of the engine, `sync/progress.test.ts`",
  }),
  ownScenario("G-23", "opening with a listener", ["node", "flutter"]),
  {
    id: "G-09b",
    title: "registered before the first subscription, a listener is told of its data",
    ...reportsProgress,
    run: async (stage) => {
      await fill(stage, [1, 2, 3, 4], megabyte);
      const realm = await (await stage.device()).open({ subscriptions: [] });
      const session = stage.session(realm);
      await session.waitUp();
      await session.waitDown();
      const recording = record(session, "download", "outstanding");
      await stage.sleep(100);
      stage.equal(recording.estimates, [], "reports before");
      await realm.subscriptions().update((set) => set.add(allDogs[0]));
      await stage.eventually(() => recording.estimates.at(-1) === 1, "the last report is 1");
      await untilEnded(stage, recording);
      stage.check(
        recording.estimates.some((estimate) => estimate < 1),
        `some are below 1: ${recording.estimates.join(" ")}`,
      );
    },
  },
];
