import { afterEach, beforeEach, expect, test } from "vitest";
import type { Engine } from "../engine.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject } from "./create.js";
import { aggregateOf, Results } from "./results.js";

const engine: Engine = createNodeEngine(plainConventions);

const person = classOf("Person", "int", property("full_name", "string", { publicName: "name" }));
const dog = classOf(
  "Dog",
  "int",
  property("age", "int"),
  property("owner", "link", { isNullable: true, target: "Person" }),
);

let file: RealmFile;
let lastMemory = 0;

beforeEach(() => {
  lastMemory += 1;
  file = engine.open({
    path: `/results-${lastMemory}`,
    isInMemory: true,
    isReadOnly: false,
    classes: [person, dog],
  });
  file.database.beginWrite();
  for (const [_id, age, name] of [
    [1, 4, "Zoe"],
    [2, 7, "Ada"],
    [3, 4, "Bea"],
  ] as const) {
    create("Dog", { _id, age, owner: { _id, name } });
  }
  file.database.commitWrite();
});

afterEach(() => file.close());

function create(className: string, values: Readonly<Record<string, unknown>>): void {
  const { database } = file;
  const layout = database.layout(className);
  if (layout === undefined) throw new Error(`no class ${className}`);
  createObject(database, layout, values, "never");
}

function dogs(database = file.database): Results {
  const layout = database.layout("Dog");
  if (layout === undefined) throw new Error("no class Dog");
  return new Results(database, layout, { kind: "class" }, []);
}

function keysOf(results: Results): unknown[] {
  const { primaryKey } = results.layout;
  return [...results.objects()].map((object) => (primaryKey === undefined ? undefined : object.get(primaryKey)));
}

test("an order goes by the names of the application, through links too", () => {
  expect(keysOf(dogs().sorted([{ keyPath: "owner.name", isDescending: false }]))).toEqual([2, 3, 1]);
  const byAge = { keyPath: "age", isDescending: true };
  expect(keysOf(dogs().sorted([byAge, { keyPath: "_id", isDescending: true }]))).toEqual([2, 3, 1]);
  expect(keysOf(dogs().sorted([]))).toEqual([1, 2, 3]);
  expect(() => dogs().sorted([{ keyPath: "weight", isDescending: false }])).toThrow("weight");
});

test("of objects with equal values the first one stays; a limit takes the first ones", () => {
  expect(keysOf(dogs().distinct(["age"]))).toEqual([1, 2]);
  expect(keysOf(dogs().limited(2))).toEqual([1, 2]);
});

test("what a property comes to", () => {
  const all = dogs();
  expect([all.aggregate("min", "age"), all.aggregate("max", "age"), all.aggregate("sum", "age")]).toEqual([4, 7, 15]);
  expect(all.aggregate("avg", "age")).toBe(5);
  const none = all.limited(0);
  expect([none.aggregate("min", "age"), none.aggregate("avg", "age"), none.aggregate("sum", "age")]).toEqual([
    undefined,
    undefined,
    0,
  ]);
  expect(() => all.aggregate("sum", "weight")).toThrow("Property 'weight' does not exist on 'Dog'");
});

test("sums of integers beyond 2^53 are exact; what is no number does not count", () => {
  expect(aggregateOf("sum", [2n ** 60n, 1, null])).toBe(2n ** 60n + 1n);
  expect(aggregateOf("max", [new Date(5), null, new Date(9)])).toEqual(new Date(9));
});

test("what is frozen does not move with the file", () => {
  const frozen = engine.freeze(file);
  file.database.beginWrite();
  create("Dog", { _id: 4, age: 1, owner: null });
  expect(() => engine.freeze(file)).toThrow("Cannot freeze a Realm while it is in a write transaction.");
  file.database.commitWrite();
  expect(keysOf(dogs(frozen.database))).toEqual([1, 2, 3]);
  expect(keysOf(dogs())).toEqual([1, 2, 3, 4]);
  expect(() => frozen.database.beginWrite()).toThrow("read-only");
  frozen.close();
});
