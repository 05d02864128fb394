import { expect, test } from "vitest";
import type { ProgressReport } from "./messages.js";
import { type ProgressCall, ProgressNotifier, ProgressReporter } from "./progress.js";

/** Query version, estimate, bytes done, bytes in all: the original's own matrix. */
const updates = [
  [0, 0, 0, 0],
  [0, 1, 200, 200],
  [1, 0.2, 300, 600],
  [1, 0.4, 400, 600],
  [1, 0.8, 600, 700],
  [1, 1, 700, 700],
  [2, 0.3, 800, 1000],
  [2, 0.6, 900, 1000],
  [2, 1, 1000, 1000],
] as const;

function report([queryVersion, estimate, done, all]: readonly [number, number, number, number]): ProgressReport {
  return {
    uploaded: done,
    uploadable: all,
    uploadEstimate: estimate,
    downloaded: done,
    downloadable: all,
    downloadEstimate: estimate,
    clientVersion: 1,
    queryVersion,
  };
}

function callsOf(notifier: ProgressNotifier, from: number = 0): (readonly [number, number, number])[] {
  const calls: ProgressCall[] = [];
  for (const update of updates.slice(from)) {
    const call = notifier.take(report(update));
    if (call !== undefined) calls.push(call);
  }
  return calls.map(({ transferred, transferable, estimate }) => [transferred, transferable, estimate] as const);
}

const registration = { clientVersion: 1, queryVersion: 1 };

test("an indefinite download listener hears every report", () => {
  expect(callsOf(new ProgressNotifier("download", "indefinite", registration))).toEqual([
    [0, 0, 0],
    [200, 200, 1],
    [300, 600, 0.2],
    [400, 600, 0.4],
    [600, 700, 0.8],
    [700, 700, 1],
    [800, 1000, 0.3],
    [900, 1000, 0.6],
    [1000, 1000, 1],
  ]);
});

test("an outstanding download listener is silent until its version and ends with it", () => {
  const notifier = new ProgressNotifier("download", "outstanding", registration);
  expect(callsOf(notifier)).toEqual([
    [300, 600, 0.2],
    [400, 600, 0.4],
    [600, 600, 0.8],
    [700, 600, 1],
  ]);
  expect(notifier.isExpired).toBe(true);
});

test("an outstanding download listener ends also when there was less than the server had thought", () => {
  const notifier = new ProgressNotifier("download", "outstanding", registration);
  const calls = (
    [
      [1, 0.25, 300, 1200],
      [1, 1, 1000, 1000],
    ] as const
  ).map((update) => notifier.take(report(update)));
  expect(calls).toEqual([
    { transferred: 300, transferable: 1200, estimate: 0.25 },
    { transferred: 1000, transferable: 1000, estimate: 1 },
  ]);
  expect(notifier.isExpired).toBe(true);
});

test("registered in the middle, the first call is the current state", () => {
  const notifier = new ProgressNotifier("download", "outstanding", registration);
  expect(callsOf(notifier, 3)[0]).toEqual([400, 600, 0.4]);
});

test("registered when all is there, it is called once", () => {
  const notifier = new ProgressNotifier("download", "outstanding", { clientVersion: 1, queryVersion: 2 });
  expect(notifier.take(report([2, 1, 900, 900]))).toEqual({ transferred: 900, transferable: 900, estimate: 1 });
  expect(notifier.take(report([2, 1, 900, 900]))).toBeUndefined();
});

test("an outstanding upload listener waits until the loop knows the versions of its registration", () => {
  const notifier = new ProgressNotifier("upload", "outstanding", { clientVersion: 5, queryVersion: 0 });
  const at = (clientVersion: number, uploaded: number, uploadable: number): ProgressCall | undefined =>
    notifier.take({ ...report([1, 1, 0, 0]), clientVersion, uploaded, uploadable });
  expect(at(4, 0, 100)).toBeUndefined();
  expect(at(5, 50, 100)).toEqual({ transferred: 50, transferable: 100, estimate: 0.5 });
  expect(at(6, 80, 400)).toEqual({ transferred: 80, transferable: 100, estimate: 0.8 });
  expect(at(6, 120, 400)).toEqual({ transferred: 120, transferable: 100, estimate: 1 });
  expect(notifier.isExpired).toBe(true);
});

