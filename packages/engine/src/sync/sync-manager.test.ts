import { beforeEach, expect, test } from "vitest";
import { SessionRig } from "../testing/session-rig.js";

let rig: SessionRig;

beforeEach(() => {
  rig = new SessionRig();
});

/** Whether the process stays alive now. */
function isKept(): boolean {
  return rig.kept.at(-1) ?? false;
}

function finish(): void {
  rig.emit({ type: "finished", session: rig.session.id, generation: rig.generation });
}

test("an open realm keeps the process, a closed one until everything is uploaded", async () => {
  rig.connect();
  await rig.host.advance(60_000);
  expect(isKept()).toBe(true);
  rig.session.detach();
  await rig.host.advance(1_000);
  expect(isKept()).toBe(true);
  finish();
  await rig.host.run();
  expect([isKept(), rig.host.timerCount]).toEqual([false, 0]);
});

test("uploads that come to no end keep the process for ten seconds", async () => {
  rig.connect();
  rig.session.detach();
  await rig.host.advance(9_999);
  expect(isKept()).toBe(true);
  await rig.host.advance(1);
  expect(isKept()).toBe(false);
});

test("a realm opened after that keeps the process again", async () => {
  rig.connect();
  rig.session.detach();
  await rig.host.advance(10_000);
  rig.manager.session("/other", rig.options).attach(rig.file, rig.options);
  expect(isKept()).toBe(true);
  rig.manager.session("/other", rig.options).detach();
  expect(isKept()).toBe(true);
});

test("a session that is resumed after its realm was closed keeps the process no longer than its uploads might", async () => {
  rig.connect();
  rig.session.detach();
  rig.session.resume();
  rig.connect();
  expect(rig.session.state).toBe("active");
  await rig.host.advance(9_999);
  expect(isKept()).toBe(true);
  await rig.host.advance(1);
  expect(isKept()).toBe(false);
});

test("a session that never stops does not keep the process when its realm is closed", () => {
  rig = new SessionRig({ stopPolicy: "never" });
  rig.connect();
  rig.session.detach();
  expect([rig.session.state, isKept()]).toEqual(["active", false]);
});
