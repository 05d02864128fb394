import { Decimal128, ObjectId, UUID } from "@tidemark/engine/bson";
import { expect, test } from "vitest";
import { open } from "../db.js";
import { db_config } from "../db-config.js";
import { schema } from "../schema/model.js";
import {
  binary,
  bool,
  decimal128,
  double,
  float,
  int64,
  map,
  mixed,
  object_id,
  optional,
  primary_key,
  type property,
  set,
  string,
  time_point,
  uuid,
  vector,
} from "../schema/types.js";
import { useFolder } from "../testing/folder.js";
import { areSame } from "./values.js";

const folder = useFolder();

/** A type: its name, values that are kept, and what is refused with its text. */
const types: readonly (readonly [string, property<unknown, "plain">, readonly unknown[], unknown, string])[] = [
  [
    "int64",
    int64,
    [0, -1, 2n ** 63n - 1n, -(2n ** 63n), Number.MAX_SAFE_INTEGER],
    "1",
    "a number or bigint, got a string",
  ],
  ["bool", bool, [true, false], 1, "a boolean, got a number"],
  ["float", float, [0.5, Infinity, NaN], "x", "a number, got a string"],
  ["double", double, [1.1, -0, Number.MAX_VALUE, NaN], true, "a number, got a boolean"],
  ["string", string, ["", "ünï\u{1f30a}"], 1, "a string, got a number"],
  ["binary", binary, [new Uint8Array(), Uint8Array.of(0, 255)], "x", "an instance of ArrayBuffer, got a string"],
  ["time_point", time_point, [new Date(0), new Date(-1), new Date(2 ** 50)], {}, "an instance of Date, got an object"],
  [
    "decimal128",
    decimal128,
    ["1.50", "-0", "NaN", "1E-6176"].map((text) => Decimal128.fromString(text)),
    {},
    "an instance of Decimal128, got an object",
  ],
  ["object_id", object_id, [new ObjectId("0123456789abcdef01234567")], "x", "an instance of ObjectId, got a string"],
  ["uuid", uuid, [new UUID("01234567-89ab-4def-8123-456789abcdef")], 5, "an instance of UUID, got a number"],
  ["mixed", mixed, [2n ** 62n, 1.5, "x", true], Symbol("s"), "a value that can be stored, got a symbol"],
];

/** A collection of whatever elements. */
interface Growing {
  push_back(value: unknown): void;
  insert(value: unknown): void;
  set(key: string, value: unknown): void;
  detach(): Iterable<unknown>;
}

test.each(types)("%s: single, optional, vector, set and map", (name, type, values, wrong, text) => {
  const isMixed = name === "mixed";
  const T = schema("T", {
    _id: primary_key(int64),
    one: type,
    maybe: isMixed ? type : optional(type),
    list: vector(type),
    set: set(type),
    named: map(type),
  });
  const path = folder.path(`${name}.realm`);
  let database = folder.keep(open(new db_config(path), T));
  const named = new Map(values.map((value, index) => [`k${index}`, value]));
  database.write(() => {
    values.forEach((one, _id) => {
      database.add(T({ _id, one, list: values, set: new Set(values), named } as never));
    });
  });
  database.close();
  database = folder.keep(open(new db_config(path), T));
  const found = (key: number): Record<string, unknown> => {
    const object: unknown = database.find(T, key);
    return object as Record<string, unknown>;
  };
  values.forEach((value, key) => {
    const { one, maybe, list, set: members, named: entries } = found(key);
    expect([areSame(one, value), maybe ?? null]).toEqual([true, null]);
    const all = [...(list as Growing).detach()];
    expect(all.map((element, index) => areSame(element, values[index]))).toEqual(values.map(() => true));
    expect([...(members as Growing).detach()].length).toBe(values.length);
    const pairs = [...((entries as Growing).detach() as Iterable<readonly [string, unknown]>)];
    expect(pairs.map(([name_, element]) => areSame(element, named.get(name_)))).toEqual(values.map(() => true));
  });
  const object = found(0);
  const attempts: readonly (readonly [string, (value: unknown) => void])[] = [
    ["one", (value) => (object["one"] = value)],
    [`list[${values.length}]`, (value) => (object["list"] as Growing).push_back(value)],
    ["set", (value) => (object["set"] as Growing).insert(value)],
    ['named["k"]', (value) => (object["named"] as Growing).set("k", value)],
  ];
  for (const [place, attempt] of attempts) {
    expect(() => database.write(() => attempt(wrong))).toThrow(`Expected '${place}' to be ${text}`);
    if (isMixed) continue;
    const nullText = text.replace(/got .*/, "got null");
    expect(() => database.write(() => attempt(null))).toThrow(`Expected '${place}' to be ${nullText}`);
  }
});
