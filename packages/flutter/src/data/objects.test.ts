import { describe, expect, test } from "vitest";
import { Decimal128, ObjectId, Uuid } from "../bson.js";
import { RealmClosedError, RealmError, RealmException, RealmStateError, RealmUnsupportedSetError } from "../errors.js";
import {
  backlinks,
  binary,
  bool,
  dateTime,
  decimal128,
  double,
  int,
  int64,
  list,
  map,
  object,
  objectId,
  realmValue,
  set,
  string,
  uuid,
} from "../model/property.js";
import { ObjectType, SchemaObject } from "../model/schema.js";
import { useFolder } from "../testing/folder.js";
import { RealmList } from "./list.js";
import { EmbeddedObject, RealmObject } from "./object.js";
import { RealmValue, RealmValueType } from "./realm-value.js";
import { RealmResults } from "./results.js";

class Address extends EmbeddedObject.of(
  SchemaObject(
    "Address",
    { street: string(), owner: object<Person>("Person") },
    { baseType: ObjectType.embeddedObject },
  ),
) {}

class Dog extends RealmObject.of(
  SchemaObject("Dog", {
    name: string().primaryKey(),
    age: int().defaultsTo(1),
    owners: backlinks<Person>("Person", "dog"),
  }),
) {
  get label(): string {
    return `${this.name} (${this.age})`;
  }
}

class Person extends RealmObject {
  static schema = SchemaObject("Person", {
    id: int().primaryKey().mapTo("_id"),
    name: string().optional(),
    dog: object(() => Dog),
    dogs: list(object(() => Dog)),
    friends: list(object<Person>("Person")),
    home: object<Address>("Address"),
    homes: list(object<Address>("Address")),
    tags: set(string()),
    scores: map(int().optional()),
  });

  declare id: number;
  declare name: string | null;
  declare dog: Dog | null;
  declare dogs: RealmList<Dog>;
  declare friends: RealmList<Person>;
}

class Everything extends RealmObject.of(
  SchemaObject("Everything", {
    id: objectId().primaryKey(),
    int: int64(),
    double: double(),
    bool: bool(),
    string: string(),
    date: dateTime(),
    uuid: uuid(),
    decimal: decimal128(),
    binary: binary(),
    nothing: string().optional(),
    any: realmValue(),
    anything: list(realmValue()),
    byName: map(realmValue()),
  }),
) {}

const folder = useFolder();
const people = [Person, Dog, Address] as const;

describe("an object that no realm manages", () => {
  test("has what it was given, defaults and null", () => {
    const dog = new Dog({ name: "Rex" });
    expect([dog.name, dog.age, dog.label]).toEqual(["Rex", 1, "Rex (1)"]);
    expect([dog.isManaged, dog.isValid, dog.isFrozen]).toEqual([false, true, false]);
    const person = new Person({ id: 1, dogs: [dog], tags: ["a", "a"], scores: { x: 1 } });
    expect([person.name, person.dog, person.dogs.toList()]).toEqual([null, null, [dog]]);
    dog.age = 3;
    expect(dog.label).toBe("Rex (3)");
    expect(dog.objectSchema).toBe(Dog.schema);
  });

  test("cannot do what only realms can", () => {
    const dog = new Dog({ name: "Rex" });
    expect(() => dog.realm).toThrow(RealmStateError);
    expect(() => dog.changes).toThrow(RealmStateError);
    expect(() => dog.freeze()).toThrow("Can't freeze unmanaged objects.");
    expect(() => dog.owners).toThrow(RealmStateError);
    expect(() => new Person({ id: 1 }).dogs.query("age > 1")).toThrow(RealmStateError);
  });

  test("has collections that work like those of a realm", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => new Dog({ name }));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three dogs");
    const { dogs } = new Person({ id: 1 });
    dogs.addAll([a, b]);
    dogs.insert(1, c);
    dogs.move(0, 2);
    expect(dogs.map(({ name }) => name)).toEqual(["c", "b", "a"]);
    dogs[0] = a;
    expect(dogs.remove(a)).toBe(true);
    expect(dogs.remove(c)).toBe(false);
    expect([dogs.removeAt(0), dogs.removeLast(), dogs.isEmpty]).toEqual([b, a, true]);
    expect(() => dogs.removeLast()).toThrow(RangeError);
  });
});

