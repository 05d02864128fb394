/**
 * D: every type of value, collections, links, counters, objects that are only sent.
 *
 * @module
 */

import type { Model, OpenOptions, SpecialValue, TestRealm, Value } from "../adapter.js";
import type { Stage } from "../harness/stage.js";
import { pending, type Scenario } from "../scenario.js";
import { copies } from "./files.js";

function special(type: SpecialValue["type"], text: string): SpecialValue {
  return { type, text };
}

function all(...classNames: readonly string[]): NonNullable<OpenOptions["subscriptions"]> {
  return classNames.map((className) => ({ name: `all of ${className}`, className }));
}

// --- D-01 ---------------------------------------------------------------------------------------------------

const scalarTypes = ["int", "double", "bool", "string", "date", "data", "objectId", "uuid", "decimal128"] as const;

/** Every type, required and optional. */
const everything: Model = {
  name: "Everything",
  primaryKey: "_id",
  properties: {
    _id: "int",
    ...Object.fromEntries(scalarTypes.map((type) => [`a_${type}`, type])),
    ...Object.fromEntries(scalarTypes.map((type) => [`o_${type}`, `${type}?`])),
    any: "mixed",
  },
};

type Row = Readonly<Record<(typeof scalarTypes)[number], Value>>;

/** Nothing in it, as far as there is such a value. */
const emptyRow: Row = {
  int: 0,
  double: 0,
  bool: false,
  string: "",
  date: special("date", "1970-01-01T00:00:00.000Z"),
  data: special("data", ""),
  objectId: special("objectId", "0".repeat(24)),
  uuid: special("uuid", "00000000-0000-0000-0000-000000000000"),
  decimal128: special("decimal", "0"),
};

