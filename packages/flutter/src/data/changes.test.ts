import { describe, expect, test } from "vitest";
import { RealmException, RealmStateError, StateError } from "../errors.js";
import { int, list, map, object, set, string } from "../model/property.js";
import { SchemaObject } from "../model/schema.js";
import type { Realm } from "../realm.js";
import { turn, useFolder } from "../testing/folder.js";
import type { CollectionChange } from "./changes.js";
import { RealmObject } from "./object.js";

class Dog extends RealmObject.of(SchemaObject("Dog", { name: string().primaryKey(), age: int().defaultsTo(1) })) {}

class Person extends RealmObject.of(
  SchemaObject("Person", {
    id: int().primaryKey(),
    name: string().defaultsTo(""),
    dog: object(() => Dog),
    dogs: list(object(() => Dog)),
    tags: set(string()),
    scores: map(int()),
  }),
) {}

const folder = useFolder();

function withDogs(...names: readonly string[]): Realm {
  const realm = folder.open(Person, Dog);
  realm.write(() => realm.addAll(names.map((name) => new Dog({ name }))));
  return realm;
}

function rex(realm: Realm): Dog {
  return realm.all(Dog).first;
}

describe("changes of results", () => {
  test("begin with none, then name what came, went and changed", async () => {
    const realm = withDogs("a", "b", "c");
    const events: unknown[] = [];
    const results = realm.query(Dog, "name != 'z' SORT(name ASC)");
    const subscription = results.changes.listen(({ results: own, ...changes }) => {
      expect(own).toBe(results);
      events.push(changes);
    });
    await turn();
    realm.write(() => {
      realm.delete(results.elementAt(0));
      realm.add(new Dog({ name: "d" }));
      (realm.find(Dog, "c") as Dog).age = 5;
    });
    await turn();
    realm.write(() => realm.deleteAll(Dog));
    await turn();
    await subscription.cancel();
    realm.write(() => realm.add(new Dog({ name: "e" })));
    await turn();
    const nothing = { inserted: [], deleted: [], modified: [], newModified: [], moved: [], isCleared: false };
    expect(events).toEqual([
      nothing,
      { ...nothing, inserted: [2], deleted: [0], modified: [2], newModified: [1] },
      { ...nothing, deleted: [0, 1, 2], isCleared: true },
    ]);
  });

  test("end with the realm, and are refused of what is frozen", async () => {
    const realm = withDogs("a");
    let isDone = false;
    realm.all(Dog).changes.listen(undefined, { onDone: () => (isDone = true) });
    const loop = (async () => {
      let count = 0;
      for await (const _ of realm.all(Dog).changes) count += 1;
      return count;
    })();
    await turn();
    const frozen = folder.keep(realm.freeze());
    realm.close();
    expect(isDone).toBe(false);
    expect(await loop).toBe(1);
    expect(isDone).toBe(true);
    expect(() => frozen.all(Dog).changes).toThrow(RealmStateError);
  });

  test("one stream has one listener, each getting another", () => {
    const results = withDogs("a").all(Dog);
    const { changes } = results;
    changes.listen();
    expect(() => changes.listen()).toThrow(StateError);
    expect(() => results.changes.listen()).not.toThrow();
  });

  test("for key paths: those must be there", () => {
    const results = withDogs("a").all(Dog);
    expect(() => results.changesFor(["age"])).not.toThrow();
    expect(() => results.changesFor([""])).toThrow("It is not allowed to have empty key paths.");
    expect(() => results.changesFor(["age.none"])).toThrow(RealmException);
  });
});

test("what changes its place is deleted, inserted and moved", async () => {
  const realm = withDogs("a", "b", "c");
  const person = realm.write(() => realm.add(new Person({ id: 1, dogs: realm.all(Dog) })));
  const told: unknown[] = [];
  const note = ({ inserted, deleted, modified, moved }: CollectionChange): void =>
    void told.push({ inserted, deleted, modified, moved });
  realm.query(Dog, "TRUEPREDICATE SORT(age ASC)").changes.listen(note);
  person.dogs.changes.listen(note);
  await turn();
  told.splice(0);
  realm.write(() => (rex(realm).age = 9));
  await turn();
  realm.write(() => person.dogs.move(2, 0));
  await turn();
  expect(told).toEqual([
    { inserted: [2], deleted: [0], modified: [], moved: [{ from: 0, to: 2 }] },
    { inserted: [], deleted: [], modified: [0], moved: [] },
    { inserted: [0], deleted: [2], modified: [], moved: [{ from: 2, to: 0 }] },
  ]);
});

test("changes of results for key paths", async () => {
  const realm = withDogs("a", "b");
  const person = realm.write(() => {
    const made = realm.add(new Person({ id: 1 }));
    made.dog = rex(realm);
    return made;
  });
  const told: unknown[] = [];
  const people = realm.all(Person);
  people.changesFor(["dog.age"]).listen(({ modified }) => told.push(modified));
  people.changes.listen(({ modified }) => told.push(["all", modified]));
  await turn();
  realm.write(() => (person.name = "not told"));
  await turn();
  realm.write(() => (rex(realm).age = 9));
  await turn();
  expect(told).toEqual([[], ["all", []], ["all", [0]], [0], ["all", [0]]]);
  expect(() => people.changesFor(["dog.none"])).toThrow(
    "Property 'none' in KeyPath 'dog.none' is not a valid property in Dog.",
  );
});