describe("adding", () => {
  test("makes the object and all it links to the realm's", () => {
    const realm = folder.open(...people);
    const dog = new Dog({ name: "Rex" });
    const person = new Person({ id: 1, name: "Ada", dog, dogs: [dog, new Dog({ name: "Bello" })] });
    expect(realm.write(() => realm.add(person))).toBe(person);
    expect([person.isManaged, dog.isManaged, dog.realm === realm]).toEqual([true, true, true]);
    expect(person).toBeInstanceOf(Person);
    expect(realm.all(Dog).length).toBe(2);
    expect(person.dog?.equals(dog)).toBe(true);
    expect(person.dogs.map(({ label }) => label)).toEqual(["Rex (1)", "Bello (1)"]);
    expect(dog.owners.toList().map(({ id }) => id)).toEqual([1]);
    realm.write(() => (dog.age = 7));
    expect(realm.find(Person, 1)?.dog?.age).toBe(7);
  });

  test("follows links in a circle", () => {
    const realm = folder.open(...people);
    const [ada, bea] = [new Person({ id: 1 }), new Person({ id: 2 })];
    ada.friends.add(bea);
    bea.friends.add(ada);
    realm.write(() => realm.add(ada));
    expect(realm.all(Person).length).toBe(2);
    expect(ada.friends[0]?.friends[0]?.equals(ada)).toBe(true);
  });

  test("a key that is there is refused, or updated", () => {
    const realm = folder.open(...people);
    const first = realm.write(() => realm.add(new Dog({ name: "Rex", age: 1 })));
    expect(() => realm.write(() => realm.add(new Dog({ name: "Rex", age: 2 })))).toThrow(RealmException);
    const second = realm.write(() => realm.add(new Dog({ name: "Rex", age: 3 }), { update: true }));
    expect([first.age, second.age, first.equals(second), realm.all(Dog).length]).toEqual([3, 3, true, 1]);
    const person = new Person({ id: 1, dogs: [new Dog({ name: "Rex", age: 4 }), new Dog({ name: "New" })] });
    realm.write(() => realm.add(person, { update: true }));
    realm.write(() => realm.add(new Person({ id: 1, dogs: [first] }), { update: true }));
    expect([first.age, person.dogs.length]).toEqual([4, 1]);
  });

  test("embedded objects live inside", () => {
    const realm = folder.open(...people);
    const home = new Address({ street: "here" });
    const person = realm.write(() => realm.add(new Person({ id: 1, home, homes: [new Address({ street: "there" })] })));
    const found = realm.find(Person, 1);
    expect([found?.home?.street, found?.homes[0]?.street]).toEqual(["here", "there"]);
    expect([home.isManaged, home.parent?.equals(person), home.equals(found?.home)]).toEqual([true, true, true]);
    realm.write(() => {
      home.street = "elsewhere";
      home.owner = new Person({ id: 2 });
    });
    expect([found?.home?.street, found?.home?.owner?.id]).toEqual(["elsewhere", 2]);
    realm.write(() => realm.delete(home));
    expect([found?.home, home.isValid]).toEqual([null, false]);
    expect(() => realm.write(() => realm.add(new Address({ street: "alone" }) as unknown as RealmObject))).toThrow(
      RealmException,
    );
  });

  test("assigning adds too", () => {
    const realm = folder.open(...people);
    const person = realm.write(() => realm.add(new Person({ id: 1 })));
    realm.write(() => {
      person.dog = new Dog({ name: "Rex" });
      person.dogs.add(new Dog({ name: "Bello" }));
    });
    expect(realm.all(Dog).length).toBe(2);
    realm.write(() => (person.dog = null));
    expect(person.dog).toBe(null);
  });

  test("what is another realm's, or of no class of it, is refused", () => {
    const [realm, other] = [folder.open(...people), folder.open(Everything)];
    const dog = realm.write(() => realm.add(new Dog({ name: "Rex" })));
    expect(() => other.write(() => other.add(dog))).toThrow(RealmError);
    expect(() => other.write(() => other.add(new Dog({ name: "Rex" })))).toThrow(
      "Object type Dog not configured in the current Realm's schema. Add type Dog to your config before opening",
    );
    expect(realm.write(() => realm.add(dog))).toBe(dog);
    expect(() => realm.add(new Dog({ name: "Bello" }))).toThrow(RealmException);
  });

  test("a field that hides its property is told", () => {
    class Hidden extends RealmObject {
      static schema = SchemaObject("Hidden", { id: int().primaryKey() });
      id = 5;
    }
    const realm = folder.open(Hidden);
    expect(() => realm.write(() => realm.add(new Hidden({ id: 1 })))).toThrow("write 'declare id'");
  });
});

