/**
 * The Kotlin SDK's native sync client and the node facade after the server was restored from a backup: both are told to
 * start over, and both bring back what they wrote offline.
 *
 * The client's own way of resetting is `recoverOrDiscard`; its commands offer no other.
 *
 * @module
 */

import assert from "node:assert/strict";
import { oid, Pair, type Side } from "./pair.js";
import type { Setting } from "./scripts.js";

const ids = {
  kept: "64c0000000000000000000b1",
  forgotten: "64c0000000000000000000b2",
  kotlin: "64c0000000000000000000b3",
  node: "64c0000000000000000000b4",
} as const;

/** A person that the Kotlin client writes. */
async function insert(pair: Pair, id: string, name: string): Promise<void> {
  const value = { _id: oid(id), owner_id: "me", name };
  await pair.kotlin.run({ cmd: "write", ops: [{ op: "insert", class: "Person", value }] });
}

async function resetBoth(setting: Setting, first: Side): Promise<void> {
  const appId = `reset-${first}`;
  const pair = await Pair.open(setting, appId);
  try {
    await insert(pair, ids.kept, "Ada");
    await pair.upload("kotlin");
    await pair.download();
    await pair.goOffline();
    await setting.server.backUp(appId);
    await pair.comeBack("kotlin");
    await insert(pair, ids.forgotten, "Grace");
    await pair.upload("kotlin");
    await pair.download();
    await pair.converge();
    await pair.goOffline();
    await setting.server.restore(appId);
    await insert(pair, ids.kotlin, "Edsger");
    const update = { op: "update", class: "Person", _id: oid(ids.kept), value: { name: "Ada L." } };
    await pair.kotlin.run({ cmd: "write", ops: [update] });
    pair.insertPerson(ids.node, "Barbara");
    await pair.comeBack(first);
    await pair.download();
    await pair.converge();
    assert.deepEqual(
      pair.here("Person").map((person) => person["name"]),
      ["Ada L.", "Edsger", "Barbara"],
    );
    const told = pair.kotlin.events.filter(({ event }) => event === "beforeReset" || event === "afterReset");
    assert.deepEqual(
      told.map((event) => [event.event, (event as { readonly recovered?: boolean }).recovered]),
      [
        ["beforeReset", undefined],
        ["afterReset", true],
      ],
    );
    assert.equal(pair.node.resets, 1);
    await pair.checkFresh(setting, appId);
  } finally {
    await pair.end();
  }
}

/** The tests of client resets. */
export const resetTests: readonly { readonly title: string; readonly run: (setting: Setting) => Promise<void> }[] = [
  {
    title: "a client reset: the Kotlin client and the node facade bring back what they wrote offline; Kotlin first",
    run: async (setting) => resetBoth(setting, "kotlin"),
  },
  {
    title: "a client reset: the Kotlin client and the node facade bring back what they wrote offline; node first",
    run: async (setting) => resetBoth(setting, "node"),
  },
];