/** @param hasExactIntegers whether integers beyond 2^53 are shown as they are. */
function rowsFor(hasExactIntegers: boolean): readonly Row[] {
  const [min, max] = hasExactIntegers
    ? [special("int", "-9223372036854775808"), special("int", "9223372036854775807")]
    : [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  const digits = "9".repeat(33);
  return [
    emptyRow,
    {
      int: min,
      double: -Number.MAX_VALUE,
      bool: true,
      string: "Größe, 漢字, 🐕‍🦺, עברית, e\u0301",
      date: special("date", "0001-01-01T00:00:00.001Z"),
      data: special("data", "00ff80"),
      objectId: special("objectId", "f".repeat(24)),
      uuid: special("uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
      decimal128: special("decimal", `-9.${digits}E+6144`),
    },
    {
      ...emptyRow,
      int: max,
      double: Number.MAX_VALUE,
      date: special("date", "9999-12-31T23:59:59.999Z"),
      decimal128: special("decimal", `9.${digits}E+6144`),
    },
    { ...emptyRow, int: -1, double: special("double", "NaN"), decimal128: special("decimal", "NaN") },
    { ...emptyRow, double: special("double", "-0"), decimal128: special("decimal", "1E-6176") },
    { ...emptyRow, double: special("double", "Infinity"), decimal128: special("decimal", "Infinity") },
    { ...emptyRow, double: special("double", "-Infinity"), decimal128: special("decimal", "-Infinity") },
    { ...emptyRow, double: Number.MIN_VALUE, decimal128: special("decimal", "1.10") },
  ];
}

/** Everything that a mixed field is given, in the order of the objects. */
function anyValues(rows: readonly Row[]): readonly Value[] {
  return [null, ...rows.flatMap((row) => Object.values(row))];
}

/** Fields of an object as they are read. */
function fieldsOf(realm: TestRealm, key: number): Readonly<Record<string, Value | undefined>> {
  const found = realm.find("Everything", key);
  const names = Object.keys(everything.properties).filter((name) => name !== "_id");
  return Object.fromEntries(names.map((name) => [name, found?.get(name)]));
}

async function roundTrip(stage: Stage): Promise<void> {
  const rows = rowsFor(stage.adapter.facade !== "node");
  const given = anyValues(rows).map((any, position): Readonly<Record<string, Value>> => {
    const row = rows[position % rows.length] ?? emptyRow;
    return {
      ...Object.fromEntries(scalarTypes.map((type) => [`a_${type}`, row[type]])),
      // Every other object has nothing where there may be nothing.
      ...Object.fromEntries(scalarTypes.map((type) => [`o_${type}`, position % 2 === 0 ? null : row[type]])),
      any,
    };
  });
  const options = { models: [everything], subscriptions: all("Everything") };
  const [writer, reader] = [await stage.readyDevice(options), await stage.readyDevice(options)];
  writer.realm.write(() => {
    for (const [key, { any = null, ...fields }] of given.entries()) {
      writer.realm.create("Everything", { _id: key, ...fields, any: { mixed: any } });
    }
  });
  await stage.settle(writer.session, reader.session);
  for (const [key, expected] of given.entries()) {
    stage.equal(fieldsOf(writer.realm, key), expected, `object ${key} at the writer`);
    stage.equal(fieldsOf(reader.realm, key), expected, `object ${key} at the reader`);
  }
}

const tooLong = 17_000_000;

async function limits(stage: Stage): Promise<void> {
  const options = { models: [everything], subscriptions: all("Everything") };
  const [writer, reader] = [await stage.readyDevice(options), await stage.readyDevice(options)];
  const fields = Object.fromEntries(scalarTypes.map((type) => [`a_${type}`, emptyRow[type]]));
  for (const over of [
    { a_string: "x".repeat(tooLong) },
    { a_data: special("data", "00".repeat(tooLong)) },
    { any: { mixed: "x".repeat(tooLong) } },
  ]) {
    const write = Promise.resolve().then(() =>
      writer.realm.write(() => writer.realm.create("Everything", { _id: 1, ...fields, ...over })),
    );
    const { message } = await stage.rejection(write, `writing ${Object.keys(over).join()}`);
    stage.check(message !== "", "the error says something");
    stage.equal(writer.realm.count("Everything"), 0, "objects after the error");
  }
  const megabyte = "y".repeat(1_000_000);
  writer.realm.write(() => writer.realm.create("Everything", { _id: 2, ...fields, a_string: megabyte }));
  await stage.settle(writer.session, reader.session);
  stage.check(reader.realm.find("Everything", 2)?.get("a_string") === megabyte, "a megabyte arrives");
}

// --- D-03 ---------------------------------------------------------------------------------------------------

const box: Model = {
  name: "Box",
  primaryKey: "_id",
  properties: { _id: "int", numbers: "int<>", names: "string{}", things: "mixed[]", labels: "mixed{}" },
};

/** A box with everything in it. */
function contents(realm: TestRealm): unknown {
  const found = realm.find("Box", 1);
  return {
    numbers: found?.members("numbers").values(),
    names: found?.entries("names").all(),
    things: found?.list("things").values(),
    labels: found?.entries("labels").all(),
  };
}

async function collections(stage: Stage): Promise<void> {
  const options = { models: [box], subscriptions: all("Box") };
  const [first, second] = [await stage.readyDevice(options), await stage.readyDevice(options)];
  first.realm.write(() => first.realm.create("Box", { _id: 1 }));
  first.realm.write(() => {
    const found = first.realm.find("Box", 1);
    for (const number of [1, 2, 3]) found?.members("numbers").add(number);
    found?.entries("names").put("stays", "as it was");
    found?.entries("names").put("goes", "away");
  });
  await stage.settle(first.session, second.session);
  first.session.pause();
  second.session.pause();
  first.realm.write(() => {
    const found = first.realm.find("Box", 1);
    found?.members("numbers").add(4);
    found?.members("numbers").remove(1);
    found?.entries("names").put("of the first", "1");
    found?.entries("names").put("of both", "earlier");
    found?.list("things").push({ mixed: "a text" });
    found?.entries("labels").put("price", { mixed: special("decimal", "9.99") });
  });
  await stage.sleep(20);
  second.realm.write(() => {
    const found = second.realm.find("Box", 1);
    found?.members("numbers").add(4);
    found?.members("numbers").add(5);
    found?.entries("names").remove("goes");
    found?.entries("names").put("of both", "later");
    found?.list("things").push({ mixed: 1.5 });
    found?.list("things").push({ mixed: null });
    found?.entries("labels").put("since", { mixed: special("date", "2024-02-29T12:00:00.000Z") });
  });
  first.session.resume();
  second.session.resume();
  await stage.settle(first.session, second.session);
  await stage.settle(first.session, second.session);
  stage.equal(contents(first.realm), contents(second.realm), "both devices");
  const found = second.realm.find("Box", 1);
  stage.equal(found?.members("numbers").values(), [2, 3, 4, 5], "numbers");
  const names = [
    ["of both", "later"],
    ["of the first", "1"],
    ["stays", "as it was"],
  ];
  stage.equal<unknown>(found?.entries("names").all(), names, "names");
  stage.equal(found?.list("things").values().map(String).toSorted(), ["1.5", "a text", "null"], "things");
  const labels = [
    ["price", special("decimal", "9.99")],
    ["since", special("date", "2024-02-29T12:00:00.000Z")],
  ];
  stage.equal<unknown>(found?.entries("labels").all(), labels, "labels");
}

// --- D-03b --------------------------------------------------------------------------------------------------

const free: Model = { name: "Free", primaryKey: "_id", properties: { _id: "int", any: "mixed", many: "mixed[]" } };

async function nested(stage: Stage): Promise<void> {
  const options = { models: [free], subscriptions: all("Free") };
  const [first, second] = [await stage.readyDevice(options), await stage.readyDevice(options)];
  const tree: Value = {
    entries: [
      ["list", ["a", null, special("decimal", "1.50"), ["deep"]]],
      ["map", { entries: [["count", 1.5]] }],
      ["nothing", { entries: [] }],
    ],
  };
  first.realm.write(() => first.realm.create("Free", { _id: 1, any: { mixed: tree } }));
  first.realm.write(() => {
    first.realm
      .find("Free", 1)
      ?.list("many")
      .push({ mixed: [["x"]] });
    first.realm.find("Free", 1)?.list("many").push({ mixed: tree });
  });
  await stage.settle(first.session, second.session);
  const read = (realm: TestRealm): unknown => {
    const found = realm.find("Free", 1);
    return [found?.get("any"), found?.list("many").values()];
  };
  stage.equal<unknown>(read(second.realm), [tree, [[["x"]], tree]], "what the other device wrote");
  first.session.pause();
  second.session.pause();
  first.realm.write(() => {
    const found = first.realm.find("Free", 1);
    found?.nestedList("any", ["list"]).push({ mixed: "of the first" });
    found?.nestedList("any", ["list", 3]).insert(0, { mixed: "first" });
    found?.nestedEntries("any", ["map"]).put("one", { mixed: true });
    found?.nestedEntries("any", []).remove("nothing");
  });
  await stage.sleep(20);
  second.realm.write(() => {
    const found = second.realm.find("Free", 1);
    found?.nestedList("any", ["list"]).remove(0);
    found?.nestedList("any", ["list", 2]).push({ mixed: { entries: [["k", ["v"]]] } });
    found?.nestedEntries("any", ["map"]).put("two", { mixed: [special("date", "2024-02-29T12:00:00.000Z")] });
    found?.list("many").remove(0);
    found?.list("many").set(0, { mixed: { entries: [["new", []]] } });
  });
  first.session.resume();
  second.session.resume();
  await stage.settle(first.session, second.session);
  await stage.settle(first.session, second.session);
  stage.equal(read(first.realm), read(second.realm), "both devices");
  const map: Value = {
    entries: [
      ["count", 1.5],
      ["one", true],
      ["two", [special("date", "2024-02-29T12:00:00.000Z")]],
    ],
  };
  const list: Value = [
    null,
    special("decimal", "1.50"),
    ["first", "deep", { entries: [["k", ["v"]]] }],
    "of the first",
  ];
  const merged: Value = {
    entries: [
      ["list", list],
      ["map", map],
    ],
  };
  stage.equal<unknown>(read(first.realm), [merged, [{ entries: [["new", []]] }]], "what was merged");
}

// --- D-04 ---------------------------------------------------------------------------------------------------

const family: readonly Model[] = [
  { name: "Address", embedded: true, properties: { street: "string", zip: "int?" } },
  {
    name: "Person",
    primaryKey: "_id",
    properties: { _id: "int", name: "string", address: "Address", dogs: "Pet.owner" },
  },
  { name: "Pet", primaryKey: "_id", properties: { _id: "int", owner: "Person" } },
];

const ada = { className: "Person", key: 1 };

async function links(stage: Stage): Promise<void> {
  const options = { models: family, subscriptions: all("Person", "Pet") };
  const [first, second] = [await stage.readyDevice(options), await stage.readyDevice(options)];
  first.realm.write(() => {
    first.realm.create("Person", { _id: 1, name: "Ada" });
    first.realm.embed(ada, "address", "Address", { street: "Main Street", zip: 12 });
    for (const key of [1, 2]) {
      first.realm.create("Pet", { _id: key });
      first.realm.link({ className: "Pet", key }, "owner", ada);
    }
  });
  await stage.settle(first.session, second.session);
  const address = second.realm.find("Person", 1)?.linked("address");
  stage.equal([address?.get("street"), address?.get("zip")], ["Main Street", 12], "embedded object");
  stage.equal(second.realm.find("Pet", 2)?.linked("owner")?.get("name"), "Ada", "linked object");
  stage.equal(second.realm.find("Person", 1)?.linking("dogs"), [1, 2], "backlinks");
  second.realm.write(() => {
    second.realm.find("Person", 1)?.linked("address")?.set("street", "High Street");
    second.realm.find("Person", 1)?.linked("address")?.set("zip", null);
    second.realm.link({ className: "Pet", key: 2 }, "owner", null);
  });
  await stage.settle(second.session, first.session);
  const moved = first.realm.find("Person", 1)?.linked("address");
  stage.equal([moved?.get("street"), moved?.get("zip")], ["High Street", null], "embedded object after an edit");
  stage.equal(first.realm.find("Person", 1)?.linking("dogs"), [1], "backlinks after an edit");
  first.realm.write(() => {
    first.realm.embed(ada, "address", "Address", null);
  });
  await stage.settle(first.session, second.session);
  stage.check(second.realm.find("Person", 1)?.linked("address") === null, "the embedded object is gone");
  first.realm.write(() => first.realm.delete("Person", 1));
  await stage.settle(first.session, second.session);
  stage.check(second.realm.find("Pet", 1)?.linked("owner") === null, "the link leads nowhere");
}

// --- D-05, D-06 ---------------------------------------------------------------------------------------------

const tally: Model = { name: "Tally", primaryKey: "_id", properties: { _id: "int", count: "counter" } };

async function counters(stage: Stage): Promise<void> {
  const options = { models: [tally], subscriptions: all("Tally") };
  const [first, second] = [await stage.readyDevice(options), await stage.readyDevice(options)];
  first.realm.write(() => first.realm.create("Tally", { _id: 1, count: 10 }));
  await stage.settle(first.session, second.session);
  first.session.pause();
  second.session.pause();
  first.realm.write(() => first.realm.find("Tally", 1)?.increment("count", 3));
  second.realm.write(() => second.realm.find("Tally", 1)?.increment("count", -1));
  second.realm.write(() => second.realm.find("Tally", 1)?.increment("count", 5));
  first.session.resume();
  second.session.resume();
  await stage.settle(first.session, second.session);
  await stage.settle(first.session, second.session);
  for (const { realm } of [first, second]) stage.equal(realm.find("Tally", 1)?.get("count"), 17, "count");
}

const reading: Model = {
  name: "Reading",
  primaryKey: "_id",
  asymmetric: true,
  properties: { _id: "objectId", value: "double" },
};

async function onlySent(stage: Stage): Promise<void> {
  const { realm, session } = await stage.readyDevice({ models: [reading], subscriptions: [] });
  stage.equal(await stage.objectsOnServer("Reading"), 0, "objects on the server before");
  realm.write(() => {
    realm.create("Reading", { _id: special("objectId", "0123456789abcdef01234567"), value: 1.5 });
    realm.create("Reading", { _id: special("objectId", "fedcba987654321001234567"), value: 2.5 });
  });
  stage.equal(await session.waitUp(), "done", "upload");
  stage.equal(await stage.objectsOnServer("Reading"), 2, "objects on the server");
  await stage.rejection(
    Promise.resolve().then(() => realm.count("Reading")),
    "reading what is only sent",
  );
}

export const typeScenarios: readonly Scenario[] = [
  {
    id: "D-01",
    title: "every type goes from one device to another: null, the least and greatest, NaN, -0, empty, any script",
    run: roundTrip,
  },
  { id: "D-01b", title: "what is longer than 16 MB is refused, and the realm goes on", run: limits },
  { id: "D-03", title: "sets, dictionaries and values of any type edited on both sides converge", run: collections },
  { id: "D-03b", title: "collections nested in values of any type, edited on both sides, converge", run: nested },
  { id: "D-04", title: "embedded objects, links and backlinks", run: links },
  {
    id: "D-05",
    title: "what two devices add to a counter adds up",
    facades: ["node", "kotlin"],
    elsewhere: "the Flutter and C++ SDKs have no counters",
    needs: ["counters"],
    run: counters,
  },
  { id: "D-06", title: "objects that are only sent are on the server, and cannot be read", run: onlySent },
  pending("D-07", "what the server inserts arrives with its id", "the server has no way to insert documents by itself"),
  {
    id: "D-11",
    title: "copies of synced realms, and what is refused",
    facades: ["node", "kotlin", "flutter"],
    run: copies,
  },
  pending(
    "D-12",
    "the original SDK syncs with each facade",
    "the stage `interop` has the Kotlin SDK's client beside `@tidemark/node`; others cannot be run here",
  ),
];
