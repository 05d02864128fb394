/**
 * Two devices of one test: one with the Kotlin SDK's native sync client, one with the node facade.
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

export type Side = "kotlin" | "node";
export type Plain = Readonly<Record<string, unknown>>;

/** Longest time until both hold the same after both went online. */
const convergeTimeoutMs = 20_000;

/** Classes that both subscribe to. */
const classes = ["Task", "Person", "Note"] as const;

/** An ObjectId as the Kotlin client writes it. */
export function oid(id: string): { readonly $oid: string } {
  return { $oid: id };
}

/** A link to a person as the Kotlin client writes it. */
export function personLink(id: string): unknown {
  return { $link: { class: "Person", _id: oid(id) } };
}

/** What the node facade tells the application beside its data. */
interface NodeNotes {
  /** Client resets that recovered everything. */
  resets: number;
}

/** The two devices of one test. */
export class Pair {
  readonly kotlin: KotlinClient;
  readonly realm: Realm;
  /** What the node facade told of client resets. */
  readonly node: NodeNotes;

  private constructor(kotlin: KotlinClient, realm: Realm, node: NodeNotes) {
    this.kotlin = kotlin;
    this.realm = realm;
    this.node = node;
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
      const notes = { resets: 0 };
      return new Pair(kotlin, await openNode(serverUrl, appId, join(directory, appId, "node"), notes), notes);
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
    return plainOf(this.realm, className);
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

  /** A person that the node facade writes. */
  insertPerson(id: string, name: string): void {
    const values = { _id: new Realm.BSON.ObjectId(id), owner_id: "me", name, age: 30 };
    this.realm.write(() => this.realm.create("Person", values));
  }

  /** A new device gets the same as this one holds. */
  async checkFresh({ serverUrl, directory }: Setting, appId: string): Promise<void> {
    const fresh = await openNode(serverUrl, appId, join(directory, appId, "fresh"));
    try {
      for (const name of classes) assert.deepEqual(plainOf(fresh, name), this.here(name), `${name} on a new device`);
    } finally {
      fresh.close();
    }
  }

  async end(): Promise<void> {
    this.realm.close();
    await this.kotlin.end();
  }
}

/** A node device that has everything the server has now. */
async function openNode(baseUrl: string, id: string, baseFilePath: string, notes?: NodeNotes): Promise<Realm> {
  const app = new Realm.App({ id, baseUrl, baseFilePath });
  const user = await app.logIn(Realm.Credentials.anonymous(false));
  const onAfter = (): void => {
    if (notes !== undefined) notes.resets += 1;
  };
  const clientReset = { mode: "recoverUnsyncedChanges", onAfter } as const;
  const realm = new Realm({ schema: [...models], sync: { user, flexible: true, clientReset } });
  await realm.subscriptions.update((set) => {
    for (const name of classes) set.add(realm.objects(name), { name });
  });
  return realm;
}

function plainOf(realm: Realm, className: string): readonly Plain[] {
  return [...realm.objects(className).sorted("_id")].map((object) => plainOfNode(object) as Plain);
}
