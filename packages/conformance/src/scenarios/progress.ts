/**
 * G: progress of uploads and downloads.
 *
 * @module
 */

import type { Direction, ProgressMode, TestSession } from "../adapter.js";
import { dog, type Stage } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";

/** The applicability of cases about progress. */
export const reportsProgress: Pick<Scenario, "facades" | "elsewhere" | "needs"> = {
  facades: ["node", "kotlin", "flutter"],
  elsewhere: "the C++ SDK does not report progress",
  needs: ["progress"],
};

/** Enough text that moving it takes several messages or at least a while. */
const long = "x".repeat(200_000);

/** Whether a row of estimates never falls. */
export function isRising(estimates: readonly number[]): boolean {
  return estimates.every((estimate, index) => index === 0 || estimate >= (estimates[index - 1] ?? 0));
}

/** What a listener was told. */
export interface Recording {
  readonly estimates: readonly number[];
  readonly hasEnded: () => boolean;
  readonly stop: () => void;
}

/** Registers a listener that remembers. */
export function record(session: TestSession, direction: Direction, mode: ProgressMode): Recording {
  const estimates: number[] = [];
  let hasEnded = false;
  const stop = session.onProgress(
    direction,
    mode,
    (estimate) => estimates.push(estimate),
    () => (hasEnded = true),
  );
  return { estimates, hasEnded: () => hasEnded, stop };
}

/** Waits until a listener is told that there is no more, where the facade tells it. */
export async function untilEnded(stage: Stage, { hasEnded }: Recording): Promise<void> {
  if (!stage.adapter.capabilities.has("progressEnds")) return;
  await stage.eventually(hasEnded, "the listener is told of the end");
}

/** A device with large objects that have not left yet. */
export async function deviceWithPending(stage: Stage): ReturnType<Stage["readyDevice"]> {
  const device = await stage.readyDevice();
  device.session.pause();
  for (let key = 0; key < 5; key += 1) {
    device.realm.write(() => device.realm.create("Dog", dog(key, `${key}${long}`)));
  }
  return device;
}

export const progressScenarios: readonly Scenario[] = [
  {
    id: "G-01",
    title: "outstanding uploads are reported until they are done",
    ...reportsProgress,
    run: async (stage) => {
      const { session } = await deviceWithPending(stage);
      const recording = record(session, "upload", "outstanding");
      const { estimates } = recording;
      session.resume();
      await session.waitUp();
      await stage.eventually(() => estimates.at(-1) === 1, "the last report is 1");
      stage.check(isRising(estimates), `reports rise: ${estimates.join(" ")}`);
      await untilEnded(stage, recording);
    },
  },
  {
    id: "G-02",
    title: "after outstanding uploads are done, later ones are not reported",
    ...reportsProgress,
    run: async (stage) => {
      const { realm, session } = await deviceWithPending(stage);
      const { estimates } = record(session, "upload", "outstanding");
      session.resume();
      await session.waitUp();
      await stage.eventually(() => estimates.at(-1) === 1, "the last report is 1");
      const reports = estimates.length;
      realm.write(() => realm.create("Dog", dog(100, long)));
      await session.waitUp();
      await stage.sleep(200);
      stage.equal(estimates.length, reports, "reports");
    },
  },
  {
    id: "G-03",
    title: "indefinite upload reports go on with the next write",
    ...reportsProgress,
    run: async (stage) => {
      const { realm, session } = await deviceWithPending(stage);
      const { estimates } = record(session, "upload", "indefinite");
      session.resume();
      await session.waitUp();
      await stage.eventually(() => estimates.at(-1) === 1, "the last report is 1");
      const reports = estimates.length;
      realm.write(() => realm.create("Dog", dog(100, long)));
      await session.waitUp();
      await stage.eventually(() => estimates.length > reports && estimates.at(-1) === 1, "more reports, the last is 1");
    },
  },
  {
    id: "G-04",
    title: "outstanding downloads are reported until they are done",
    ...reportsProgress,
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      reader.session.pause();
      writer.realm.write(() => writer.realm.create("Dog", dog(1, long)));
      await writer.session.waitUp();
      const recording = record(reader.session, "download", "outstanding");
      reader.session.resume();
      await reader.session.waitDown();
      await stage.eventually(() => recording.estimates.at(-1) === 1, "the last report is 1");
      await untilEnded(stage, recording);
    },
  },
  {
    id: "G-09",
    title: "without subscriptions nothing is reported",
    ...reportsProgress,
    run: async (stage) => {
      const session = stage.session(await (await stage.device()).open({ subscriptions: [] }));
      const all = (["upload", "download"] as const).flatMap((direction) =>
        (["outstanding", "indefinite"] as const).map((mode) => record(session, direction, mode)),
      );
      await session.waitUp();
      await session.waitDown();
      await stage.sleep(200);
      stage.equal(
        all.map(({ estimates }) => estimates),
        [[], [], [], []],
        "reports",
      );
    },
  },
  {
    id: "G-13",
    title: "an unregistered listener is silent, the transfer goes on",
    ...reportsProgress,
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      const { estimates, stop } = record(session, "upload", "indefinite");
      proxy.blackhole();
      for (let key = 0; key < 5; key += 1) realm.write(() => realm.create("Dog", dog(key, `${key}${long}`)));
      await stage.eventually(() => (estimates.at(-1) ?? 1) < 1, "the transfer has begun");
      stop();
      const reports = estimates.length;
      proxy.restore();
      await session.waitUp();
      const reader = await stage.readyDevice();
      stage.equal(reader.realm.count("Dog"), 5, "dogs on the server");
      stage.equal(estimates.length, reports, "reports");
    },
  },
];