test("nothing to upload counts as done", () => {
  const notifier = new ProgressNotifier("upload", "outstanding", { clientVersion: 0, queryVersion: 0 });
  expect(notifier.take(report([1, 1, 0, 0]))).toEqual({ transferred: 0, transferable: 0, estimate: 1 });
});

const state = {
  fileIdent: "1",
  fileIdentSalt: "1",
  downloadServerVersion: 1,
  downloadClientVersion: 0,
  latestServerVersion: 1,
  latestServerVersionSalt: "1",
  uploadClientVersion: 0,
  uploadServerVersion: 0,
  clientVersion: 1,
  newestUploadableVersion: 1,
  bytesUploaded: 0,
  bytesUploadable: 0,
  bytesDownloaded: 0,
  bytesDownloadable: 0,
  pendingBootstrapBytes: 0,
};

test("nothing is reported before the first download of a subscription, and nothing twice", () => {
  const reporter = new ProgressReporter();
  reporter.onDownload(0, 1);
  expect(reporter.report(state)).toBeUndefined();
  reporter.onDownload(1, 0.5);
  expect(reporter.report(state)).toMatchObject({ queryVersion: 1, downloadEstimate: 0.5 });
  expect(reporter.report(state)).toBeUndefined();
});

test("what still arrives of a set says nothing of the next one", () => {
  const reporter = new ProgressReporter();
  const listener = new ProgressNotifier("download", "outstanding", { clientVersion: 1, queryVersion: 2 });
  const estimates: unknown[] = [];
  const tell = (): void => {
    const known = reporter.report({ ...state, bytesDownloaded: estimates.length });
    estimates.push(known && listener.take(known)?.estimate);
  };
  reporter.onDownload(1, 0.5);
  tell();
  reporter.onQuery(2);
  tell();
  reporter.onDownload(1, 1);
  tell();
  reporter.onDownload(2, 0.3);
  tell();
  reporter.onDownload(2, 1);
  tell();
  expect(estimates).toEqual([undefined, 0, undefined, 0.3, 1]);
});

test("a set that is refused does not leave the download at its beginning", () => {
  const reporter = new ProgressReporter();
  reporter.onDownload(1, 1);
  expect(reporter.report(state)?.downloadEstimate).toBe(1);
  reporter.onQuery(2);
  expect(reporter.report(state)?.downloadEstimate).toBe(0);
  reporter.onQueryRefused();
  expect(reporter.report(state)?.downloadEstimate).toBe(1);
});

test("bytes to download are made up from the estimate", () => {
  const reporter = new ProgressReporter();
  reporter.onDownload(1, 1);
  reporter.report({ ...state, bytesDownloaded: 100 });
  reporter.onDownload(2, 0.5);
  expect(reporter.report({ ...state, bytesDownloaded: 100, pendingBootstrapBytes: 50 })).toMatchObject({
    downloaded: 150,
    downloadable: 200,
  });
});

test("the estimate of uploads counts from the last time all was uploaded", () => {
  const reporter = new ProgressReporter();
  reporter.onDownload(1, 1);
  expect(reporter.report({ ...state, bytesUploaded: 100, bytesUploadable: 100 })).toMatchObject({ uploadEstimate: 1 });
  expect(reporter.report({ ...state, bytesUploaded: 100, bytesUploadable: 300 })).toMatchObject({ uploadEstimate: 0 });
  expect(reporter.report({ ...state, bytesUploaded: 200, bytesUploadable: 300 })).toMatchObject({
    uploadEstimate: 0.5,
  });
});
