/**
 * The Kotlin SDK's native sync client and the node facade edit the same objects offline and converge.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { oid, Pair, personLink, type Plain, type Side } from "./pair.js";
import { editRandomly } from "./random.js";
import type { Setting } from "./scripts.js";

/** How far apart the two sides' edits are: the later of two assignments wins, and it is the node facade's. */
const laterMs = 20;

const taskId = "64c000000000000000000001";
const otherId = "64c000000000000000000002";
const ada = "64c0000000000000000000a1";
const grace = "64c0000000000000000000a2";
const edsger = "64c0000000000000000000a3";

/** What the Kotlin client writes before both go offline. */
function startingObjects(): unknown[] {
  const task = {
    owner_id: "me",
    summary: "both",
    tags: ["a", "b", "c"],
    counter: 10,
    labels: ["red", "blue"],
    attributes: { k: "v", l: "w" },
    steps: [{ title: "one" }, { title: "two" }],
    place: { city: "Aarhus" },
    assignee: personLink(ada),
    watchers: [personLink(ada), personLink(grace)],
    anything: [1, "two"],
    extra: "text",
    estimate: { $numberDecimal: "12.50" },
    token: { $uuid: "00112233-4455-6677-8899-aabbccddeeff" },
    due: { $date: 1_700_000_000_123 },
    blob: { $binary: "AQID" },
    ratio: 0.5,
    score: 1.25,
  };
  const people = Object.entries({ [ada]: "Ada", [grace]: "Grace", [edsger]: "Edsger" });
  return [
    ...people.map(([id, name]) => ({ op: "insert", class: "Person", value: { _id: oid(id), owner_id: "me", name } })),
    ...[taskId, otherId].map((id) => ({ op: "insert", class: "Task", value: { ...task, _id: oid(id) } })),
  ];
}

/** An edit of the first task, in the real client's words. */
function edit(op: string, fields: Plain): unknown {
  return { op, class: "Task", _id: oid(taskId), ...fields };
}

const kotlinEdits: readonly unknown[] = [
  edit("list", { field: "tags", action: "insert", index: 0, value: "kotlin" }),
  edit("list", { field: "tags", action: "remove", index: 2 }),
  edit("update", { value: { summary: "kotlin", isComplete: true, assignee: personLink(grace), extra: 3 } }),
  edit("increment", { field: "counter", by: 5 }),
  edit("set", { field: "labels", action: "add", value: "kotlin" }),
  edit("set", { field: "labels", action: "remove", value: "red" }),
  edit("dictionary", { field: "attributes", action: "put", key: "k", value: "kotlin" }),
  edit("dictionary", { field: "attributes", action: "put", key: "kotlin", value: "new" }),
  edit("dictionary", { field: "attributes", action: "remove", key: "l" }),
  edit("embedded", { field: "steps", index: 0, value: { done: true } }),
  edit("list", { field: "steps", action: "add", value: { title: "kotlin" } }),
  edit("embedded", { field: "place", value: { street: "kotlin", zip: 8000 } }),
  edit("list", { field: "watchers", action: "remove", index: 0 }),
  edit("list", { field: "anything", action: "add", value: "kotlin" }),
  { op: "delete", class: "Task", _id: oid(otherId) },
  { op: "delete", class: "Person", _id: oid(edsger) },
  { op: "insert", class: "Note", value: { _id: "shared", owner_id: "kotlin", text: "from kotlin" } },
];

function makeNodeEdits(pair: Pair): void {
  const { realm } = pair;
  realm.write(() => {
    const task = pair.task(taskId);
    task.tags.push("node");
    task.tags.move(0, 2);
    task.summary = "node";
    task.counter.increment(7);
    task.labels.add("node");
    task.labels.delete("red");
    task.attributes["k"] = "node";
    task.attributes["node"] = "new";
    const [first, second] = task.steps;
    assert.ok(first && second && task.place);
    first.title = "node";
    realm.delete(second);
    task.place.zip = 9000;
    task.watchers.push(pair.person(edsger));
    (task.anything as { [position: number]: unknown })[0] = pair.person(ada);
    task.extra = "node";
    const other = pair.task(otherId);
    other.isComplete = true;
    other.assignee = pair.person(edsger);
    realm.create("Note", { _id: "shared", owner_id: "node", text: "from node" });
    realm.create("Note", { _id: "node", owner_id: "node", text: "only here" });
  });
}

/** What both must hold afterwards, whoever uploads first. */
function checkEdits(pair: Pair): void {
  const [task, ...others] = pair.here("Task");
  assert.deepEqual(others, [], "an erased task is gone, whatever was edited in it");
  assert.ok(task);
  assert.equal(task["summary"], "node");
  assert.equal(task["isComplete"], true);
  assert.equal(task["counter"], 22);
  assert.deepEqual(task["labels"], ["blue", "kotlin", "node"]);
  assert.deepEqual(task["attributes"], { k: "node", kotlin: "new", node: "new" });
  assert.deepEqual([...(task["tags"] as string[])].sort(), ["a", "c", "kotlin", "node"]);
  assert.deepEqual(task["place"], { city: "Aarhus", street: "kotlin", zip: 9000 });
  assert.deepEqual(task["steps"], [
    { done: true, title: "node" },
    { done: false, title: "kotlin" },
  ]);
  assert.deepEqual(task["assignee"], personLink(grace));
  assert.deepEqual(task["watchers"], [personLink(grace)], "a link to an erased object is not seen");
  assert.deepEqual(task["anything"], [personLink(ada), "two", "kotlin"]);
  assert.equal(task["extra"], "node");
  const { estimate, token, due, blob, ratio, score } = task;
  assert.deepEqual(
    [estimate, token, due, blob, ratio, score],
    [
      { $numberDecimal: "12.50" },
      { $uuid: "00112233-4455-6677-8899-aabbccddeeff" },
      { $date: 1_700_000_000_123 },
      { $binary: "AQID" },
      0.5,
      1.25,
    ],
  );
  assert.deepEqual(
    pair.here("Note").map((note) => note["_id"]),
    ["node", "shared"],
  );
}

async function editApart(setting: Setting, first: Side): Promise<void> {
  const pair = await Pair.open(setting, `together-${first}`);
  try {
    await pair.kotlin.run({ cmd: "write", ops: startingObjects() });
    await pair.upload("kotlin");
    await pair.download();
    await pair.converge();
    assert.equal(pair.here("Task").length, 2);
    await pair.goOffline();
    await pair.kotlin.run({ cmd: "write", ops: kotlinEdits });
    await sleep(laterMs);
    makeNodeEdits(pair);
    await pair.comeBack(first);
    checkEdits(pair);
    await pair.checkFresh(setting, `together-${first}`);
  } finally {
    await pair.end();
  }
}

/** How many random histories run: more where there is time. */
const histories = process.env["TIDEMARK_SLOW"] === "1" ? 30 : 2;

/** The joint tests. */
export const jointTests: readonly { readonly title: string; readonly run: (setting: Setting) => Promise<void> }[] = [
  {
    title: "the Kotlin client and the node facade edit the same objects offline and converge; Kotlin uploads first",
    run: async (setting) => editApart(setting, "kotlin"),
  },
  {
    title: "the Kotlin client and the node facade edit the same objects offline and converge; node uploads first",
    run: async (setting) => editApart(setting, "node"),
  },
  ...Array.from({ length: histories }, (_, index) => index + 1).map((seed) => ({
    title: `the Kotlin client and the node facade make random edits offline and converge; seed ${seed}`,
    run: async (setting: Setting) => editRandomly(setting, seed),
  })),
];
