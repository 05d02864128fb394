/**
 * What the compiler accepts and refuses: this file must compile, and every `@ts-expect-error` must be one.
 */
import { expect, expectTypeOf, test } from "vitest";
import type { ObjectId } from "../bson.js";
import type { RealmList } from "../data/list.js";
import type { RealmMap } from "../data/map.js";
import { EmbeddedObject, RealmObject } from "../data/object.js";
import type { RealmValue } from "../data/realm-value.js";
import type { RealmResults } from "../data/results.js";
import type { RealmSet } from "../data/set.js";
import type { Realm } from "../realm.js";
import type { Stream } from "../stream.js";
import {
  backlinks,
  int,
  int64,
  list,
  map,
  type ModelFields,
  object,
  objectId,
  type PropertyKind,
  realmValue,
  set,
  string,
} from "./property.js";
import { type ModelObject, ObjectType, SchemaObject } from "./schema.js";

class Dog extends RealmObject.of(
  SchemaObject("Dog", {
    id: objectId().primaryKey().mapTo("_id"),
    name: string().indexed(),
    note: string().optional(),
    age: int().defaultsTo(0),
    owners: backlinks<Person>("Person", "dogs"),
  }),
) {
  bark(): string {
    return `${this.name}!`;
  }
}

class Home extends EmbeddedObject.of(
  SchemaObject("Home", { street: string() }, { baseType: ObjectType.embeddedObject }),
) {}

class Person extends RealmObject {
  static schema = SchemaObject("Person", {
    id: int64().primaryKey(),
    dog: object(() => Dog),
    dogs: list(object(() => Dog)),
    tags: set(string()),
    notes: list(string().optional()),
    byName: map(object(() => Dog)),
    any: realmValue(),
    home: object(() => Home),
  });
}

/** Never called: only the types count. */
export function types(realm: Realm, id: ObjectId): void {
  const dog = new Dog({ id, name: "Rex" });
  expectTypeOf(dog.id).toEqualTypeOf<ObjectId>();
  expectTypeOf(dog.name).toEqualTypeOf<string>();
  expectTypeOf(dog.note).toEqualTypeOf<string | null>();
  expectTypeOf(dog.age).toEqualTypeOf<number>();
  expectTypeOf(dog.owners).toEqualTypeOf<RealmResults<Person>>();
  expectTypeOf(dog.bark()).toEqualTypeOf<string>();
  void new Dog({ id, name: "Rex", note: null, age: 5n });
  // @ts-expect-error a required property is missing
  void new Dog({ id });
  // @ts-expect-error the wrong type
  void new Dog({ id, name: 5 });
  // @ts-expect-error no such property
  void new Dog({ id, name: "Rex", colour: "red" });
  // @ts-expect-error computed
  void new Dog({ id, name: "Rex", owners: [] });
  // @ts-expect-error the key cannot be assigned
  dog.id = id;
  // @ts-expect-error it cannot be null
  dog.name = null;
  // @ts-expect-error a collection is changed by its methods
  dog.owners = realm.all(Person);

  expectTypeOf(realm.all(Dog)).toEqualTypeOf<RealmResults<Dog>>();
  expectTypeOf(realm.find(Dog, id)).toEqualTypeOf<Dog | null>();
  // @ts-expect-error the key is of another type
  realm.find(Dog, 5);
  expectTypeOf(realm.find(Person, 5)).not.toBeAny();
  const person = realm.all(Person).first;
  expectTypeOf(person).toEqualTypeOf<Person & ModelFields<typeof Person.schema.properties>>();
  expectTypeOf(person.id).toEqualTypeOf<number | bigint>();
  expectTypeOf(person.dog).toEqualTypeOf<Dog | null>();
  expectTypeOf(person.dogs).toEqualTypeOf<RealmList<Dog>>();
  expectTypeOf(person.tags).toEqualTypeOf<RealmSet<string>>();
  expectTypeOf(person.notes).toEqualTypeOf<RealmList<string | null>>();
  expectTypeOf(person.byName).toEqualTypeOf<RealmMap<Dog | null>>();
  expectTypeOf(person.any).toEqualTypeOf<RealmValue>();
  expectTypeOf(person.home?.street).toEqualTypeOf<string | undefined>();
  expectTypeOf<ModelObject<typeof Dog>>().toEqualTypeOf<Dog>();
  person.dogs.add(dog);
  // @ts-expect-error an element of another class
  person.dogs.add(person);
  // @ts-expect-error elements of lists of objects are never null
  person.dogs.add(null);
  person.notes.add(null);
  // @ts-expect-error no class of a realm
  realm.all(Date);
  // @ts-expect-error embedded objects are not added by themselves
  realm.add(new Home({ street: "here" }));
  expectTypeOf(realm.add(dog)).toEqualTypeOf<Dog>();
  expectTypeOf(realm.write(() => 5)).toEqualTypeOf<number>();
  expectTypeOf(dog.freeze()).toEqualTypeOf<Dog>();

  const stream: Stream<{ readonly object: RealmObject }> = dog.changes;
  stream.listen(({ object: changed }) => expectTypeOf(changed).toEqualTypeOf<RealmObject>());
  expectTypeOf<"required">().toExtend<PropertyKind>();
}

test("the types of models follow from their schemas", () => {
  expect([...Dog.schema].map(({ name }) => name)).toEqual(["id", "name", "note", "age", "owners"]);
  expect(Dog.schema.primaryKey?.mapTo).toBe("_id");
});
