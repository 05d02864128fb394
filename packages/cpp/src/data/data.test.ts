import { Decimal128, ObjectId, UUID } from "@tidemark/engine/bson";
import { describe, expect, test } from "vitest";
import { type db, open } from "../db.js";
import { db_config } from "../db-config.js";
import { invalid_argument, logic_error, out_of_range, runtime_error } from "../errors.js";
import { embedded_schema, schema } from "../schema/model.js";
import { int64, link, primary_key, string } from "../schema/types.js";
import { turn, useFolder } from "../testing/folder.js";
import { Address, AllTypes, Dog, Person } from "../testing/models.js";
import { thread_safe_reference } from "../thread-safe-reference.js";

const folder = useFolder();

function openAll(): db {
  return folder.open(Dog, Person, Address, AllTypes);
}

describe("values", () => {
  test("every type comes back as it was written", () => {
    const database = openAll();
    const values = {
      _id: new UUID("11111111-2222-4333-8444-555555555555"),
      int_col: 2n ** 62n,
      double_col: -0.5,
      float_col: 1.5,
      bool_col: true,
      str_col: "ünïcode",
      enum_col: 2 as const,
      date_col: new Date(1_700_000_000_123),
      binary_col: Uint8Array.of(0, 1, 255),
      object_id_col: new ObjectId("0123456789abcdef01234567"),
      decimal_col: Decimal128.fromString("12.50"),
      mixed_col: "mixed",
      opt_int_col: 7,
      opt_str_col: "",
    };
    const object = database.write(() => database.add(AllTypes(values)));
    expect(object.detach()).toEqual(values);
  });

  test("integers are numbers where they are exact, bigints beyond", () => {
    const database = openAll();
    const object = database.write(() => database.add(AllTypes({ _id: new UUID(), int_col: 5n })));
    expect(object.int_col).toBe(5);
    database.write(() => (object.int_col = Number.MAX_SAFE_INTEGER));
    expect(object.int_col).toBe(Number.MAX_SAFE_INTEGER);
    database.write(() => (object.int_col = 2n ** 53n + 1n));
    expect(object.int_col).toBe(2n ** 53n + 1n);
  });

  test("members that are left out have the initial values of C++", () => {
    const object = AllTypes({ _id: new UUID() });
    expect([object.int_col, object.bool_col, object.str_col, object.enum_col]).toEqual([0, false, "unset", 1]);
    expect([object.opt_int_col, object.mixed_col]).toEqual([undefined, null]);
    expect(Dog({ _id: 1 })).toMatchObject({ name: "", owner: null, pack: [], tags: [] });
    expect(() => Dog({ _id: 1, colour: "red" } as never)).toThrow("'Dog' has no property 'colour'.");
  });

  test("an absent optional is undefined, no object is null", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, age: 3 })));
    expect([dog.age, dog.owner]).toEqual([3, null]);
    database.write(() => (dog.age = undefined));
    expect(dog.age).toBeUndefined();
    expect(dog.detach()).toMatchObject({ age: undefined, owner: null });
  });

  test("properties cannot be called as members of managed objects are", () => {
    expect(() => schema("Bad", { _id: primary_key(int64), observe: string })).toThrow(logic_error);
  });
});

