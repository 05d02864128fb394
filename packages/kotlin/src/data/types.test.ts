import { expect, test } from "vitest";
import {
  any,
  binary,
  boolean,
  Decimal128,
  decimal128,
  dictionary,
  double,
  float,
  instant,
  int,
  list,
  long,
  nullable,
  ObjectId,
  objectId,
  primaryKey,
  type Property,
  RealmAny,
  RealmInstant,
  realmObject,
  RealmUUID,
  set,
  string,
  uuid,
} from "../index.js";
import type { RealmDictionary } from "./dictionary.js";
import type { RealmList } from "./list.js";
import type { RealmSet } from "./set.js";
import { areEqual } from "./collection.js";
import { useFolder } from "../testing/folder.js";

const folder = useFolder();

/** A type: how a property is declared, values that are kept, and what is refused with its text. */
const types: readonly (readonly [string, () => Property<unknown>, readonly unknown[], unknown, string])[] = [
  [
    "long",
    long,
    [0, -1, 2n ** 63n - 1n, -(2n ** 63n), Number.MAX_SAFE_INTEGER],
    "1",
    "a number or bigint, got a string",
  ],
  ["boolean", boolean, [true, false], 1, "a boolean, got a number"],
  ["float", float, [0.5, Infinity, NaN], "x", "a number, got a string"],
  ["double", double, [1.1, -0, Number.MAX_VALUE, NaN], true, "a number, got a boolean"],
  ["string", string, ["", "ünï\u{1f30a}"], 1, "a string, got a number"],
  ["binary", binary, [new Uint8Array(), Uint8Array.of(0, 255)], "x", "an instance of ArrayBuffer, got a string"],
  [
    "instant",
    instant,
    [RealmInstant.from(0, 1), RealmInstant.from(-5, -999_999_999), RealmInstant.from(2 ** 40, 123_456_789)],
    {},
    "an instance of Date, got an object",
  ],
  [
    "decimal128",
    decimal128,
    ["1.50", "-0", "NaN", "1E-6176"].map((text) => Decimal128.fromString(text)),
    {},
    "an instance of Decimal128, got an object",
  ],
  ["objectId", objectId, [new ObjectId("0123456789abcdef01234567")], "x", "an instance of ObjectId, got a string"],
  ["uuid", uuid, [RealmUUID.from("01234567-89ab-4def-8123-456789abcdef")], 5, "an instance of UUID, got a number"],
  [
    "any",
    any,
    [RealmAny.create(2n ** 62n), RealmAny.create(1, "FLOAT"), RealmAny.create(RealmInstant.from(1, 1))],
    Symbol("s"),
    "a value that can be stored, got a symbol",
  ],
];

test.each(types)("%s: single, nullable, list, set and dictionary", (name, property, values, wrong, text) => {
  const isAny = name === "any";
  class T extends realmObject("T", {
    id: primaryKey(int()),
    one: property(),
    maybe: isAny ? property() : nullable(property()),
    list: list(property()),
    set: set(property()),
    named: dictionary(property()),
  }) {
    declare list: RealmList<unknown>;
    declare set: RealmSet<unknown>;
    declare named: RealmDictionary<unknown>;
  }
  const realm = folder.open(T);
  realm.writeBlocking((tx) => {
    values.forEach((one, id) => {
      const made = new T().apply((object) => Object.assign(object, { id, one }));
      made.list.addAll(values);
      made.set.addAll(values);
      made.named.putAll(values.map((value, index) => [`k${index}`, value]));
      tx.copyToRealm(made);
    });
  });
  const read = realm.query(T).sort("id").find();
  const are = (found: Iterable<unknown>): boolean =>
    [...found].length === values.length &&
    [...found].every((one, index) => areEqual(one, values[index]) || one !== one);
  values.forEach((value, id) => {
    const found = read.get(id);
    expect(areEqual(found.one, value) || Object.is(found.one, value)).toBe(true);
    expect([found.maybe, are(found.list), are(found.named.values()), found.set.size]).toEqual([
      null,
      true,
      true,
      values.length,
    ]);
  });
  const refuse = (change: (object: T) => void, place: string, message: string): void => {
    const work = (): unknown => realm.writeBlocking((tx) => change(tx.query(T, "id == 0").find().first()));
    expect(work).toThrow(`Expected '${place}' to be ${message}`);
  };
  const given: readonly (readonly [unknown, string])[] = isAny
    ? [[wrong, text]]
    : [
        [wrong, text],
        [null, text.replace(/got .*/, "got null")],
      ];
  for (const [value, message] of given) {
    refuse((object) => (object.one = value), "one", message);
    refuse((object) => object.list.add(value), `list[${values.length}]`, message);
    refuse((object) => object.set.add(value), "set", message);
    refuse((object) => object.named.set("k", value), 'named["k"]', message);
  }
});

test("aggregates of decimals and of values of any type", () => {
  class Amount extends realmObject("Amount", { id: primaryKey(int()), exact: nullable(decimal128()), value: any() }) {}
  const realm = folder.open(Amount);
  const rows: readonly (readonly [string | null, RealmAny | null])[] = [
    ["1.10", RealmAny.create(1)],
    ["2.2", RealmAny.create(0.5)],
    [null, RealmAny.create(Decimal128.fromString("0.25"))],
    ["-3", RealmAny.create("text")],
    ["0", null],
  ];
  realm.writeBlocking((tx) => {
    rows.forEach(([exact, value], id) => {
      const given = exact === null ? null : Decimal128.fromString(exact);
      tx.copyToRealm(new Amount().apply((object) => Object.assign(object, { id, exact: given, value })));
    });
  });
  const all = realm.query(Amount);
  expect([all.sum("exact").find().toString(), all.sum("value").find().toString()]).toEqual(["0.30", "1.75"]);
  expect([String(all.min("exact").find()), String(all.max("exact").find())]).toEqual(["-3", "2.2"]);
  expect([all.min("value").find()?.asDecimal128().toString(), all.max("value").find()?.asString()]).toEqual([
    "0.25",
    "text",
  ]);
  const none = realm.query(Amount, "id > 99");
  expect([none.sum("exact").find().toString(), none.min("exact").find(), none.max("value").find()]).toEqual([
    "0",
    null,
    null,
  ]);
});
