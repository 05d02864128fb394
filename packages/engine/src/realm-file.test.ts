import { expect, test } from "vitest";
import type { Database } from "./data/database.js";
import { RealmFile } from "./realm-file.js";
import { SessionRig } from "./testing/session-rig.js";

const report = {
  uploaded: 0,
  uploadable: 0,
  uploadEstimate: 1,
  downloaded: 7,
  downloadable: 7,
  downloadEstimate: 1,
  clientVersion: 1,
  queryVersion: 1,
};

test("a download is over when its progress is told, though the file shows the data before", async () => {
  const { host, session, options, posted, emit } = boundRig();
  const set = { version: 1, state: "pending", error: null, subscriptions: [] };
  const nothing = (): void => undefined;
  const database = {
    clock: host,
    notifier: { schedule: nothing },
    requireOpen: nothing,
    advance: nothing,
    store: {
      subscriptionSets: () => JSON.stringify([set]),
      syncState: () => JSON.stringify({ newestUploadableVersion: 1 }),
    },
  } as unknown as Database;
  const file = new RealmFile("/file", database, { session, options }, nothing);
  const order: string[] = [];
  session.addProgressListener("download", "indefinite", ({ estimate }) => order.push(`progress ${estimate}`));
  const download = file.download().then(() => order.push("opened"));
  emit({ type: "wait-done", session: session.id, wait: 1 });
  await host.run();
  // The thread of the session has gone on meanwhile: what it has said of that is still on its way.
  set.state = "complete";
  emit({ type: "changed", session: session.id });
  await host.run();
  expect(order).toEqual([]);
  expect(posted.at(-1)).toMatchObject({ type: "wait-upload", targetVersion: 0 });
  emit({ type: "progress", session: session.id, report }, { type: "wait-done", session: session.id, wait: 2 });
  await host.run();
  await download;
  expect(order).toEqual(["progress 1", "opened"]);
});

/** A rig whose way to say something can be taken out of it. */
function boundRig(): Pick<SessionRig, "host" | "session" | "options" | "posted" | "emit"> {
  const rig = new SessionRig();
  const { host, session, options, posted } = rig;
  return { host, session, options, posted, emit: (...events) => rig.emit(...events) };
}