describe("writing", () => {
  test("what a write throws undoes it and is thrown on", () => {
    const database = openAll();
    expect(() =>
      database.write(() => {
        database.add(Dog({ _id: 1 }));
        throw new RangeError("changed my mind");
      }),
    ).toThrow(RangeError);
    expect(database.objects(Dog).size()).toBe(0);
    expect(database.write(() => "answer")).toBe("answer");
  });

  test("begin_write and commit_write", () => {
    const database = openAll();
    database.begin_write();
    expect(() => database.begin_write()).toThrow(logic_error);
    database.add(Dog({ _id: 1 }));
    database.commit_write();
    expect(() => database.commit_write()).toThrow(logic_error);
    expect(database.objects(Dog).size()).toBe(1);
  });

  test("outside of a write nothing can be changed", () => {
    const database = openAll();
    expect(() => database.add(Dog({ _id: 1 }))).toThrow(logic_error);
    const dog = database.write(() => database.add(Dog({ _id: 1 })));
    expect(() => (dog.name = "Rex")).toThrow("Cannot modify managed objects outside of a write transaction.");
    expect(() => dog.tags.push_back("x")).toThrow(logic_error);
    expect(() => database.remove(dog)).toThrow(logic_error);
  });

  test("adding an object whose key is there updates it, all of it", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, name: "Rex", age: 3, tags: ["a"] })));
    database.write(() => database.add(Dog({ _id: 1, name: "Max" })));
    expect([database.objects(Dog).size(), dog.name, dog.age, dog.tags.size()]).toEqual([1, "Max", undefined, 0]);
  });

  test("an object brings along what it leads to", () => {
    const database = openAll();
    const owner = Person({ _id: new ObjectId(), name: "Ada", address: Address({ street: "Main St" }) });
    const puppy = Dog({ _id: 2, name: "puppy", owner });
    const dog = database.write(() => database.add(Dog({ _id: 1, owner, pack: [puppy] })));
    expect([database.objects(Dog).size(), database.objects(Person).size()]).toEqual([2, 1]);
    expect(dog.owner?.address?.street).toBe("Main St");
    expect(dog.pack[0]?.owner?.equals(dog.owner)).toBe(true);
    expect(dog.owner?.dogs.size()).toBe(2);
  });

  test("objects that lead to each other are refused when both are new", () => {
    const database = openAll();
    const dog = Dog({ _id: 1 });
    dog.friend_ = dog;
    expect(() => database.write(() => database.add(dog))).toThrow("in a circle");
    database.write(() => {
      const managed = database.add(Dog({ _id: 1 }));
      managed.friend_ = managed;
    });
    expect(database.objects(Dog)[0]?.friend_?._id).toBe(1);
  });

  test("an object of another class is refused as a link", () => {
    const database = openAll();
    const wrong = Dog({ _id: 1, owner: Dog({ _id: 2 }) as never });
    expect(() => database.write(() => database.add(wrong))).toThrow("Expected 'owner' to be a Person");
    expect(() => database.write(() => database.add({ _id: 1 } as never))).toThrow(invalid_argument);
  });

  test("several objects, and their removal", () => {
    const database = openAll();
    const [rex, ada] = database.write(() =>
      database.insert(Dog({ _id: 1, name: "Rex" }), Person({ _id: new ObjectId(), name: "Ada" })),
    );
    database.write(() => database.insert([Dog({ _id: 2 }), Dog({ _id: 3 })]));
    expect([rex.name, ada.name, database.objects(Dog).size()]).toEqual(["Rex", "Ada", 3]);
    database.write(() => database.remove(rex));
    expect([rex.is_invalidated(), database.objects(Dog).size()]).toEqual([true, 2]);
    expect(() => rex.name).toThrow(logic_error);
  });

  test("an embedded object is assigned as a struct, and removed from where it is", () => {
    const database = openAll();
    const ada = database.write(() => database.add(Person({ _id: new ObjectId() })));
    database.write(() => ada.assign({ address: Address({ street: "Main St", zip: 12 }) }));
    const { address } = ada;
    expect([address?.street, address?.zip]).toEqual(["Main St", 12]);
    expect(address !== null && ada.address !== null && address.equals(ada.address)).toBe(true);
    database.write(() => address !== null && database.remove(address));
    expect(ada.address).toBeNull();
    expect(() => database.objects(Address)).toThrow(logic_error);
  });
});