describe("values", () => {
  const values = {
    id: new ObjectId(),
    int: 2n ** 60n,
    double: 1.5,
    bool: true,
    string: "text",
    date: new Date(1234),
    uuid: new Uuid(),
    decimal: Decimal128.fromString("1.20"),
    binary: Uint8Array.of(1, 2, 3),
  };

  test("of every type come back as they were", () => {
    const realm = folder.open(Everything);
    realm.write(() => realm.add(new Everything(values)));
    const found = realm.all(Everything).single;
    for (const [name, value] of Object.entries(values)) expect(found.dynamic.get(name), name).toEqual(value);
    expect([found.nothing, found.any, found.anything.length]).toEqual([null, RealmValue.nullValue, 0]);
    realm.write(() => (found.int = 5));
    expect(found.int).toBe(5);
  });

  test("of any type", () => {
    const realm = folder.open(Everything, Dog, Person, Address);
    const all = [null, true, 1, 2n ** 60n, 1.5, "x", new Date(5), new ObjectId(), new Uuid(), Uint8Array.of(1)];
    const dog = new Dog({ name: "Rex" });
    const found = realm.write(() => {
      const made = realm.add(new Everything({ ...values, any: dog, anything: all, byName: { d: 2, o: dog } }));
      made.byName.set("e", RealmValue.double(5));
      return made;
    });
    expect(dog.isManaged).toBe(true);
    expect([found.any.type, dog.equals(found.any.value)]).toEqual([RealmValueType.object, true]);
    expect(found.anything.toList().map(({ value }) => value)).toEqual(all);
    expect(found.anything.map(({ type }) => type)).toEqual([
      "nullValue",
      "boolean",
      "int",
      "int",
      "double",
      "string",
      "dateTime",
      "objectId",
      "uuid",
      "binary",
    ]);
    expect([found.byName.get("d")?.value, found.byName.get("o")?.type, found.byName.get("none")]).toEqual([
      2,
      "object",
      null,
    ]);
    expect(found.anything.contains(RealmValue.from("x"))).toBe(true);
    expect(realm.query(Everything, "anything.@type == 'int'").length).toBe(1);
    realm.write(() => (found.any = RealmValue.from("text")));
    expect(found.any.equals("text")).toBe(true);
    expect(() => RealmValue.from(new Set([1]))).toThrow(RealmError);
  });

  test("of the wrong type are refused, and nothing of the transaction stays", () => {
    const realm = folder.open(Dog, Person, Address);
    const wrong = { name: "Rex", age: "old" } as unknown as ConstructorParameters<typeof Dog>[0];
    expect(() => realm.write(() => realm.add(new Dog(wrong)))).toThrow(RealmException);
    expect(realm.all(Dog).isEmpty).toBe(true);
  });
});

describe("a managed object", () => {
  test("is written only in transactions, and not in its key and collections", () => {
    const realm = folder.open(...people);
    const person = realm.write(() => realm.add(new Person({ id: 1 })));
    expect(() => (person.name = "Ada")).toThrow(RealmException);
    expect(() => person.dogs.add(new Dog({ name: "Rex" }))).toThrow(RealmException);
    realm.write(() => {
      expect(() => (person.id = 2)).toThrow(RealmException);
      expect(() => (person.dogs = new Person({ id: 2 }).dogs)).toThrow(RealmUnsupportedSetError);
      expect(() => person.dynamic.set("none", 1)).toThrow(RealmException);
      person.dynamic.set("name", "Ada");
    });
    expect(person.dynamic.get("name")).toBe("Ada");
  });

  test("says when it is gone, and when its realm is closed", () => {
    const realm = folder.open(...people);
    const [person, other] = realm.write(() => [realm.add(new Person({ id: 1 })), realm.add(new Person({ id: 2 }))]);
    realm.write(() => realm.delete(person));
    expect(person.isValid).toBe(false);
    expect(() => person.name).toThrow(RealmException);
    realm.close();
    expect(other.isValid).toBe(false);
    expect(() => other.name).toThrow(RealmClosedError);
    expect(() => realm.all(Person)).toThrow(RealmClosedError);
  });

  test("knows who links to it", () => {
    const realm = folder.open(...people);
    const dog = realm.write(() => {
      realm.addAll([1, 2, 3].map((id) => new Person({ id })));
      const rex = realm.add(new Dog({ name: "Rex" }));
      realm.all(Person).first.dog = rex;
      realm.find(Person, 2)?.dogs.add(rex);
      return rex;
    });
    expect(dog.owners.length).toBe(1);
    expect(dog.getBacklinks(Person, "dogs").map(({ id }) => id)).toEqual([2]);
    expect(() => dog.getBacklinks(Person, "name")).toThrow(RealmError);
  });

  test("that nobody has a class for is seen by names", () => {
    const realm = folder.open(...people);
    realm.write(() => realm.add(new Person({ id: 1, name: "Ada" })));
    expect(realm.dynamic.all("Person").first.dynamic.get("name")).toBe("Ada");
    expect(realm.dynamic.find("Person", 1)).toBeInstanceOf(Person);
    expect(() => realm.dynamic.all("None")).toThrow(RealmError);
  });
});