describe("changes of objects", () => {
  test("name properties; after the deletion the stream ends", async () => {
    const realm = withDogs("Rex");
    const events: unknown[] = [];
    const dog = rex(realm);
    const onDone = (): void => void events.push("done");
    dog.changes.listen(({ object: own, ...changes }) => events.push([own === dog, changes]), { onDone });
    await turn();
    realm.write(() => (dog.age = 5));
    await turn();
    realm.write(() => realm.delete(dog));
    await turn();
    expect(events).toEqual([
      [true, { properties: [], isDeleted: false }],
      [true, { properties: ["age"], isDeleted: false }],
      [true, { properties: [], isDeleted: true }],
      "done",
    ]);
  });

  test("of some properties", async () => {
    const realm = withDogs("Rex");
    const person = realm.write(() => realm.add(new Person({ id: 1 })));
    const names: string[] = [];
    person.changesFor(["dog.age", "tags"]).listen(({ properties }) => names.push(properties.join()));
    await turn();
    realm.write(() => (person.name = "Ada"));
    await turn();
    realm.write(() => (person.dog = rex(realm)));
    await turn();
    expect(names).toEqual(["", "dog"]);
    expect(() => person.changesFor(["none"])).toThrow(
      "Property 'none' in KeyPath 'none' is not a valid property in Person.",
    );
  });
});

test("changes of lists, sets and maps", async () => {
  const realm = withDogs("a", "b");
  const person = realm.write(() =>
    realm.add(new Person({ id: 1, dogs: realm.all(Dog), tags: ["x"], scores: { m: 1 } })),
  );
  const events: Record<string, unknown>[] = [];
  const { dogs } = person;
  dogs.changes.listen(({ list: own, deleted, isCleared, isCollectionDeleted }) =>
    events.push({ list: own === dogs, deleted, isCleared, isCollectionDeleted }),
  );
  person.tags.changes.listen(({ inserted, isCleared, isCollectionDeleted }) =>
    events.push({ set: inserted, isCleared, isCollectionDeleted }),
  );
  person.scores.changes.listen(({ inserted, modified, deleted, isCleared, isCollectionDeleted }) =>
    events.push({ map: [inserted, modified, deleted], isCleared, isCollectionDeleted }),
  );
  await turn();
  events.splice(0);
  realm.write(() => {
    person.dogs.removeAt(0);
    person.tags.clear();
    person.scores.addAll({ m: 2, n: 3 });
  });
  await turn();
  expect(events).toEqual([
    { list: true, deleted: [0], isCleared: false, isCollectionDeleted: false },
    { set: [], isCleared: true, isCollectionDeleted: false },
    { map: [["n"], ["m"], []], isCleared: false, isCollectionDeleted: false },
  ]);
  events.splice(0);
  realm.write(() => realm.delete(person));
  await turn();
  expect(events).toEqual([
    { list: true, deleted: [0], isCleared: true, isCollectionDeleted: true },
    { map: [[], [], ["m", "n"]], isCleared: true, isCollectionDeleted: true },
  ]);
});

describe("freezing", () => {
  test("objects, results and collections show for ever what they were", () => {
    const realm = withDogs("a", "b");
    const person = realm.write(() => {
      const made = realm.add(new Person({ id: 1, name: "Ada", dogs: realm.all(Dog), tags: ["x"], scores: { m: 1 } }));
      made.dog = realm.all(Dog).first;
      return made;
    });
    const frozen = {
      person: person.freeze(),
      dogs: person.dogs.freeze(),
      tags: person.tags.freeze(),
      scores: person.scores.freeze(),
      results: realm.query(Dog, "name > 'a'").freeze(),
      realm: realm.freeze(),
    };
    for (const one of Object.values(frozen)) folder.keep("realm" in one ? one.realm : one);
    realm.write(() => {
      realm.deleteAll(Dog);
      person.name = "changed";
      person.tags.clear();
      person.scores.clear();
    });
    expect([frozen.person.name, frozen.person.dog?.name, frozen.person.dogs.length]).toEqual(["Ada", "a", 2]);
    expect(frozen.dogs.map(({ name }) => name)).toEqual(["a", "b"]);
    expect([frozen.tags.toList(), Object.fromEntries(frozen.scores)]).toEqual([["x"], { m: 1 }]);
    expect(frozen.results.map(({ name }) => name)).toEqual(["b"]);
    expect(frozen.realm.all(Dog).length).toBe(2);
    expect(frozen.person).toBeInstanceOf(Person);
    expect([frozen.person.isFrozen, frozen.dogs.isFrozen, frozen.results.isFrozen, person.isFrozen]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect([frozen.person.freeze(), frozen.realm.freeze()]).toEqual([frozen.person, frozen.realm]);
    expect(frozen.dogs.freeze()).toBe(frozen.dogs);
    expect(() => frozen.person.changes).toThrow("Object is frozen and cannot emit changes");
    expect(() => frozen.realm.write(() => undefined)).toThrow(RealmException);
    expect(frozen.person.realm.refresh()).toBe(false);
  });

  test("is refused in a transaction", () => {
    const realm = withDogs("a");
    realm.write(() => expect(() => realm.freeze()).toThrow(RealmException));
  });

  test("what is frozen outlives its realm", () => {
    const realm = withDogs("a");
    const dog = rex(realm).freeze();
    folder.keep(dog.realm);
    realm.close();
    expect(dog.name).toBe("a");
  });
});