describe("collections", () => {
  test("a vector", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, tags: ["a", "b"] })));
    const { tags } = dog;
    database.write(() => {
      tags.push_back("c");
      tags[0] = "A";
      tags.insert(1, "between");
      tags.erase(2);
    });
    expect([...tags]).toEqual(["A", "between", "c"]);
    expect([tags.size(), tags[2], tags.find("c"), tags.find("z")]).toEqual([3, "c", 2, undefined]);
    expect(() => tags[3]).toThrow(out_of_range);
    expect(() => tags.at(3)).toThrow("Index out of range.");
    database.write(() => {
      tags.pop_back();
      dog.assign({ tags: [...tags.detach(), "end"] });
    });
    expect(tags.detach()).toEqual(["A", "between", "end"]);
    database.write(() => tags.clear());
    expect(tags.empty()).toBe(true);
  });

  test("values as results are live, sorted by themselves, and not queried", async () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, tags: ["b", "a"], toys: new Set(["ball"]) })));
    const tags = dog.tags.as_results();
    const sorted = tags.sort("self", false);
    const frozen = tags.freeze();
    const seen: (readonly number[])[] = [];
    sorted.observe(({ insertions }) => seen.push(insertions));
    await turn();
    database.write(() => dog.tags.push_back("c"));
    await turn();
    expect([[...tags], tags[0], tags.size(), [...dog.toys.as_results()]]).toEqual([["b", "a", "c"], "b", 3, ["ball"]]);
    expect([[...sorted], [...frozen], seen, [...frozen.thaw()]]).toEqual([
      ["c", "b", "a"],
      ["b", "a"],
      [[], [0]],
      ["b", "a", "c"],
    ]);
    expect(() => tags.at(3)).toThrow(out_of_range);
    expect(() => tags.where("TRUEPREDICATE")).toThrow(invalid_argument);
    expect(() => tags.sort("length", true)).toThrow("arrays of 'string' can only be sorted on 'self'");
    expect(() => database.objects(Dog).sort("none", true)).toThrow("property 'Dog.none' does not exist.");
  });

  test("a vector of links", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1 })));
    database.write(() => {
      dog.pack.push_back(Dog({ _id: 2, name: "two" }));
      dog.pack.push_back(dog);
    });
    expect([...dog.pack].map(({ _id }) => _id)).toEqual([2, 1]);
    expect(dog.pack.find(dog)).toBe(1);
    expect(dog.pack.where((o) => o.name.eq("two")).size()).toBe(1);
    expect(dog.pack.as_results().sort("_id", true)[0]?._id).toBe(1);
  });

  test("a set", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, toys: new Set(["ball"]) })));
    const answers = database.write(() => [
      dog.toys.insert("bone"),
      dog.toys.insert("ball"),
      dog.toys.erase("ball"),
      dog.toys.erase("ball"),
    ]);
    expect(answers).toEqual([true, false, true, false]);
    expect([dog.toys.find("bone"), dog.toys.find("ball"), dog.toys.size(), ...dog.toys]).toEqual([
      true,
      false,
      1,
      "bone",
    ]);
    expect(dog.toys.detach()).toEqual(new Set(["bone"]));
    database.write(() => dog.toys.clear());
    expect(dog.toys.size()).toBe(0);
  });

  test("a map", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, marks: new Map([["a", 1.5]]) })));
    database.write(() => {
      dog.marks.set("b", "text");
      dog.marks.set("c", null);
      dog.marks.set("dog", dog);
      dog.marks.erase("a");
    });
    expect([dog.marks.at("b"), dog.marks.at("c"), dog.marks.find("a")]).toEqual(["text", null, undefined]);
    expect([dog.marks.contains_key("c"), dog.marks.size()]).toEqual([true, 3]);
    expect(new Map(dog.marks).get("dog")).toMatchObject({ _id: 1 });
    expect(() => dog.marks.at("a")).toThrow(out_of_range);
    database.write(() => dog.marks.clear());
    expect(dog.marks.detach()).toEqual(new Map());
  });

  test("a copy has everything, and the same object once", () => {
    const database = openAll();
    const owner = Person({ _id: new ObjectId(), name: "Ada" });
    const dog = database.write(() => {
      const added = database.add(Dog({ _id: 1, owner, pack: [Dog({ _id: 2, owner })] }));
      added.friend_ = added;
      return added;
    });
    const copy = dog.detach();
    expect(copy.friend_).toBe(copy);
    expect(copy.pack[0]?.owner).toBe(copy.owner);
    expect(JSON.parse(dog.to_json())).toMatchObject({ _id: 1, friend_: null, owner: { name: "Ada" } });
    const other = openAll();
    copy.friend_ = null;
    other.write(() => other.add(copy));
    expect(other.objects(Dog).size()).toBe(2);
  });
});

