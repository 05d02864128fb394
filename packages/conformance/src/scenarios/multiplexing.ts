/**
 * M: sharing connections, and connections that are silent.
 *
 * @module
 */

import { dog } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";

export const multiplexingScenarios: readonly Scenario[] = [
  {
    id: "M-06b",
    title: "two realms of one user share a connection where that is wanted, and else have two",
    facades: ["node", "kotlin"],
    elsewhere: "the Flutter and C++ SDKs always share, see M-06",
    needs: ["multiplexKnob"],
    run: async (stage) => {
      for (const [isMultiplexed, connections] of [
        [true, 1],
        [false, 2],
      ] as const) {
        const device = await stage.device({ isMultiplexed });
        for (const path of ["first", "second"]) await (await device.open({ path })).subscriptions().waitSync();
        stage.equal(device.proxy.connections(), connections, `connections, shared: ${isMultiplexed}`);
      }
    },
  },
  {
    id: "M-07",
    title: "sharing connections cannot be begun when there was a session",
    facades: ["node"],
    needs: ["multiplexKnob"],
    run: async (stage) => {
      const device = await stage.device({ isMultiplexed: false });
      await (await device.open()).subscriptions().waitSync();
      const { message } = await stage.rejection(
        Promise.resolve().then(() => device.app.enableMultiplexing?.()),
        "sharing",
      );
      stage.equal(message, "Cannot enable session multiplexing after creating the sync client", "message");
    },
  },
  {
    id: "M-09",
    title: "a connection that has fallen silent stays until its time is over, whatever is asked; then there is another",
    isSlow: true,
    timeoutMs: 200_000,
    run: async (stage) => {
      const { app, realm, session, proxy } = await stage.readyDevice();
      const events: string[] = [];
      session.onConnection((_, newState) => events.push(newState));
      proxy.blackhole();
      realm.write(() => realm.create("Dog", dog(1)));
      app.reconnectAll();
      await stage.sleep(10_000);
      stage.equal(events, [], "changes of the connection");
      await stage.eventually(() => events.includes("disconnected"), "the silence is noticed", 150_000);
      proxy.restore();
      await stage.eventually(() => session.connection() === "connected", "connected again", 20_000);
      stage.equal(await session.waitUp(), "done", "upload");
    },
  },
];
