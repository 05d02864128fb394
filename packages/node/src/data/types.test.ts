import { expect, test } from "vitest";
import { BSON } from "../bson.js";
import { Realm } from "../index.js";
import { useFolder } from "../testing/folder.js";

const { Decimal128, ObjectId, UUID } = BSON;

/** A type: values that are kept, and what is refused with its text behind the name of the property. */
interface Type {
  readonly name: string;
  readonly values: readonly unknown[];
  readonly wrong: unknown;
  readonly text: string;
}

const types: readonly Type[] = [
  {
    name: "int",
    values: [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 62],
    wrong: "1",
    text: "to be a number or bigint, got a string",
  },
  { name: "bool", values: [true, false], wrong: 1, text: "to be a boolean, got a number" },
  { name: "float", values: [0.5, -0.25, Infinity, NaN], wrong: "x", text: "to be a number, got a string" },
  {
    name: "double",
    values: [1.1, -0, Number.MAX_VALUE, Number.MIN_VALUE, -Infinity, NaN],
    wrong: true,
    text: "to be a number, got a boolean",
  },
  { name: "string", values: ["", "a", "ünï\u{1f30a}", "\0"], wrong: 1, text: "to be a string, got a number" },
  {
    name: "data",
    values: [new ArrayBuffer(0), Uint8Array.of(0, 255).buffer],
    wrong: "x",
    text: "to be an instance of ArrayBuffer, got a string",
  },
  {
    name: "date",
    values: [new Date(0), new Date(-1), new Date(8_640_000_000_000_000)],
    wrong: {},
    text: "to be an instance of Date, got an object",
  },
  {
    name: "decimal128",
    values: ["1.50", "-0", "NaN", "Infinity", "1E-6176"].map((text) => Decimal128.fromString(text)),
    wrong: {},
    text: "to be an instance of Decimal128, got an object",
  },
  {
    name: "objectId",
    values: [new ObjectId("0123456789abcdef01234567"), new ObjectId("fedcba987654321001234567")],
    wrong: "0123456789abcdef01234567",
    text: "to be an instance of ObjectId, got a string",
  },
  {
    name: "uuid",
    values: [new UUID("01234567-89ab-4def-8123-456789abcdef")],
    wrong: 5,
    text: "to be an instance of UUID, got a number",
  },
  {
    name: "mixed",
    values: [true, 1.5, "x", new Date(5), Decimal128.fromString("1.0"), new ObjectId("0123456789abcdef01234567")],
    wrong: Symbol("s"),
    text: "to be a value that can be stored, got a symbol",
  },
];

const folder = useFolder();

/** Values by what they say: BSON's compare by identity otherwise. */
function said(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return [...new Uint8Array(value)];
  if (value instanceof Date) return value.getTime();
  return typeof value === "object" && value !== null && "_bsontype" in value ? JSON.stringify(value) : value;
}

function inOrder(values: Iterable<unknown>): unknown[] {
  return Array.from(values, said).toSorted((a, b) => (String(a) < String(b) ? -1 : 1));
}

test.each(types)("$name: single, optional, list, set and dictionary", ({ name, values, wrong, text }) => {
  const isMixed = name === "mixed";
  const schema: Realm.ObjectSchema = {
    name: "T",
    primaryKey: "_id",
    properties: {
      _id: "int",
      one: isMixed ? { type: "mixed" } : { type: name as "int" },
      maybe: `${name}${isMixed ? "" : "?"}`,
      list: `${name}[]`,
      nulls: `${name}${isMixed ? "" : "?"}[]`,
      set: `${name}<>`,
      named: `${name}{}`,
    },
  };
  interface T {
    _id: number;
    one: unknown;
    maybe: unknown;
    list: Realm.List;
    nulls: Realm.List;
    set: Realm.Set;
    named: Realm.Dictionary;
  }
  let realm = folder.open([schema]);
  const entries = Object.fromEntries(values.map((value, index) => [`k${index}`, value]));
  realm.write(() => {
    values.forEach((one, _id) =>
      realm.create("T", { _id, one, maybe: null, list: values, nulls: [null, one], set: values, named: entries }),
    );
  });
  const { path } = realm;
  realm.close();
  realm = folder.keep(new Realm({ path, schema: [schema] }));
  values.forEach((value, key) => {
    const found = realm.objectForPrimaryKey<T>("T", key);
    if (found === null) throw new Error("it was created");
    expect([said(found.one), found.maybe]).toEqual([said(value), null]);
    expect(Array.from(found.list, said)).toEqual(values.map(said));
    expect(Array.from(found.nulls, said)).toEqual([null, said(value)]);
    expect(inOrder(found.set)).toEqual(inOrder(values));
    expect(Object.entries(found.named).map(([name_, one]) => [name_, said(one)])).toEqual(
      Object.entries(entries).map(([name_, one]) => [name_, said(one)]),
    );
  });
  const object = realm.objectForPrimaryKey<T>("T", 0);
  if (object === null) throw new Error("it was created");
  const before = JSON.stringify(object);
  const refuse = (change: () => void, message: string): void => {
    expect(() => realm.write(change)).toThrow(message);
  };
  refuse(() => (object.one = wrong), `Expected 'one' ${text}`);
  refuse(() => realm.create("T", { ...entries, _id: 99, one: wrong }), `Expected 'one' ${text}`);
  refuse(() => (object.maybe = wrong), `Expected 'maybe' ${text}`);
  refuse(() => object.list.push(wrong), `Expected 'list[${values.length}]' ${text}`);
  refuse(() => object.set.add(wrong), `Expected 'set' ${text}`);
  refuse(() => object.named.set("k", wrong), `Expected 'named["k"]' ${text}`);
  if (!isMixed) {
    const nullText = text.replace(/got .*/, "got null");
    refuse(() => (object.one = null), `Expected 'one' ${nullText}`);
    refuse(() => object.list.push(null), `Expected 'list[${values.length}]' ${nullText}`);
    refuse(() => object.set.add(null), `Expected 'set' ${nullText}`);
    refuse(() => object.named.set("k", null), `Expected 'named["k"]' ${nullText}`);
  }
  expect(JSON.stringify(object)).toBe(before);
  expect(realm.objectForPrimaryKey("T", 99)).toBeNull();
});