describe("databases", () => {
  test("all classes that were declared are there, or those that are named", () => {
    expect(folder.open().objects(Dog).size()).toBe(0);
    const database = folder.open(Dog, Person, Address);
    expect(() => database.objects(AllTypes)).toThrow("'AllTypes' is not a class of this database.");
  });

  test("a frozen database stays as it is, a thawed one is the live one", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, name: "Rex", tags: ["a"] })));
    const frozen = folder.keep(database.freeze());
    database.write(() => {
      dog.name = "Max";
      dog.tags.push_back("b");
    });
    const [cold] = frozen.objects(Dog);
    expect([cold?.name, cold?.tags.size(), cold?.is_frozen(), frozen.is_frozen()]).toEqual(["Rex", 1, true, true]);
    expect([dog.name, dog.is_frozen(), database.is_frozen()]).toEqual(["Max", false, false]);
    expect(cold?.thaw().name).toBe("Max");
    expect([frozen.thaw().equals(database), frozen.equals(database)]).toEqual([true, false]);
    expect(() => frozen.begin_write()).toThrow(logic_error);
    expect(() => database.write(() => database.freeze())).toThrow(logic_error);
  });

  test("objects and collections are frozen and thawed one by one", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1, name: "Rex", tags: ["a"], owner: null })));
    const [cold, tags, all] = [dog.freeze(), dog.tags.freeze(), database.objects(Dog).where("name == 'Rex'").freeze()];
    database.write(() => {
      dog.name = "Max";
      dog.tags.clear();
    });
    expect([cold.name, [...tags], all.size(), all[0]?.equals(cold)]).toEqual(["Rex", ["a"], 1, true]);
    expect([tags.thaw().size(), all.thaw().size(), cold.get_realm().is_frozen()]).toEqual([0, 0, true]);
    database.write(() => database.remove(dog));
    expect(() => cold.thaw()).toThrow(new runtime_error("InvalidatedObject", "Invalid objects cannot be thawed."));
    expect(() => tags.thaw()).toThrow(runtime_error);
  });

  test("a reference is resolved once, by another database of the file", () => {
    const path = folder.path("shared.realm");
    const config = new db_config(path);
    const [one, two] = [
      folder.keep(open(config, Dog, Person, Address)),
      folder.keep(open(config, Dog, Person, Address)),
    ];
    const dog = one.write(() => one.add(Dog({ _id: 1 })));
    const reference = new thread_safe_reference(dog);
    const there = two.resolve(reference);
    expect([there._id, there.get_realm() === two, one.equals(two)]).toEqual([1, true, true]);
    expect(() => two.resolve(reference)).toThrow(logic_error);
  });

  test("a closed one throws", () => {
    const database = openAll();
    const dog = database.write(() => database.add(Dog({ _id: 1 })));
    database.close();
    database.close();
    expect([database.is_closed(), dog.is_invalidated()]).toEqual([true, true]);
    for (const call of [() => database.refresh(), () => database.objects(Dog), () => database.get_sync_session()]) {
      expect(call).toThrow("Cannot access realm that has been closed.");
    }
  });

  test("one that is not synced has no session and no subscriptions", () => {
    const database = openAll();
    expect(database.get_sync_session()).toBeUndefined();
    expect(() => database.subscriptions()).toThrow(logic_error);
  });

  test("a class that the file has otherwise is refused", () => {
    const path = folder.path("changed.realm");
    const Pet = schema("Pet", { _id: primary_key(int64), name: string });
    open(new db_config(path), Pet).close();
    const Other = schema("Pet", { _id: primary_key(int64), name: int64 });
    expect(() => open(new db_config(path), Other)).toThrow(logic_error);
    const Lonely = embedded_schema("Lonely", { of: link("Nobody") });
    expect(() => folder.open(Lonely)).toThrow(logic_error);
  });
});
