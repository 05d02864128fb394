/**
 * P: pause and resume.
 *
 * @module
 */
import { dog, type Stage } from "../harness/stage.js";
import type { TestRealm } from "../adapter.js";
import type { Scenario } from "../scenario.js";
import { forgottenDevice } from "./forgotten.js";

/** What each SDK calls a paused session. */
const pausedWords = { node: "inactive", kotlin: "PAUSED", flutter: "inactive", cpp: "paused" } as const;

/** The pause of a session outlasts another opening of its file. */
async function lastsOverOpening(stage: Stage): Promise<void> {
  const device = await stage.readyDevice();
  device.session.pause();
  const second = await device.open();
  stage.equal(stage.session(second).state(), "inactive", "state");
  await stage.eventually(() => device.proxy.connections() === 0, "the connection is gone");
  await stage.sleep(300);
  stage.equal([device.session.state(), device.proxy.connections()], ["inactive", 0], "state and connections");
}

export const pauseScenarios: readonly Scenario[] = [
  {
    id: "P-01",
    title: "pause is there at once: inactive and disconnected",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      session.pause();
      stage.equal(session.state(), "inactive", "state");
      stage.oneOf<string>(session.rawState(), pausedWords, "the SDK's word for it");
      stage.equal(session.connection(), "disconnected", "connection");
    },
  },
  {
    id: "P-02",
    title: "resume is active at once and connects",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      session.pause();
      const seen: string[] = [];
      session.onConnection((_, newState) => seen.push(newState));
      session.resume();
      stage.equal(session.state(), "active", "state");
      await stage.eventually(() => seen.includes("connected"), "connected");
      stage.equal(seen.slice(-2), ["connecting", "connected"], "the way to connected");
    },
  },
  {
    id: "P-03",
    title: "three pauses are one",
    run: async (stage) => {
      const { session } = await stage.readyDevice();
      const events: string[] = [];
      session.onConnection((oldState, newState) => events.push(`${oldState}→${newState}`));
      for (let i = 0; i < 3; i += 1) session.pause();
      await stage.eventually(() => events.length > 0, "the change is told");
      await stage.sleep(200);
      stage.equal(events, ["connected→disconnected"], "events");
    },
  },
  {
    id: "P-04",
    title: "resuming an active session does nothing",
    run: async (stage) => {
      const { session, proxy } = await stage.readyDevice();
      const connections = proxy.connections();
      let events = 0;
      session.onConnection(() => (events += 1));
      for (let i = 0; i < 3; i += 1) session.resume();
      await stage.sleep(300);
      stage.equal(events, 0, "events");
      stage.equal(proxy.connections(), connections, "connections");
    },
  },
  {
    id: "P-05",
    title: "what is written while paused does not reach the server",
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      writer.session.pause();
      writer.realm.write(() => writer.realm.create("Dog", dog(1)));
      await stage.sleep(2_000);
      await reader.session.waitDown();
      stage.equal(reader.realm.count("Dog"), 0, "dogs at the reader");
      stage.equal(writer.realm.count("Dog"), 1, "dogs at the writer");
    },
  },
  {
    id: "P-06",
    title: "what others write while paused is not received",
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      reader.session.pause();
      writer.realm.write(() => writer.realm.create("Dog", dog(1)));
      await writer.session.waitUp();
      await stage.sleep(500);
      stage.equal(reader.realm.count("Dog"), 0, "dogs at the paused device");
    },
  },
  {
    id: "P-07",
    title: "after resume both directions flow and both are equal",
    run: async (stage) => {
      const [first, second] = [await stage.readyDevice(), await stage.readyDevice()];
      first.session.pause();
      first.realm.write(() => first.realm.create("Dog", dog(1)));
      second.realm.write(() => second.realm.create("Dog", dog(2)));
      await second.session.waitUp();
      first.session.resume();
      await stage.settle(first.session, second.session);
      stage.equal(first.realm.keys("Dog"), [1, 2], "the one that paused");
      stage.equal(second.realm.keys("Dog"), [1, 2], "the other");
    },
  },
  {
    id: "P-08",
    title: "fifty pauses and resumes end connected with the data intact",
    run: async (stage) => {
      const { session, realm } = await stage.readyDevice();
      for (let i = 0; i < 50; i += 1) {
        realm.write(() => realm.create("Dog", dog(i)));
        session.pause();
        session.resume();
      }
      stage.equal(await session.waitUp(), "done", "upload");
      stage.equal(session.state(), "active", "state");
      await stage.eventually(() => session.connection() === "connected", "connected");
      const reader = await stage.readyDevice();
      stage.equal(reader.realm.count("Dog"), 50, "dogs that reached the server");
    },
  },
  {
    id: "P-09",
    title: "a pause lasts when a second instance is opened",
    facades: ["kotlin", "flutter", "cpp"],
    elsewhere: "P-10 is the same for Node",
    run: lastsOverOpening,
  },
  {
    id: "P-10",
    title: "a pause lasts when a second instance is opened, where the SDK's own would not",
    facades: ["node"],
    elsewhere: "P-09 is the same for the others",
    run: lastsOverOpening,
  },
  {
    id: "P-11",
    title: "a pause lasts over frozen copies and writes",
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      session.pause();
      const thaw = stage.adapter.capabilities.has("freeze") ? realm.freeze() : (): void => undefined;
      realm.write(() => realm.create("Dog", dog(1)));
      await stage.eventually(() => proxy.connections() === 0, "the connection is gone");
      await stage.sleep(300);
      stage.equal([session.state(), session.connection()], ["inactive", "disconnected"], "state and connection");
      stage.equal(proxy.connections(), 0, "connections");
      thaw();
    },
  },
  {
    id: "P-12",
    title: "pause, close, open again: active",
    run: async (stage) => {
      const device = await stage.readyDevice();
      device.session.pause();
      device.realm.close();
      const again = await device.open();
      stage.equal(stage.session(again).state(), "active", "state");
      await stage.eventually(() => stage.session(again).connection() === "connected", "connected");
    },
  },
  {
    id: "P-14",
    title: "pause and resume skip a back-off that is running",
    run: async (stage) => {
      const { session, proxy } = await stage.readyDevice();
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      // Long enough for several failed attempts, so that the next one would be seconds away.
      await stage.sleep(8_000);
      proxy.restore();
      session.pause();
      session.resume();
      await stage.eventually(() => session.connection() === "connected", "connected", 2_000);
    },
  },
  {
    id: "P-15",
    title: "a pause in the middle of the first download does no harm",
    run: async (stage) => {
      const writer = await stage.readyDevice();
      writer.realm.write(() => {
        for (let key = 0; key < 500; key += 1) writer.realm.create("Dog", dog(key, `dog ${key} ${"x".repeat(200)}`));
      });
      await writer.session.waitUp();
      const device = await stage.device();
      device.proxy.slow(30_000);
      const realm = await device.open();
      const session = stage.session(realm);
      for (let i = 0; i < 4; i += 1) {
        await stage.sleep(150);
        session.pause();
        await stage.sleep(20);
        session.resume();
      }
      device.proxy.restore();
      await realm.subscriptions().waitSync();
      stage.equal(realm.count("Dog"), 500, "dogs");
      stage.equalSubscriptionState(realm, "complete");
    },
  },
  {
    id: "P-16",
    title: "a pause just before closing, or while what is left is uploaded, does no harm",
    run: async (stage) => {
      const [device, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      const write = (realm: TestRealm, key: number): void => realm.write(() => realm.create("Dog", dog(key)));
      write(device.realm, 1);
      device.session.pause();
      device.realm.close();
      const second = await device.open();
      await stage.eventually(() => reader.realm.count("Dog") === 1, "the next opening uploads");
      const session = stage.session(second);
      device.proxy.blackhole();
      write(second, 2);
      second.close();
      if (stage.adapter.capabilities.has("sessionOutlivesRealm")) session.pause();
      device.proxy.restore();
      const third = await device.open();
      stage.equal(stage.session(third).state(), "active", "state of the third opening");
      await stage.eventually(() => reader.realm.count("Dog") === 2, "the third opening uploads");
    },
  },
  {
    id: "P-17",
    title: "a pause that the server does not remember ends with a client reset",
    run: async (stage) => {
      let isReset = false;
      const onAfter = (): void => void (isReset = true);
      const { realm, session } = await forgottenDevice(stage, { reset: { mode: "recover", onAfter } });
      session.resume();
      await stage.eventually(() => isReset, "the reset is done");
      stage.equal([await session.waitUp(), await session.waitDown()], ["done", "done"], "waits");
      stage.equal([realm.keys("Dog"), session.state()], [[1, 3], "active"], "dogs and state");
    },
  },
  {
    id: "P-13",
    title: "a pause lasts over logging out and in again",
    run: async (stage) => {
      const device = await stage.device();
      const user = await device.app.logIn("someone@example.com");
      const realm = await stage.openFor(user);
      await realm.subscriptions().waitSync();
      const session = stage.session(realm);
      session.pause();
      await device.app.logOut(user);
      await device.app.logIn("someone@example.com");
      await stage.sleep(300);
      stage.equal(session.state(), "inactive", "state");
      session.resume();
      await stage.eventually(() => session.connection() === "connected", "connected after resuming");
    },
  },
];
