/**
 * The Kotlin SDK's native sync client and the node facade edit the same objects offline and converge.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Realm, type Object as RealmObject, type SyncSession } from "@tidemark/node";
import { KotlinClient } from "./kotlin-client.js";
import { models, type Task } from "./models.js";
import { plainOfKotlin, plainOfNode } from "./plain.js";
import type { Setting } from "./scripts.js";

type Side = "kotlin" | "node";
type Plain = Readonly<Record<string, unknown>>;

/** Longest time until both hold the same after both went online. */
const convergeTimeoutMs = 20_000;
/** How far apart the two sides' edits are: the later of two assignments wins, and it is the node facade's. */
const laterMs = 20;

const taskId = "64c000000000000000000001";
const otherId = "64c000000000000000000002";
const ada = "64c0000000000000000000a1";
const grace = "64c0000000000000000000a2";
const edsger = "64c0000000000000000000a3";
const classes = ["Task", "Person", "Note"];

const oid = (id: string): { $oid: string } => ({ $oid: id });
const personLink = (id: string): unknown => ({ $link: { class: "Person", _id: oid(id) } });

/** The two devices of one test. */
class Pair {
  readonly kotlin: KotlinClient;
  readonly realm: Realm;

  private constructor(kotlin: KotlinClient, realm: Realm) {
    this.kotlin = kotlin;
    this.realm = realm;
  }

  /** Two devices of two users that both subscribe to everything. */
  static async open({ client, serverUrl, directory }: Setting, appId: string): Promise<Pair> {
    const kotlin = new KotlinClient(client, directory);
    try {
      await kotlin.run({ cmd: "app", appId, baseUrl: serverUrl, dir: join(directory, appId, "kotlin") });
      await kotlin.run({ cmd: "login", provider: "anon" });
      const subscriptions = classes.map((name) => ({ class: name, name }));
      await kotlin.run({ cmd: "open", classes: [...classes, "Address", "Step"], subscriptions });
      assert.equal(await kotlin.run({ cmd: "waitForSubscriptions" }), true);
      const app = new Realm.App({ id: appId, baseUrl: serverUrl, baseFilePath: join(directory, appId, "node") });
      const user = await app.logIn(Realm.Credentials.anonymous(false));
      const realm = new Realm({ schema: [...models], sync: { user, flexible: true } });
      await realm.subscriptions.update((set) => {
        for (const name of classes) set.add(realm.objects(name), { name });
      });
      return new Pair(kotlin, realm);
    } catch (error) {
      await kotlin.end();
      throw error;
    }
  }

  get #session(): SyncSession {
    const session = this.realm.syncSession;
    assert.ok(session);
    return session;
  }

  async goOffline(): Promise<void> {
    await this.kotlin.run({ cmd: "pause" });
    this.#session.pause();
  }

  /** Brings both back, one first, and waits until they hold the same. */
  async comeBack(first: Side): Promise<void> {
    const sides: readonly Side[] = first === "kotlin" ? ["kotlin", "node"] : ["node", "kotlin"];
    for (const side of sides) {
      if (side === "kotlin") await this.kotlin.run({ cmd: "resume" });
      else this.#session.resume();
      await this.upload(side);
    }
    await this.download();
    await this.converge();
  }

  async upload(side: Side): Promise<void> {
    if (side === "node") await this.#session.uploadAllLocalChanges();
    else assert.equal(await this.kotlin.run({ cmd: "upload" }), true);
  }

  async download(): Promise<void> {
    assert.equal(await this.kotlin.run({ cmd: "download" }), true);
    await this.#session.downloadAllServerChanges();
  }

  /** Both hold the same objects, sooner or later, and nobody was told of an error. */
  async converge(): Promise<void> {
    const deadlineMs = performance.now() + convergeTimeoutMs;
    for (const name of classes) {
      for (;;) {
        const [here, there] = [this.here(name), await this.there(name)];
        if (isDeepStrictEqual(here, there)) break;
        if (performance.now() > deadlineMs) assert.deepEqual(here, there, `${name}: node facade, then Kotlin client`);
        await sleep(100);
      }
    }
    assert.deepEqual(this.kotlin.syncErrors, []);
  }

  /** Objects of a class on the node facade. */
  here(className: string): readonly Plain[] {
    return [...this.realm.objects(className).sorted("_id")].map((object) => plainOfNode(object) as Plain);
  }

  /** Objects of a class on the Kotlin client. */
  async there(className: string): Promise<readonly Plain[]> {
    const query = "TRUEPREDICATE SORT(_id ASC)";
    return plainOfKotlin(await this.kotlin.run({ cmd: "query", class: className, query })) as readonly Plain[];
  }

  task(id: string): RealmObject & Task {
    const task = this.realm.objectForPrimaryKey("Task", new Realm.BSON.ObjectId(id));
    assert.ok(task, `task ${id} is not on the node facade`);
    return task as unknown as RealmObject & Task;
  }

  person(id: string): RealmObject {
    const person = this.realm.objectForPrimaryKey("Person", new Realm.BSON.ObjectId(id));
    assert.ok(person, `person ${id} is not on the node facade`);
    return person;
  }

  async end(): Promise<void> {
    this.realm.close();
    await this.kotlin.end();
  }
}

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
  } finally {
    await pair.end();
  }
}

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
];