describe("collections", () => {
  test("results: queries, elements, ends", () => {
    const realm = folder.open(...people);
    realm.write(() => realm.addAll([3, 1, 2].map((age) => new Dog({ name: `dog ${age}`, age }))));
    const sorted = realm.query(Dog, "age > $0 SORT(age ASC)", [0]);
    expect(sorted.map(({ age }) => age)).toEqual([1, 2, 3]);
    expect([sorted[0]?.age, sorted.first.age, sorted.last.age]).toEqual([1, 1, 3]);
    expect(sorted.query("age == 2").single.age).toBe(2);
    expect([sorted.where(({ age }) => age > 1).length, sorted.any(({ age }) => age > 3)]).toEqual([2, false]);
    expect([sorted.indexOf(sorted.last), sorted.contains(sorted.first)]).toEqual([2, true]);
    expect(sorted.every(({ age }) => age > 0)).toBe(true);
    expect(() => sorted[3]).toThrow(RangeError);
    expect(() => sorted.single).toThrow("Too many elements");
    const none = realm.query(Dog, "age > 9");
    expect([none.firstOrNull, none.lastOrNull, none.isEmpty, none.isNotEmpty]).toEqual([null, null, true, false]);
    expect(() => none.first).toThrow(RealmStateError);
    expect(() => realm.query(Dog, "nonsense")).toThrow(RealmException);
    realm.write(() => realm.deleteMany(sorted.query("age > 1")));
    expect(sorted.length).toBe(1);
    realm.write(() => realm.deleteMany([sorted.first]));
    realm.write(() => realm.deleteAll(Dog));
    expect(sorted).toBeInstanceOf(RealmResults);
  });

  test("lists", () => {
    const realm = folder.open(...people);
    const person = realm.write(() => realm.add(new Person({ id: 1 })));
    const { dogs } = person;
    realm.write(() => {
      dogs.addAll(["a", "b", "c"].map((name) => new Dog({ name })));
      dogs.move(0, 2);
      dogs[0] = new Dog({ name: "d" });
      dogs.insertAll(1, [new Dog({ name: "e" })]);
    });
    expect(dogs.map(({ name }) => name)).toEqual(["d", "e", "c", "a"]);
    expect(dogs.query("name > $0", ["c"]).map(({ name }) => name)).toEqual(["d", "e"]);
    expect(dogs.asResults().length).toBe(4);
    realm.write(() => dogs.removeWhere(({ name }) => name < "d"));
    expect(dogs.length).toBe(2);
    expect(dogs).toBeInstanceOf(RealmList);
    expect(() => realm.write(() => dogs.insert(5, new Dog({ name: "f" })))).toThrow(RangeError);
    realm.write(() => dogs.clear());
    expect([dogs.isValid, dogs.isEmpty, dogs.realm === realm]).toEqual([true, true, true]);
    realm.write(() => realm.delete(person));
    expect(dogs.isValid).toBe(false);
  });

  test("sets and maps", () => {
    const realm = folder.open(...people);
    const person = realm.write(() => realm.add(new Person({ id: 1, tags: ["a"], scores: [["x", 1]] })));
    const found = realm.all(Person).first;
    realm.write(() => {
      expect([found.tags.add("b"), found.tags.add("a"), found.tags.remove("z")]).toEqual([true, false, false]);
      found.scores.set("y", null);
      found.scores.addAll({ z: 3 });
      expect([found.scores.remove("x"), found.scores.remove("none")]).toEqual([1, null]);
    });
    expect([...found.tags.toSet()].sort()).toEqual(["a", "b"]);
    expect([found.tags.contains("b"), found.tags.length]).toEqual([true, 2]);
    expect(Object.fromEntries(found.scores)).toEqual({ y: null, z: 3 });
    expect([found.scores.containsKey("y"), found.scores.containsValue(3), found.scores.length]).toEqual([
      true,
      true,
      2,
    ]);
    realm.write(() => {
      found.tags.clear();
      found.scores.clear();
    });
    expect([person.isValid, found.tags.isEmpty, found.scores.isEmpty]).toEqual([true, true, true]);
  });
});
