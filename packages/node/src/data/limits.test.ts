import { expect, test } from "vitest";
import { Realm } from "../realm.js";
import type { ObjectSchema } from "../schema/types.js";
import { useFolder } from "../testing/folder.js";

const folder = useFolder();
/** Longest text and binary, in bytes: 16 MiB less what stands around them. */
const valueBytesMax = 16_777_199;

const all: ObjectSchema = {
  name: "All",
  primaryKey: "_id",
  properties: {
    _id: "int",
    text: "string?",
    bytes: "data?",
    any: "mixed",
    texts: "string[]",
    set: "string<>",
    entries: "int{}",
    list: "int[]",
  },
};

interface All {
  text: string | null;
  bytes: ArrayBuffer | null;
  any: unknown;
  texts: Realm.List<string>;
  set: Realm.Set<string>;
  entries: Realm.Dictionary<number>;
  list: Realm.List<number>;
}

function withOne(): { realm: Realm; one: All } {
  const realm = folder.open([all]);
  const one = realm.write(() => realm.create("All", { _id: 1 })) as unknown as All;
  return { realm, one };
}

/** What refuses something, in words; nothing of the transaction stays. */
function refusal(realm: Realm, work: () => void): string {
  try {
    realm.write(work);
  } catch (error) {
    return error instanceof Error ? error.message : "no error";
  }
  return "nothing thrown";
}

const open = (name: string, properties: Record<string, string>): Realm =>
  folder.open([{ name, primaryKey: "_id", properties: { _id: "int", ...properties } }]);

test("texts and binaries may have 16 MiB less what stands around them, wherever they are", () => {
  const { realm, one } = withOne();
  const [text, longer] = ["x".repeat(valueBytesMax), "x".repeat(valueBytesMax + 1)];
  realm.write(() => {
    one.text = text;
    one.bytes = new ArrayBuffer(valueBytesMax);
  });
  expect([one.text === text, one.bytes?.byteLength]).toEqual([true, valueBytesMax]);
  const refused: [string, () => void][] = [
    ["a text", () => (one.text = longer)],
    // Bytes count, and not characters.
    ["a text of fewer characters", () => (one.text = "é".repeat(valueBytesMax / 2 + 1))],
    ["a binary", () => (one.bytes = new ArrayBuffer(valueBytesMax + 1))],
    ["a mixed text", () => (one.any = longer)],
    ["a mixed binary", () => (one.any = new ArrayBuffer(valueBytesMax + 1))],
    ["an element", () => one.texts.push(longer)],
    ["an element of a set", () => one.set.add(longer)],
    ["a text inside a mixed list", () => (one.any = [longer])],
  ];
  for (const [what, work] of refused) expect(refusal(realm, work), what).toContain("too big");
  expect([one.text === text, one.any, one.texts.length, one.set.size]).toEqual([true, null, 0, 0]);
}, 120_000);

test("class names may have 57 bytes and names of properties 63", () => {
  for (const [name, longer] of [
    ["C".repeat(57), "C".repeat(58)],
    ["é".repeat(28), "é".repeat(29)],
  ] as const) {
    expect(open(name, {}).schema.map((known) => known.name)).toEqual([name]);
    expect(() => open(longer, {})).toThrow("the name is too long");
  }
  for (const [name, longer] of [
    ["p".repeat(63), "p".repeat(64)],
    ["é".repeat(31), "é".repeat(32)],
  ] as const) {
    const realm = open("C", { [name]: "int" });
    expect(realm.write(() => realm.create("C", { _id: 1, [name]: 5 })).toJSON()).toEqual({ _id: 1, [name]: 5 });
    expect(() => open("C", { [longer]: "int" })).toThrow("the name is too long");
  }
});

test("collections inside mixed values go down to a depth of 100", () => {
  const { realm, one } = withOne();
  const nested = (depth: number, innermost: unknown): unknown => {
    let value = innermost;
    for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { k: value };
    return value;
  };
  realm.write(() => (one.any = nested(100, "end")));
  let depth = 0;
  let value = one.any;
  while (typeof value === "object" && value !== null) {
    value = value instanceof Realm.List ? value[0] : (value as Record<string, unknown>)["k"];
    depth += 1;
  }
  expect([depth, value]).toEqual([100, "end"]);
  expect(refusal(realm, () => (one.any = nested(101, "end")))).toMatch(/nest|deep/iu);
});

test("keys of dictionaries are neither names of operators nor paths", () => {
  const { realm, one } = withOne();
  const keys = ["", "\0", "a\0b", "😀", "k".repeat(4_000), "a$", "0", "length"];
  realm.write(() => one.entries.set(Object.fromEntries(keys.map((key, index) => [key, index]))));
  expect(keys.map((key) => one.entries[key])).toEqual(keys.map((_, index) => index));
  for (const key of ["$", "$a", ".", "a.b"]) {
    expect(
      refusal(realm, () => one.entries.set(key, 1)),
      key,
    ).not.toBe("nothing thrown");
  }
  expect(Object.keys(one.entries)).toHaveLength(keys.length);
});

test("a class may have hundreds of properties, and a list many elements", () => {
  const names = Array.from({ length: 200 }, (_, index) => `p${index}`);
  const realm = open("Wide", Object.fromEntries(names.map((name) => [name, "int"])));
  const values = Object.fromEntries(names.map((name, index) => [name, index]));
  const object = realm.write(() => realm.create("Wide", { _id: 1, ...values }));
  expect(object.toJSON()).toEqual({ _id: 1, ...values });
  const { realm: other, one } = withOne();
  other.write(() => one.list.push(...Array.from({ length: 2_000 }, (_, index) => index)));
  expect([one.list.length, one.list[1_999]]).toEqual([2_000, 1_999]);
}, 60_000);
