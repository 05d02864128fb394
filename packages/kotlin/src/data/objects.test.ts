import { expect, test } from "vitest";
import { Decimal128, ObjectId, RealmUUID } from "../bson.js";
import { IllegalArgumentException, IllegalStateException } from "../errors.js";
import type { MutableRealm } from "../mutable-realm.js";
import type { Realm } from "../realm.js";
import { realmSchema } from "../schema/model.js";
import {
  any,
  backlinks,
  binary,
  boolean,
  decimal128,
  dictionary,
  double,
  float,
  ignore,
  instant,
  int,
  list,
  long,
  mutableInt,
  nullable,
  object,
  objectId,
  persistedName,
  primaryKey,
  set,
  string,
  uuid,
} from "../schema/property.js";
import { useFolder } from "../testing/folder.js";
import { RealmAny } from "./any.js";
import { UpdatePolicy } from "./importer.js";
import { RealmInstant } from "./instant.js";
import { type RealmList, realmListOf } from "./list.js";
import { asymmetricRealmObject, EmbeddedRealmObject, embeddedRealmObject, RealmObject, realmObject } from "./object.js";

class Chip extends embeddedRealmObject("Chip", { code: string(), maker: object<Person>("Person") }) {}

class Person extends realmObject("Person", {
  _id: primaryKey(int()),
  name: persistedName("full_name", string()),
  boss: object<Person>("Person"),
  dogs: list<Dog>("Dog"),
}) {}

class Dog extends RealmObject {
  static readonly schema = realmSchema("Dog", {
    _id: primaryKey(int()),
    name: string("Rex"),
    owner: object(() => Person),
    chip: object(() => Chip),
    chips: list(() => Chip),
    tags: list(string()),
    fans: backlinks(() => Person, "dogs"),
    mood: ignore(() => "calm"),
  });
  declare _id: number;
  declare name: string;
  declare owner: Person | null;
  declare chip: Chip | null;
  declare chips: RealmList<Chip>;
  declare tags: RealmList<string>;
  declare readonly fans: Iterable<Person> & { readonly size: number };
  declare mood: string;

  greet(): string {
    return `I am ${this.name}`;
  }
}

class Everything extends realmObject("Everything", {
  _id: primaryKey(objectId()),
  long: long(),
  bool: boolean(true),
  float: float(),
  double: double(),
  decimal: decimal128(),
  uuid: uuid(),
  instant: instant(),
  bytes: binary(),
  text: nullable(string()),
  any: any(),
  anys: list(any()),
  numbers: set(int()),
  texts: dictionary(string()),
  people: dictionary<Person>("Person"),
  counter: mutableInt(5),
}) {}

class Event extends asymmetricRealmObject("Event", { _id: primaryKey(objectId()), text: string() }) {}

const folder = useFolder();
const open = (): Realm => folder.open(Person, Dog, Chip, Everything, Event);

function dog(id: number, change: (dog: Dog) => void = () => undefined): Dog {
  return new Dog().apply((made) => {
    made._id = id;
    change(made);
  });
}

test("objects that are new have their defaults and are not stored", () => {
  const made = new Dog();
  expect([made.name, made.owner, made.tags.size, made.mood]).toEqual(["Rex", null, 0, "calm"]);
  expect([made.isManaged(), made.isValid(), made.isFrozen()]).toEqual([false, true, false]);
  expect(() => made.fans).toThrow("Unmanaged objects don't support backlinks.");
  expect(() => made.asFlow()).toThrow(IllegalStateException);
  expect(new Everything()._id.equals(new Everything()._id)).toBe(false);
});

test("what a transaction stores is read frozen afterwards, with the methods of the model", () => {
  const realm = open();
  const written = realm.writeBlocking((tx) => {
    const live = tx.copyToRealm(dog(1, (made) => (made.name = "Bello")));
    expect([live.isManaged(), live.isFrozen()]).toEqual([true, false]);
    live.name = "Hasso";
    return live;
  });
  const read = realm.query(Dog).first().find();
  expect([read?.name, read?.greet(), read?.isFrozen(), read instanceof Dog]).toEqual([
    "Hasso",
    "I am Hasso",
    true,
    true,
  ]);
  expect(read?.equals(written)).toBe(true);
  expect(() => {
    written.name = "x";
  }).toThrow(IllegalStateException);
  expect(() => written.tags.add("x")).toThrow("Cannot modify managed objects outside of a write transaction");
});

