import { expect, test } from "vitest";
import { simpleFailure } from "../errors.js";
import { SessionRig } from "../testing/session-rig.js";
import { type StatusFacts, statusOf, type SyncStatus } from "./sync-status.js";

const idle: StatusFacts = {
  state: "active",
  connectionState: "connected",
  bytesToUpload: 0,
  isSubscriptionPending: false,
  downloadEstimate: 1,
  endedBy: undefined,
};
const failure = simpleFailure(1037, "no", true);

test.each<[string, Partial<StatusFacts>, SyncStatus["kind"], number]>([
  ["nothing under way", {}, "synced", 1],
  ["something to upload", { bytesToUpload: 5 }, "syncing", 1],
  ["a download under way", { downloadEstimate: 0.5 }, "syncing", 0.5],
  ["a set that has not arrived, of which nothing was said", { isSubscriptionPending: true }, "syncing", 0.999],
  ["no connection", { connectionState: "connecting" }, "offline", 1],
  ["a pause", { state: "paused" }, "offline", 1],
  ["an error that ended the session", { state: "inactive", endedBy: failure }, "error", 1],
  ["a pause after it", { state: "paused", endedBy: failure }, "offline", 1],
])("%s", (_, facts, kind, downloadEstimate) => {
  expect(statusOf({ ...idle, ...facts })).toMatchObject({ kind, downloadEstimate });
});

test("listeners hear of changes, once for all of one turn, and not of what was there before", async () => {
  const rig = new SessionRig();
  const { session, host } = rig;
  const seen: string[] = [];
  const remove = session.addStatusListener(({ kind, bytesToUpload }) => seen.push(`${kind} ${bytesToUpload}`));
  await host.run();
  expect(seen).toEqual([]);
  rig.connect();
  rig.pending = { bytesToUpload: 7, isSubscriptionPending: false };
  session.onCommitted();
  expect(seen).toEqual([]);
  await host.run();
  rig.pending = { bytesToUpload: 0, isSubscriptionPending: false };
  rig.emit({ type: "changed", session: session.id });
  rig.emit({ type: "changed", session: session.id });
  await host.run();
  session.onError(failure, "stop");
  await host.run();
  expect(seen).toEqual(["syncing 7", "synced 0", "error 0"]);
  expect(session.status.error).toBe(failure);
  session.revive();
  remove();
  await host.run();
  expect(seen).toHaveLength(3);
});
