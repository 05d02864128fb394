/**
 * W: waiting for uploads and downloads.
 *
 * @module
 */
import { dog } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";

/** Code and text of a wait that ended because its session became inactive. */
const operationAborted = 1027;
const becameInactive = "Sync session became inactive";

export const waitScenarios: readonly Scenario[] = [
  {
    id: "W-01",
    title: "with nothing to upload the wait is done",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      stage.equal(await session.waitUp(), "done", "wait");
    },
  },
  {
    id: "W-02",
    title: "with nothing to download the wait is done, twice",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      stage.equal(await session.waitDown(), "done", "first wait");
      stage.equal(await session.waitDown(), "done", "second wait");
    },
  },
  {
    id: "W-03",
    title: "after the upload wait the server has all objects",
    run: async (stage) => {
      const { realm, session } = await stage.readyDevice();
      for (let key = 0; key < 100; key += 1) realm.write(() => realm.create("Dog", dog(key)));
      await session.waitUp();
      // Only what the server holds can reach a device that is new.
      const fresh = await stage.readyDevice();
      stage.equal(fresh.realm.count("Dog"), 100, "dogs on the server");
    },
  },
  {
    id: "W-04",
    title: "after the download wait everything uploaded before is there",
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      writer.realm.write(() => {
        for (let key = 0; key < 20; key += 1) writer.realm.create("Dog", dog(key));
      });
      await writer.session.waitUp();
      await reader.session.waitDown();
      stage.equal(reader.realm.count("Dog"), 20, "dogs");
    },
  },
  {
    id: "W-05",
    title: "both directions, two devices, equal content",
    run: async (stage) => {
      const [first, second] = [await stage.readyDevice(), await stage.readyDevice()];
      first.realm.write(() => first.realm.create("Dog", dog(1, "first")));
      second.realm.write(() => second.realm.create("Dog", dog(2, "second")));
      await stage.settle(first.session, second.session);
      for (const { realm } of [first, second]) {
        stage.equal(realm.keys("Dog"), [1, 2], "keys");
        stage.equal(realm.find("Dog", 2)?.get("name"), "second", "name");
      }
    },
  },
  {
    id: "W-06",
    title: "a wait that times out says so",
    facades: ["node", "kotlin", "flutter"],
    needs: ["waitTimeout"],
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      proxy.blackhole();
      realm.write(() => realm.create("Dog", dog(1)));
      stage.equal(await session.waitUp({ timeoutMs: 50 }), "timeout", "wait");
    },
  },
  {
    id: "W-07",
    title: "after a timed-out wait the data still arrives",
    facades: ["node", "kotlin", "flutter"],
    needs: ["waitTimeout"],
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      writer.proxy.blackhole();
      writer.realm.write(() => writer.realm.create("Dog", dog(1)));
      stage.equal(await writer.session.waitUp({ timeoutMs: 50 }), "timeout", "wait");
      writer.proxy.restore();
      await stage.eventually(() => reader.realm.count("Dog") === 1, "the dog arrives");
    },
  },
  {
    id: "W-14",
    title: "pausing rejects a pending upload wait",
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      proxy.blackhole();
      realm.write(() => realm.create("Dog", dog(1)));
      const wait = stage.rejection(session.waitUp(), "upload wait");
      session.pause();
      const { code, message } = await wait;
      stage.equal(code, operationAborted, "code");
      stage.check(message.includes(becameInactive), `message "${message}"`);
    },
  },
  {
    id: "W-15",
    title: "closing rejects a pending download wait",
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      proxy.blackhole();
      const wait = stage.rejection(session.waitDown(), "download wait");
      realm.close();
      stage.equal((await wait).code, operationAborted, "code");
    },
  },
  {
    id: "W-16",
    title: "a wait registered while paused is done after resume",
    run: async (stage) => {
      const { realm, session } = await stage.readyDevice();
      session.pause();
      realm.write(() => realm.create("Dog", dog(1)));
      const wait = session.waitUp();
      stage.check(await stage.staysOpen(wait, 1_000), "the wait ended while paused");
      session.resume();
      stage.equal(await wait, "done", "wait");
    },
  },
  {
    id: "W-18",
    title: "a wait queued while paused is rejected when the realm closes",
    run: async (stage) => {
      const { realm, session } = await stage.readyDevice();
      session.pause();
      const wait = stage.rejection(session.waitDown(), "download wait");
      realm.close();
      stage.equal((await wait).code, operationAborted, "code");
    },
  },
  {
    id: "W-19",
    title: "a wait begun offline is done when the network is back",
    run: async (stage) => {
      const { app, realm, session, proxy } = await stage.readyDevice();
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      realm.write(() => realm.create("Dog", dog(1)));
      const wait = session.waitUp();
      stage.check(await stage.staysOpen(wait, 500), "the wait ended offline");
      proxy.restore();
      app.reconnectAll();
      stage.equal(await wait, "done", "wait");
    },
  },
  {
    id: "W-22",
    title: "twenty waits at once are all done, each once",
    run: async (stage) => {
      const { realm, session } = await stage.readyDevice();
      realm.write(() => realm.create("Dog", dog(1)));
      const waits = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? session.waitUp() : session.waitDown()));
      stage.equal(new Set(await Promise.all(waits)).size, 1, "kinds of outcome");
    },
  },
  {
    id: "W-25",
    title: "an upload wait covers what was committed before it",
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      realm.write(() => realm.create("Dog", dog(1)));
      const before = session.waitUp();
      stage.equal(await before, "done", "wait");
      proxy.blackhole();
      realm.write(() => realm.create("Dog", dog(2)));
      const after = session.waitUp();
      stage.check(await stage.staysOpen(after, 300), "the later write was counted as uploaded");
      proxy.restore();
      stage.equal(await after, "done", "later wait");
    },
  },
];
