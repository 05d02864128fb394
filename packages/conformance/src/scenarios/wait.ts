/**
 * W: waiting for uploads and downloads.
 *
 * @module
 */
import { dog } from "../harness/stage.js";
import { ownScenario, type Scenario } from "../scenario.js";
import { forgottenDevice } from "./forgotten.js";

/** What the application is told of a file that has to start over, and of a server that cannot be reached. */
const clientResetRequired = 1032;
const connectFailed = 1034;

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
    elsewhere: "waits of the C++ SDK have no timeout",
    needs: ["waitTimeout"],
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      proxy.blackhole();
      realm.write(() => realm.create("Dog", dog(1)));
      stage.equal(await session.waitUp({ timeoutMs: 50 }), "timeout", "wait");
    },
  },
  ownScenario("W-06b", "and in the SDK's words", ["node"], "W-06 has what the others answer"),
  {
    id: "W-07",
    title: "after a timed-out wait the data still arrives",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "waits of the C++ SDK have no timeout",
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
  ownScenario("W-08", "a timeout that is not positive is refused", ["kotlin"]),
  ownScenario("W-09", "a token that was cancelled before ends the wait before it begins", ["flutter"]),
  ownScenario("W-10", "a token that is cancelled meanwhile ends the wait, not the transfer", ["flutter"]),
  ownScenario("W-11", "a token with a timeout ends the wait in time", ["flutter"]),
  ownScenario("W-12", "the form with a callback calls back once and answers nothing", ["cpp"]),
  ownScenario("W-13", "the form with a future rejects with the abort's code on a pause", ["cpp"]),
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
      const { code, message } = await wait;
      stage.equal(code, operationAborted, "code");
      stage.check(message.includes(becameInactive), `message "${message}"`);
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
    id: "W-17",
    title: "a download wait begun while logged out is done after logging in",
    run: async (stage) => {
      const device = await stage.device();
      const user = await device.app.logIn("someone@example.com");
      const realm = await stage.openFor(user);
      await realm.subscriptions().waitSync();
      await device.app.logOut(user);
      const wait = stage.session(realm).waitDown();
      stage.check(await stage.staysOpen(wait, 300), "the wait ended while logged out");
      await device.app.logIn("someone@example.com");
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
      const { code, message } = await wait;
      stage.equal(code, operationAborted, "code");
      stage.check(message.includes(becameInactive), `message "${message}"`);
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
    id: "W-20",
    title: "where it is wished, a server that cannot be reached fails waits and openings",
    facades: ["node", "flutter"],
    elsewhere: "no other SDK lets failures that are retried end waits",
    needs: ["cancelledWaits"],
    run: async (stage) => {
      const device = await stage.device();
      // Nobody listens any more: that no connection can be made is no interruption of one.
      await device.proxy.stop();
      const realm = await device.open({ cancelsWaitsOnNonFatalError: true });
      const wait = stage.rejection(stage.session(realm).waitDown(), "download wait");
      const opening = stage.rejection(
        device.open({ path: "other", cancelsWaitsOnNonFatalError: true, waitsForData: true }),
        "opening",
      );
      stage.equal([(await wait).code, (await opening).code], [connectFailed, connectFailed], "codes");
      stage.equal(stage.session(realm).state(), "active", "state");
    },
  },
  {
    id: "W-20b",
    title: "where it is not wished, they go on waiting",
    facades: ["node", "flutter"],
    elsewhere: "no other SDK lets failures that are retried end waits",
    run: async (stage) => {
      const device = await stage.device();
      await device.proxy.stop();
      const realm = await device.open();
      const wait = stage.rejection(stage.session(realm).waitDown(), "download wait");
      stage.check(await stage.staysOpen(wait, 2_500), "the wait ended");
      realm.close();
      stage.equal((await wait).code, operationAborted, "code");
    },
  },
  {
    id: "W-20c",
    title: "a connection that breaks off never fails waits",
    facades: ["node", "flutter"],
    elsewhere: "no other SDK lets failures that are retried end waits",
    needs: ["cancelledWaits"],
    run: async (stage) => {
      const { session, proxy } = await stage.readyDevice({ cancelsWaitsOnNonFatalError: true });
      proxy.blackhole();
      const wait = session.waitDown();
      stage.check(await stage.staysOpen(wait, 100), "the wait ended");
      proxy.cut();
      proxy.restore();
      stage.equal(await wait, "done", "wait");
    },
  },
  {
    id: "W-21",
    title: "a fatal error fails waits with that error",
    run: async (stage) => {
      const { session } = await forgottenDevice(stage, { reset: { mode: "manual" }, onError: () => undefined });
      const waits = [
        stage.rejection(session.waitUp(), "upload wait"),
        stage.rejection(session.waitDown(), "download wait"),
      ];
      session.resume();
      for (const { code } of await Promise.all(waits)) stage.equal(code, clientResetRequired, "code");
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
    id: "W-23",
    title: "waits begun in the middle of a client reset are done after it",
    run: async (stage) => {
      const waits: Promise<unknown>[] = [];
      const order: string[] = [];
      const device = await forgottenDevice(stage, {
        reset: {
          mode: "recover",
          onBefore: () => {
            for (const wait of [device.session.waitUp(), device.session.waitDown()]) {
              waits.push(wait.then((outcome) => order.push(outcome)));
            }
          },
          onAfter: () => void order.push("after"),
        },
      });
      device.session.resume();
      await stage.eventually(() => waits.length === 2, "the reset begins");
      await Promise.all(waits);
      await stage.eventually(() => order.includes("after"), "the reset is done");
      stage.equal(order, ["after", "done", "done"], "the reset, then the waits");
      stage.equal(device.realm.keys("Dog"), [1, 3], "dogs");
    },
  },
  ownScenario("W-24", "an error handler's session refuses to wait", ["kotlin"]),
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
  {
    id: "W-26",
    title: "when a wait is over, what it waited for is seen at once",
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      for (let count = 1; count <= 10; count += 1) {
        writer.realm.write(() => writer.realm.create("Dog", dog(count)));
        await writer.session.waitUp();
        await reader.session.waitDown();
        stage.equal(reader.realm.count("Dog"), count, "dogs");
      }
    },
  },
];