test("a frozen object stays as it is while the realm moves on", async () => {
  const realm = open();
  const before = await realm.write((tx) => tx.copyToRealm(dog(1)));
  await realm.write((tx) => {
    const latest = tx.findLatest(before);
    if (latest !== null) latest.name = "later";
  });
  expect([before.name, realm.query(Dog).find().first().name]).toEqual(["Rex", "later"]);
  await realm.write((tx) => {
    const latest = tx.findLatest(before);
    if (latest !== null) tx.delete(latest);
    expect(tx.findLatest(before)).toBeNull();
  });
  expect([before.isValid(), realm.query(Dog).count().find()]).toEqual([true, 0]);
});

test("what throws undoes the transaction, and so does cancelWrite; a block must not be async", async () => {
  const realm = open();
  await expect(
    realm.write((tx) => {
      tx.copyToRealm(dog(1));
      throw new Error("changed my mind");
    }),
  ).rejects.toThrow("changed my mind");
  realm.writeBlocking((tx) => {
    tx.copyToRealm(dog(1));
    tx.cancelWrite();
    expect(() => tx.query(Dog)).toThrow(IllegalStateException);
  });
  await expect(realm.write(async (tx) => tx.copyToRealm(dog(1)))).rejects.toThrow(IllegalArgumentException);
  expect(realm.query(Dog).count().find()).toBe(0);
});

test("a transaction inside of another, and closing inside of one, are refused", () => {
  const realm = open();
  realm.writeBlocking(() => {
    expect(() => realm.writeBlocking(() => undefined)).toThrow(
      "Cannot initiate transaction when already in a write transaction",
    );
    expect(() => realm.close()).toThrow("Cannot close the Realm while inside a transaction block");
  });
});

test("live objects end with their transaction; the realm outside shows what is committed", () => {
  const realm = open();
  let kept: Dog | undefined;
  realm.writeBlocking((tx) => {
    kept = tx.copyToRealm(dog(1));
    expect([tx.query(Dog).count().find(), realm.query(Dog).count().find()]).toEqual([1, 0]);
  });
  expect(kept?.isValid()).toBe(false);
  expect(() => kept?.name).toThrow("belongs to a write transaction that is over");
});

test("the same key twice is refused, or updates all properties", () => {
  const realm = open();
  realm.writeBlocking((tx) => tx.copyToRealm(dog(1, (made) => made.tags.add("a"))));
  const again = (policy?: UpdatePolicy) => (): Dog =>
    realm.writeBlocking((tx) =>
      tx.copyToRealm(
        dog(1, (made) => (made.name = "again")),
        policy,
      ),
    );
  expect(again()).toThrow(IllegalArgumentException);
  const updated = again(UpdatePolicy.ALL)();
  expect([updated.name, updated.tags.toArray(), realm.query(Dog).count().find()]).toEqual(["again", [], 1]);
});

test("a graph is stored with its circles; what is met twice is one object", () => {
  const realm = open();
  const owner = new Person().apply((person) => {
    person._id = 1;
    person.name = "Ada";
    person.boss = person;
    person.dogs = realmListOf(dog(1), dog(2));
    for (const one of person.dogs) {
      one.owner = person;
      one.chip = new Chip().apply((chip) => {
        chip.code = `c${one._id}`;
        chip.maker = person;
      });
    }
  });
  const stored = realm.writeBlocking((tx) => tx.copyToRealm(owner));
  expect([realm.query(Person).count().find(), realm.query(Dog).count().find()]).toEqual([1, 2]);
  expect(stored.boss?.equals(stored)).toBe(true);
  expect(stored.dogs.map((one) => [one.chip?.code, one.chip?.maker?.name])).toEqual([
    ["c1", "Ada"],
    ["c2", "Ada"],
  ]);
  expect(Array.from(realm.query(Dog).find().first().fans, (fan) => fan.name)).toEqual(["Ada"]);
});

