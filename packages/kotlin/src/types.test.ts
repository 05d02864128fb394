// What must compile, and what must not: the compiler checks this file, and nothing of it needs to run.
import { expect, test } from "vitest";
import type { RealmAny } from "./data/any.js";
import type { RealmInstant } from "./data/instant.js";
import type { RealmList } from "./data/list.js";
import { RealmObject, realmObject } from "./data/object.js";
import type { RealmResults } from "./data/results.js";
import type { Realm } from "./realm.js";
import { RealmConfiguration } from "./configuration/realm-configuration.js";
import { type SyncConfiguration, type SyncConfigurationBuilder } from "./configuration/sync-configuration.js";
import type { Realm as RealmType } from "./realm.js";
import { realmSchema } from "./schema/model.js";
import {
  any,
  backlinks,
  ignore,
  instant,
  int,
  list,
  type Long,
  long,
  nullable,
  object,
  primaryKey,
  string,
} from "./schema/property.js";

class Person extends realmObject("Person", {
  _id: primaryKey(int()),
  name: string(),
  boss: object<Person>("Person"),
  tasks: list<Task>("Task"),
}) {}

class Task extends RealmObject {
  static readonly schema = realmSchema("Task", {
    _id: primaryKey(int()),
    title: nullable(string()),
    size: long(),
    due: instant(),
    extra: any(),
    owner: object(() => Person),
    parent: object(() => Task),
    tags: list(string()),
    holders: backlinks(() => Person, "tasks"),
    color: ignore(() => "red"),
  });
  declare _id: number;
  declare title: string | null;
  declare size: Long;
  declare due: RealmInstant;
  declare extra: RealmAny | null;
  declare owner: Person | null;
  declare parent: Task | null;
  declare tags: RealmList<string>;
  declare holders: RealmResults<Person>;
  declare color: string;
}

/** Its field is not what its schema says. */
class Wrong extends RealmObject {
  static readonly schema = realmSchema("Wrong", { _id: primaryKey(int()), name: string() });
  declare _id: number;
  declare name: number;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assertType<_T extends true>(): void {
  // Only its type argument matters.
}

function reads(realm: Realm): void {
  const task = realm.query(Task).find().first();
  assertType<Equal<typeof task, Task>>();
  const person = task.owner?.boss?.tasks.get(0).owner;
  assertType<Equal<typeof person, Person | null | undefined>>();
  assertType<Equal<Person["name"], string>>();
  const size = realm.query(Task).max("size").find();
  assertType<Equal<typeof size, Long | null>>();
  // @ts-expect-error not a property
  void task.nothing;
  // @ts-expect-error not a property
  realm.query(Task).min("nothing");
  // @ts-expect-error not a model
  realm.query(String);
  // @ts-expect-error a number is no text
  task.title = 5;
  // @ts-expect-error an Int is a number
  task._id = 5n;
  // @ts-expect-error not a list of texts
  task.tags.add(1);
}

function writes(realm: RealmType): void {
  const task = realm.writeBlocking((tx) => tx.copyToRealm(new Task()));
  assertType<Equal<typeof task, Task>>();
  void realm.write((tx) => tx.findLatest(task)).then((latest) => assertType<Equal<typeof latest, Task | null>>());
  // @ts-expect-error what is read outside of a transaction has no way to write
  realm.copyToRealm(task);
  // @ts-expect-error not an object
  realm.writeBlocking((tx) => tx.copyToRealm({ _id: 1 }));
}

async function follows(task: Task, tasks: RealmResults<Task>): Promise<void> {
  for await (const change of tasks.asFlow()) {
    // @ts-expect-error the first change has no indexes
    void change.insertions;
    if (change.kind === "UpdatedResults") void change.insertions;
  }
  for await (const change of task.asFlow()) {
    if (change.kind === "DeletedObject") assertType<Equal<typeof change.obj, null>>();
    else assertType<Equal<typeof change.obj, Task>>();
  }
}

declare const builder: SyncConfigurationBuilder<false>;
declare const waiting: SyncConfiguration<true>;

async function opens(open: typeof Realm.open): Promise<void> {
  const atOnce = open(builder.build());
  assertType<Equal<typeof atOnce, Realm>>();
  const later = open(waiting);
  assertType<Equal<typeof later, Promise<Realm>>>();
  assertType<Equal<Awaited<ReturnType<typeof builder.waitForInitialRemoteData>>, SyncConfigurationBuilder<true>>>();
}

test("what compiles is not run", () => {
  expect([reads, writes, follows, opens].every((one) => typeof one === "function")).toBe(true);
});

test("models whose fields differ from their schemas do not compile", () => {
  const schema = RealmConfiguration.create([Task, Person]).schema;
  // @ts-expect-error `name` is a number in the class and a text in the schema
  const wrong = RealmConfiguration.create([Wrong]).schema;
  expect([schema, wrong]).toEqual([[Task, Person], [Wrong]]);
});
