/**
 * C: connection state. M: reconnecting and multiplexing.
 *
 * @module
 */
import type { TestSession } from "../adapter.js";
import { ownScenario, type Scenario } from "../scenario.js";

/** Records a session's changes as `old→new`. */
function record(session: TestSession): { readonly events: string[]; readonly stop: () => void } {
  const events: string[] = [];
  const stop = session.onConnection((oldState, newState) => events.push(`${oldState}→${newState}`));
  return { events, stop };
}

export const connectionScenarios: readonly Scenario[] = [
  {
    id: "C-01",
    title: "the connection state is readable at any time",
    run: async (stage) => {
      const device = await stage.device();
      const session = stage.session(await device.open());
      const states = ["disconnected", "connecting", "connected"];
      stage.check(states.includes(session.connection()), "state right after opening");
      await stage.eventually(() => session.connection() === "connected", "connected");
      session.pause();
      stage.check(states.includes(session.connection()), "state while paused");
    },
  },
  {
    id: "C-02",
    title: "a listener is not called until something changes",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      const { events } = record(session);
      await stage.sleep(300);
      stage.equal(events, [], "events");
    },
  },
  {
    id: "C-03",
    title: "pause and resume give exactly three changes",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      const { events } = record(session);
      session.pause();
      session.resume();
      await stage.eventually(() => session.connection() === "connected" && events.length >= 3, "connected again");
      await stage.sleep(200);
      stage.equal(events, ["connected→disconnected", "disconnected→connecting", "connecting→connected"], "events");
    },
  },
  {
    id: "C-04",
    title: "losing the network is noticed, and so is its return",
    run: async (stage) => {
      const { session, proxy } = await stage.readyDevice();
      const { events } = record(session);
      proxy.cut();
      await stage.eventually(() => events.includes("disconnected→connecting"), "an attempt");
      stage.equal(events[0], "connected→disconnected", "first change");
      proxy.restore();
      await stage.eventually(() => session.connection() === "connected", "connected", 20_000);
    },
  },
  {
    id: "C-05",
    title: "an unregistered listener is silent, the other is not",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      const [first, second] = [record(session), record(session)];
      first.stop();
      session.pause();
      await stage.eventually(() => second.events.length > 0, "the other listener");
      stage.equal(first.events, [], "events of the unregistered one");
    },
  },
  {
    id: "C-06",
    title: "a listener may unregister itself; later ones still run",
    facades: ["node", "cpp"],
    elsewhere: "the others have flows and streams, which G-19 and G-20 unregister",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      let calls = 0;
      const stop = session.onConnection(() => {
        calls += 1;
        stop();
      });
      const later = record(session);
      session.pause();
      session.resume();
      await stage.eventually(() => later.events.length >= 3, "the later listener");
      stage.equal(calls, 1, "calls of the one that unregistered");
    },
  },
  ownScenario("C-07", "what listeners get, in each SDK's own order"),
  ownScenario("C-08", "closing is the last change, and the end of what ends"),
  ownScenario("C-09", "the same listener twice is refused", ["node"]),
  ownScenario("C-10", "unregistering what was not registered is nothing", ["node", "cpp"]),
  {
    id: "C-11",
    title: "isConnected needs a connection and an active session",
    facades: ["node"],
    needs: ["isConnected"],
    run: async (stage) => {
      const { session, proxy } = await stage.readyDevice();
      await stage.eventually(() => session.isConnected(), "connected");
      session.pause();
      stage.check(!session.isConnected(), "connected while paused");
      session.resume();
      await stage.eventually(() => session.isConnected(), "connected again");
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      stage.check(session.state() === "active" && !session.isConnected(), "connected without a network");
    },
  },
  ownScenario("C-12", "a collector that is too slow gets an error", ["kotlin"]),
  ownScenario("C-13", "a stream has one listener", ["flutter"]),
  {
    id: "C-14",
    title: "without a network the session stays active, the connection does not",
    run: async (stage) => {
      const { session, proxy } = await stage.readyDevice();
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      stage.equal(session.state(), "active", "state");
    },
  },
  {
    id: "C-15",
    title: "inside the callback the getter answers the new value",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      const pairs: boolean[] = [];
      session.onConnection((_, newState) => pairs.push(session.connection() === newState));
      session.pause();
      await stage.eventually(() => pairs.length === 1, "one change");
      stage.equal(pairs, [true], "getter agrees");
    },
  },
];

export const reconnectScenarios: readonly Scenario[] = [
  {
    id: "M-01",
    title: "reconnect skips the back-off once the network is back",
    run: async (stage) => {
      const { app, session, proxy } = await stage.readyDevice();
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      await stage.sleep(8_000);
      proxy.restore();
      app.reconnectAll();
      await stage.eventually(() => session.connection() === "connected", "connected", 2_000);
    },
  },
  {
    id: "M-10",
    title: "coming back online skips the back-off",
    needs: ["online"],
    run: async (stage) => {
      const { session, proxy } = await stage.readyDevice();
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      await stage.sleep(8_000);
      proxy.restore();
      stage.comeOnline();
      await stage.eventually(() => session.connection() === "connected", "connected", 2_000);
    },
  },
  {
    id: "M-02",
    title: "reconnect while connected changes nothing",
    run: async (stage) => {
      const { app, session, proxy } = await stage.readyDevice();
      const { events } = record(session);
      const connections = proxy.connections();
      app.reconnectAll();
      session.reconnect();
      await stage.sleep(500);
      stage.equal(events, [], "events");
      stage.equal(proxy.connections(), connections, "connections");
    },
  },
  {
    id: "M-03",
    title: "reconnect while paused leaves it paused",
    run: async (stage) => {
      const { app, session } = await stage.readyDevice();
      session.pause();
      app.reconnectAll();
      await stage.sleep(300);
      stage.equal(session.state(), "inactive", "state");
      stage.equal(session.connection(), "disconnected", "connection");
    },
  },
  {
    id: "M-04",
    title: "reconnect without a realm is nothing",
    run: async (stage) => {
      (await stage.device()).app.reconnectAll();
    },
  },
  {
    id: "M-05",
    title: "reconnect reaches every session of the app",
    run: async (stage) => {
      const device = await stage.device();
      const realms = [await device.open({ path: "first" }), await device.open({ path: "second" })];
      const sessions = realms.map((realm) => stage.session(realm));
      for (const session of sessions) await stage.eventually(() => session.connection() === "connected", "connected");
      device.proxy.cut();
      for (const session of sessions) await stage.eventually(() => session.connection() !== "connected", "cut");
      await stage.sleep(4_000);
      device.proxy.restore();
      device.app.reconnectAll();
      for (const session of sessions) {
        await stage.eventually(() => session.connection() === "connected", "connected again", 2_000);
      }
    },
  },
  {
    id: "M-06",
    title: "two realms of one user share a connection",
    facades: ["node", "flutter", "cpp"],
    elsewhere: "M-06b has Kotlin's, which shares none unless told to",
    run: async (stage) => {
      const device = await stage.device();
      for (const path of ["first", "second"]) {
        await (await device.open({ path })).subscriptions().waitSync();
      }
      stage.equal(device.proxy.connections(), 1, "connections");
    },
  },
  {
    id: "M-08",
    title: "two users never share a connection",
    run: async (stage) => {
      const device = await stage.readyDevice();
      const other = await device.app.logIn();
      const realm = await stage.openFor(other, { models: [], subscriptions: [] });
      await stage.eventually(() => stage.session(realm).connection() === "connected", "the other is connected");
      stage.equal(device.proxy.connections(), 2, "connections");
    },
  },
];