test("objects of another version are not taken into a transaction", () => {
  const realm = open();
  const frozen = realm.writeBlocking((tx) => tx.copyToRealm(dog(1)));
  const attempt = (use: (tx: MutableRealm) => void) => (): void => realm.writeBlocking(use);
  expect(attempt((tx) => tx.copyToRealm(frozen))).toThrow("Cannot import an outdated object.");
  expect(attempt((tx) => tx.delete(frozen))).toThrow("Frozen objects cannot be deleted.");
  expect(attempt((tx) => tx.findLatest(dog(5)))).toThrow("Unmanaged objects must be part of the Realm");
  expect(attempt((tx) => tx.delete(dog(5)))).toThrow(IllegalArgumentException);
});

test("every type keeps its value", () => {
  const realm = open();
  const given = new Everything().apply((made) => {
    made.long = 2n ** 62n;
    made.float = 0.5;
    made.double = -0;
    made.decimal = Decimal128.fromString("1.25");
    made.instant = RealmInstant.from(5, 123_456_789);
    made.bytes = Uint8Array.of(1, 2, 3);
    made.any = RealmAny.create(5);
    made.anys.addAll([RealmAny.create(5, "DOUBLE"), RealmAny.create("x"), null, RealmAny.create(dog(9))]);
    made.numbers.addAll([3, 1, 3]);
    made.texts.set("a", "b");
    made.people.set("nobody", null);
    made.counter.increment(2);
  });
  const read = realm.writeBlocking((tx) => tx.copyToRealm(given));
  expect([read.long, read.bool, read.float, read.double, read.text]).toEqual([2n ** 62n, true, 0.5, -0, null]);
  expect([read.decimal.toString(), read.uuid.equals(given.uuid), read._id.equals(given._id)]).toEqual([
    "1.25",
    true,
    true,
  ]);
  expect(read.instant.equals(RealmInstant.from(5, 123_456_789))).toBe(true);
  expect(read.bytes).toEqual(Uint8Array.of(1, 2, 3));
  expect([read.any?.type, read.any?.asInt()]).toEqual(["INT", 5]);
  expect(read.anys.map((one) => one?.type)).toEqual(["DOUBLE", "STRING", undefined, "OBJECT"]);
  expect(read.anys.get(3)?.asRealmObject(Dog).name).toBe("Rex");
  expect(() => read.any?.asString()).toThrow("wanted a 'STRING' but the instance is a 'INT'");
  expect([[...read.numbers].sort(), read.numbers.contains(1)]).toEqual([[1, 3], true]);
  expect([[...read.texts], read.people.containsKey("nobody"), read.people.get("nobody")]).toEqual([
    [["a", "b"]],
    true,
    null,
  ]);
  expect(read.counter.get()).toBe(7);
  realm.writeBlocking((tx) => tx.findLatest(read)?.counter.decrement());
  expect([read.counter.get(), realm.query(Everything).find().first().counter.get()]).toEqual([7, 6]);
  const small = new Everything().apply((made) => (made.long = 5n));
  expect(realm.writeBlocking((tx) => tx.copyToRealm(small)).long).toBe(5);
  expect(RealmUUID.from(read.uuid.toString()).equals(read.uuid)).toBe(true);
});

test("embedded objects live in their owner and are deleted by themselves", () => {
  const realm = open();
  const chip = (code: string): Chip => new Chip().apply((made) => (made.code = code));
  realm.writeBlocking((tx) => {
    const live = tx.copyToRealm(dog(1));
    live.chip = chip("a");
    live.chips.addAll([chip("b"), chip("c")]);
    if (live.chip instanceof EmbeddedRealmObject) live.chip.code = "A";
    tx.delete(live.chips.get(0));
  });
  const read = realm.query(Dog).find().first();
  expect([read.chip?.code, read.chips.map(({ code }) => code)]).toEqual(["A", ["c"]]);
  realm.writeBlocking((tx) => {
    const { chip: live } = tx.query(Dog).find().first();
    if (live !== null) tx.delete(live);
  });
  expect(realm.query(Dog).find().first().chip).toBeNull();
  expect(() => realm.writeBlocking((tx) => tx.copyToRealm(chip("x")))).toThrow("Embedded objects");
  expect(() => realm.query(Chip)).toThrow("Objects of embedded classes cannot be queried: 'Chip'");
});

