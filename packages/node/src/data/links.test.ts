/**
 * Links that are made while earlier mutations of the transaction have not been sent to the core yet.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Realm } from "../realm.js";

let directory = "";
let realm: Realm;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tidemark-links-"));
  realm = new Realm({
    path: join(directory, "links.realm"),
    schema: [
      {
        name: "Dog",
        primaryKey: "_id",
        properties: { _id: "int", name: "string", friend: "Dog", anything: "mixed", list: "Dog[]", mixed: "mixed{}" },
      },
    ],
  });
  realm.write(() => {
    for (const _id of [1, 2]) realm.create("Dog", { _id, name: `dog ${_id}` });
  });
});

afterEach(() => {
  realm.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Dog {
  _id: number;
  name: string;
  friend: Dog | null;
  anything: unknown;
  list: Dog[];
  mixed: Record<string, unknown>;
}

function find(key: number): Dog {
  const dog = realm.objectForPrimaryKey<Dog>("Dog", key);
  if (dog === null) throw new Error(`no dog ${key}`);
  return dog;
}

/** Every way to assign a link. */
const assignments: readonly [string, (from: Dog, to: Dog) => void, (from: Dog) => unknown][] = [
  ["a property", (from, to) => (from.friend = to), (from) => from.friend],
  ["a mixed property", (from, to) => (from.anything = to), (from) => from.anything],
  ["an element", (from, to) => from.list.push(to), (from) => from.list[0]],
  ["a dictionary's value", (from, to) => (from.mixed["k"] = to), (from) => from.mixed["k"]],
];

test.each(assignments)("%s may link to an object that was changed just before", (_, assign, read) => {
  realm.write(() => {
    const [first, second] = [find(1), find(2)];
    second.name = "changed";
    assign(first, second);
    first.name = "after";
  });
  expect((read(find(1)) as Dog).name).toBe("changed");
  expect(find(1).name).toBe("after");
});

test.each(assignments)("%s may link to its own object", (_, assign, read) => {
  realm.write(() => {
    const dog = find(1);
    dog.name = "narcissus";
    assign(dog, dog);
  });
  expect((read(find(1)) as Dog).name).toBe("narcissus");
});
