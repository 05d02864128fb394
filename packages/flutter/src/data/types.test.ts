import { expect, test } from "vitest";
import { Decimal128, ObjectId, Uuid } from "../bson.js";
import { Configuration } from "../configuration.js";
import {
  binary,
  bool,
  dateTime,
  decimal128,
  double,
  int,
  list,
  map,
  objectId,
  type Property,
  realmValue,
  set,
  string,
  uuid,
} from "../model/property.js";
import { SchemaObject } from "../model/schema.js";
import { Realm } from "../realm.js";
import { useFolder } from "../testing/folder.js";
import { RealmObject } from "./object.js";
import { RealmValue } from "./realm-value.js";
import { isSame } from "./same.js";

const folder = useFolder();

/** A type: how a property is declared, values that are kept, and what is refused with its text. */
const types: readonly (readonly [string, () => Property, readonly unknown[], unknown, string])[] = [
  ["int", int, [0, -1, 2n ** 63n - 1n, -(2n ** 63n), Number.MAX_SAFE_INTEGER], "1", "a number or bigint, got a string"],
  ["bool", bool, [true, false], 1, "a boolean, got a number"],
  ["double", double, [1.1, -0, Number.MAX_VALUE, NaN], true, "a number, got a boolean"],
  ["string", string, ["", "ünï\u{1f30a}"], 1, "a string, got a number"],
  ["binary", binary, [new Uint8Array(), Uint8Array.of(0, 255)], "x", "an instance of ArrayBuffer, got a string"],
  ["dateTime", dateTime, [new Date(0), new Date(-1), new Date(2 ** 50)], {}, "an instance of Date, got an object"],
  [
    "decimal128",
    decimal128,
    ["1.50", "-0", "NaN", "1E-6176"].map((text) => Decimal128.fromString(text)),
    {},
    "an instance of Decimal128, got an object",
  ],
  ["objectId", objectId, [new ObjectId("0123456789abcdef01234567")], "x", "an instance of ObjectId, got a string"],
  ["uuid", uuid, [new Uuid("01234567-89ab-4def-8123-456789abcdef")], 5, "an instance of UUID, got a number"],
  ["realmValue", realmValue, [2n ** 62n, 1.5, "x", null].map((one) => RealmValue.from(one)), new Set(), "Sets are not"],
];

function areSame(found: unknown, value: unknown): boolean {
  return isSame(found, value) || String(found) === String(value);
}

test.each(types)("%s: single, optional, list, set and map", (name, property, values, wrong, text) => {
  const isAny = name === "realmValue";
  const properties: Record<string, Property> = {
    id: int().primaryKey(),
    one: property(),
    list: list(property()),
    set: set(property()),
    named: map(property()),
    ...(isAny ? {} : { maybe: property().optional() }),
  };
  class T extends RealmObject.of(SchemaObject("T", properties)) {}
  let realm = folder.open(T);
  const named = new Map(values.map((value, index) => [`k${index}`, value]));
  realm.write(() => {
    values.forEach((one, id) => realm.add(new T({ id, one, list: values, set: values, named } as never)));
  });
  const { path } = realm.config;
  realm.close();
  realm = folder.keep(new Realm(Configuration.local([T], { path })));
  values.forEach((value, id) => {
    const found = realm.find(T, id)?.dynamic;
    if (found === undefined) throw new Error("it was added");
    expect(areSame(found.get("one"), value)).toBe(true);
    const all = [...found.get<Iterable<unknown>>("list")];
    const entries = [...found.get<Iterable<readonly [string, unknown]>>("named")];
    expect(all.map((one, index) => areSame(one, values[index]))).toEqual(values.map(() => true));
    expect(entries.map(([key, one]) => areSame(one, named.get(key)))).toEqual(values.map(() => true));
    expect([...found.get<Iterable<unknown>>("set")].length).toBe(values.length);
    if (!isAny) expect(found.get("maybe")).toBeNull();
  });
  const object = realm.find(T, 0)?.dynamic;
  if (object === undefined) throw new Error("it was added");
  interface Growing {
    add(value: unknown): void;
  }
  const attempts: readonly (readonly [string, (value: unknown) => void])[] = [
    ["one", (value) => object.set("one", value)],
    [`list[${values.length}]`, (value) => object.get<Growing>("list").add(value)],
    ["set", (value) => object.get<Growing>("set").add(value)],
    ['named["k"]', (value) => object.get<{ set(key: string, value: unknown): void }>("named").set("k", value)],
  ];
  for (const [place, attempt] of attempts) {
    const message = isAny ? text : `Expected '${place}' to be ${text}`;
    expect(() => realm.write(() => attempt(wrong))).toThrow(message);
    if (!isAny) expect(() => realm.write(() => attempt(null))).toThrow(message.replace(/got .*/, "got null"));
  }
});