test("objects, results, lists, models and everything can be deleted", () => {
  const realm = open();
  const fill = (tx: MutableRealm): void => {
    for (let id = 1; id <= 5; id += 1) tx.copyToRealm(dog(id));
  };
  const left = (change: (tx: MutableRealm) => void): number =>
    realm.writeBlocking((tx) => {
      tx.deleteAll();
      fill(tx);
      change(tx);
      return tx.query(Dog).count().find();
    });
  expect(left((tx) => tx.delete(tx.query(Dog, "_id > 3")))).toBe(3);
  expect(left((tx) => tx.delete(tx.query(Dog, "_id > 3").find()))).toBe(3);
  expect(left((tx) => tx.delete(tx.query(Dog).first()))).toBe(4);
  expect(left((tx) => tx.delete(tx.query(Dog).find().last()))).toBe(4);
  expect(left((tx) => tx.delete(Dog))).toBe(0);
  const owned = left((tx) => {
    const person = tx.copyToRealm(new Person());
    person.dogs.addAll(tx.query(Dog, "_id < 3").find());
    tx.delete(person.dogs);
  });
  expect([owned, realm.query(Person).count().find()]).toEqual([3, 1]);
});

test("a copy from the realm is not stored, as deep as wished", () => {
  const realm = open();
  const stored = realm.writeBlocking((tx) => {
    const person = tx.copyToRealm(new Person().apply((made) => (made.name = "Ada")));
    person.dogs.add(dog(1, (made) => made.tags.add("a")));
    person.boss = person;
    return person;
  });
  const copy = realm.copyFromRealm(stored);
  expect([copy.isManaged(), copy.name, copy.dogs.get(0).tags.toArray(), copy.boss?.name]).toEqual([
    false,
    "Ada",
    ["a"],
    "Ada",
  ]);
  const flat = realm.copyFromRealm(stored, 0);
  expect([flat.name, flat.dogs.size, flat.boss]).toEqual(["Ada", 0, null]);
  expect(realm.copyFromRealm(realm.query(Person).find()).map(({ name }) => name)).toEqual(["Ada"]);
  expect(() => realm.copyFromRealm(copy)).toThrow(IllegalArgumentException);
});

test("lists are edited as Kotlin's are", () => {
  const realm = open();
  const tags = realmListOf("a", "b", "c", "d");
  const edit = (texts: RealmList<string>): void => {
    texts.add(0, "first");
    expect([texts.set(1, "A"), texts.removeAt(2), texts.remove("c"), texts.remove("x")]).toEqual([
      "a",
      "b",
      true,
      false,
    ]);
    expect(() => texts.get(5)).toThrow("Index: 5, size: 3");
    expect(texts.removeAll(["first", "nothing"])).toBe(true);
  };
  edit(tags);
  expect(tags.toArray()).toEqual(["A", "d"]);
  realm.writeBlocking((tx) => {
    const live = tx.copyToRealm(dog(1, (made) => made.tags.addAll(["a", "b", "c", "d"])));
    edit(live.tags);
    live.tags = realmListOf(...live.tags, "e");
  });
  const { tags: read } = realm.query(Dog).find().first();
  expect([read.toArray(), read.first(), read.last(), read.indexOf("d"), read.contains("e")]).toEqual([
    ["A", "d", "e"],
    "A",
    "e",
    1,
    true,
  ]);
});

test("an ignored property has its default in what is read", () => {
  const realm = open();
  const read = realm.writeBlocking((tx) => tx.copyToRealm(dog(1, (made) => (made.mood = "wild"))));
  expect(read.mood).toBe("calm");
});

test("asymmetric objects are sent and not kept", () => {
  const realm = open();
  realm.writeBlocking((tx) => tx.insert(new Event()));
  expect(() => realm.query(Event)).toThrow("Objects of asymmetric classes cannot be queried: 'Event'");
  expect(new ObjectId()).toBeInstanceOf(ObjectId);
});
