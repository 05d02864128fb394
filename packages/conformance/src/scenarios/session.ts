/**
 * S: session access and lifecycle.
 *
 * @module
 */
import { existsSync } from "node:fs";
import type { TestRealm } from "../adapter.js";
import { dog, dogModel } from "../harness/stage.js";
import { ownScenario, pending, type Scenario } from "../scenario.js";

/** Whether the file of a closed realm lets itself be deleted: the session's thread may still be letting go of it. */
function deletes(realm: TestRealm): boolean {
  try {
    realm.deleteFile();
    return true;
  } catch {
    return false;
  }
}

export const sessionScenarios: readonly Scenario[] = [
  {
    id: "S-01",
    title: "a local realm has no session, each SDK's own way",
    run: async (stage) => {
      const realm = await stage.adapter.openLocal({ directory: await stage.directory(), models: [dogModel] });
      stage.check(realm.hasNoSession(), "the local realm answered a session");
      realm.close();
    },
  },
  {
    id: "S-02",
    title: "a synced realm just opened has an active session",
    run: async (stage) => {
      const device = await stage.device();
      const realm = await device.open();
      stage.equal(stage.session(realm).state(), "active", "state");
    },
  },
  {
    id: "S-03",
    title: "the session of one realm is one session",
    run: async (stage) => {
      const realm = await (await stage.device()).open();
      stage.check(stage.session(realm).isSame(stage.session(realm)), "two handles differ");
    },
  },
  {
    id: "S-04",
    title: "pausing one realm's session leaves another's alone",
    run: async (stage) => {
      const device = await stage.device();
      const [first, second] = [await device.open({ path: "first" }), await device.open({ path: "second" })];
      await first.subscriptions().waitSync();
      await second.subscriptions().waitSync();
      stage.check(!stage.session(first).isSame(stage.session(second)), "the sessions are one");
      stage.session(first).pause();
      stage.equal(stage.session(second).state(), "active", "state of the other");
      second.write(() => second.create("Dog", dog(1)));
      stage.equal(await stage.session(second).waitUp(), "done", "upload of the other");
      stage.equal(await stage.session(second).waitDown(), "done", "download of the other");
    },
  },
  {
    id: "S-05",
    title: "two instances of one file share the session",
    run: async (stage) => {
      const device = await stage.device();
      const [first, second] = [await device.open(), await device.open()];
      stage.session(first).pause();
      stage.equal(stage.session(second).state(), "inactive", "state through the other instance");
      stage.session(second).resume();
      stage.equal(stage.session(first).state(), "active", "state after resuming through the other");
    },
  },
  ownScenario("S-06", "the session of a closed realm refuses, in each SDK's words"),
  {
    id: "S-07",
    title: "closing twice is no error",
    run: async (stage) => {
      const realm = await (await stage.device()).open();
      realm.close();
      realm.close();
    },
  },
  {
    id: "S-08",
    title: "a closed realm answers no session",
    run: async (stage) => {
      const realm = await (await stage.device()).open();
      realm.close();
      stage.check(realm.hasNoSession(), "the closed realm answered a session");
    },
  },
  {
    id: "S-09",
    title: "pending uploads still leave after close",
    run: async (stage) => {
      const writer = await stage.readyDevice();
      const reader = await stage.readyDevice();
      writer.realm.write(() => {
        for (let key = 1; key <= 50; key += 1) writer.realm.create("Dog", dog(key));
      });
      writer.realm.close();
      await stage.eventually(() => reader.realm.count("Dog") === 50, "the reader gets what was pending");
      await stage.eventually(() => writer.app.sessionCount(writer.user) === 0, "no session remains");
    },
  },
  {
    id: "S-10",
    title: "with the policy to stop at once no session remains after close",
    facades: ["node", "cpp"],
    elsewhere: "the Kotlin and Flutter SDKs have no stop policies",
    needs: ["stopPolicy"],
    run: async (stage) => {
      const device = await stage.readyDevice({ stopPolicy: "immediately" });
      device.realm.close();
      stage.equal(device.app.sessionCount(device.user), 0, "sessions");
    },
  },
  {
    id: "S-11",
    title: "a realm reopened while it still uploads goes on, and nothing arrives twice",
    run: async (stage) => {
      const writer = await stage.readyDevice();
      const reader = await stage.readyDevice();
      writer.proxy.slow(20_000);
      writer.realm.write(() => {
        for (let key = 1; key <= 200; key += 1) writer.realm.create("Dog", dog(key, `dog ${key} ${"x".repeat(100)}`));
      });
      writer.realm.close();
      const again = await writer.open();
      stage.equal(stage.session(again).state(), "active", "state");
      writer.proxy.restore();
      await stage.session(again).waitUp();
      await reader.session.waitDown();
      stage.equal(reader.realm.count("Dog"), 200, "dogs at the reader");
      stage.equal(again.count("Dog"), 200, "dogs at the writer");
    },
  },
  {
    id: "S-12",
    title: "the number of sessions follows opening and closing",
    facades: ["node", "kotlin"],
    run: async (stage) => {
      const device = await stage.device();
      stage.equal(device.app.sessionCount(device.user), 0, "before");
      const realm = await device.open();
      stage.equal(device.app.sessionCount(device.user), 1, "open");
      realm.close();
      await stage.eventually(() => device.app.sessionCount(device.user) === 0, "none in the end");
    },
  },
  ownScenario("S-13", "when sessions have ended, files can be deleted", ["kotlin"]),
  ownScenario("S-14", "the session knows its user, and what it was opened with", ["node", "kotlin", "flutter"]),
  ownScenario("S-15", "the session knows the realm's path", ["flutter"]),
  pending("S-16", "two processes share a file", "a file is open in one process at a time"),
  pending("S-17", "a session is found by its partition", "there is no partition-based sync", { facades: ["node"] }),
  {
    id: "S-18",
    title: "the file of a paused session can be deleted once its realm is closed",
    run: async (stage) => {
      const device = await stage.readyDevice();
      device.session.pause();
      device.realm.close();
      await stage.eventually(() => deletes(device.realm), "the file can be deleted");
      stage.check(!existsSync(device.realm.path()), "the file is there");
      const again = await device.open();
      await again.subscriptions().waitSync();
      stage.equal(stage.session(again).state(), "active", "state of another opening");
    },
  },
];
