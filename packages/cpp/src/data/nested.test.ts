import { expect, test } from "vitest";
import { embedded_schema, schema } from "../schema/model.js";
import { int64, link, mixed, type mixed_value, primary_key, string, vector } from "../schema/types.js";
import { useFolder } from "../testing/folder.js";
import { managed_map } from "./map.js";
import { managed_vector } from "./vector.js";

const Inner = embedded_schema("Inner", { text: string });
const Thing = schema("Thing", { _id: primary_key(int64), any: mixed, anys: vector(mixed), inner: link(Inner) });

const folder = useFolder();

test("arrays and maps in a mixed become vectors and maps, which are live", () => {
  const database = folder.open(Thing, Inner);
  const tree = new Map<string, mixed_value>([
    ["list", [1, null, ["deep"]]],
    ["none", null],
  ]);
  const thing = database.write(() => database.add(Thing({ _id: 1, any: tree, anys: [[1], new Map([["a", 1]])] })));
  const { any } = thing;
  if (!(any instanceof managed_map)) throw new Error("it is a map");
  const list = any.at("list");
  if (!(list instanceof managed_vector)) throw new Error("it is a vector");
  expect(any.detach()).toEqual(tree);
  database.write(() => {
    list.push_back(new Map([["b", []]]));
    (list.at(2) as managed_vector<unknown>).insert(0, "first");
    list.erase(0);
    any.erase("none");
    thing.anys.set(0, new Map());
  });
  const shown = new Map([["list", [null, ["first", "deep"], new Map([["b", []]])]]]);
  expect(thing.detach()).toEqual({ _id: 1, any: shown, anys: [new Map(), new Map([["a", 1]])], inner: null });
  database.write(() => thing.assign({ any: thing.anys.detach() }));
  expect([any.is_invalidated(), thing.any instanceof managed_vector && thing.any.size()]).toEqual([true, 2]);
});

test("sets, embedded objects and structs in a mixed are refused", () => {
  const database = folder.open(Thing, Inner);
  const thing = database.write(() => database.add(Thing({ _id: 1, inner: Inner({ text: "x" }) })));
  const assign = (value: unknown): void => database.write(() => thing.assign({ any: value as never }));
  expect(() => assign([new Set([1])])).toThrow("Using a Set as a Mixed value is not supported.");
  expect(() => assign([thing.inner])).toThrow("Using an embedded object (Inner) as a Mixed value is not supported.");
  expect(() => assign(Thing({ _id: 2 }))).toThrow("to be a value that can be stored");
  expect(() => assign([Thing({ _id: 2 })])).toThrow("to be a value that can be stored");
  expect(thing.any).toBeNull();
});
