import { describe, expect, test } from "vitest";
import { useFolder } from "../testing/folder.js";
import { parseSchema } from "./parse.js";
import type { ObjectSchema } from "./types.js";

function propertyOf(type: ObjectSchema["properties"][string]): unknown {
  const [parsed] = parseSchema([{ name: "A", primaryKey: "_id", properties: { _id: "int", p: type } }]);
  return parsed?.declaration.properties[1];
}

const plain = { name: "p", publicName: "p", collection: "single", isNullable: false, isIndexed: false };

describe("short forms", () => {
  test.each([
    ["string", { ...plain, type: "string" }],
    ["string?", { ...plain, type: "string", isNullable: true }],
    ["data", { ...plain, type: "binary" }],
    ["date?", { ...plain, type: "timestamp", isNullable: true }],
    ["decimal128", { ...plain, type: "decimal" }],
    ["mixed", { ...plain, type: "mixed", isNullable: true }],
    ["counter", { ...plain, type: "int", isCounter: true }],
    ["Dog", { ...plain, type: "link", target: "Dog", isNullable: true }],
    ["int[]", { ...plain, type: "int", collection: "list" }],
    ["int?[]", { ...plain, type: "int", collection: "list", isNullable: true }],
    ["Dog[]", { ...plain, type: "link", target: "Dog", collection: "list" }],
    ["uuid<>", { ...plain, type: "uuid", collection: "set" }],
    ["mixed{}", { ...plain, type: "mixed", collection: "dictionary", isNullable: true }],
    ["Dog{}", { ...plain, type: "link", target: "Dog", collection: "dictionary", isNullable: true }],
  ])("%s", (text, expected) => {
    expect(propertyOf(text)).toEqual(expected);
  });
});

describe("written out", () => {
  test.each([
    [
      { type: "int", optional: true, indexed: true } as const,
      { ...plain, type: "int", isNullable: true, isIndexed: true },
    ],
    [{ type: "list", objectType: "string" } as const, { ...plain, type: "string", collection: "list" }],
    [{ type: "object", objectType: "Dog" } as const, { ...plain, type: "link", target: "Dog", isNullable: true }],
    [{ type: "string", mapTo: "q", default: "x" } as const, { ...plain, name: "q", type: "string", default: "x" }],
  ])("%o", (written, expected) => {
    expect(propertyOf(written)).toEqual(expected);
  });

  test.each([
    ["", "The type must be specified."],
    ["[]", "The element type must be specified."],
    ["int[][]", "Nested collections are not supported."],
    ["Dog?", "optional by default"],
    [{ type: "list" } as const, "The element type must be specified with 'objectType'."],
    [{ type: "object" } as const, "'objectType' must be specified when 'type' is 'object'."],
    [{ type: "linkingObjects", objectType: "A" } as const, "'property' must be specified for linking objects."],
  ])("%o is refused", (written, message) => {
    expect(() => propertyOf(written)).toThrow(message);
  });
});

const folder = useFolder();

describe("schemas", () => {
  test.each<readonly [string, ObjectSchema[], string]>([
    ["twice", [one("A"), one("A")], "Type 'A' appears more than once in the schema."],
    [
      "unknown target",
      [{ ...one("A"), properties: { _id: "int", b: "B" } }],
      "Property 'A.b' of type 'object' has unknown object type 'B'",
    ],
    ["key of a wrong type", [{ ...one("A"), properties: { _id: "double" } }], "cannot be made the primary key"],
    ["missing key", [{ name: "A", primaryKey: "id", properties: { _id: "int" } }], "Expected 'id' to be a property"],
  ])("%s is refused", (_, schema, message) => {
    expect(() => folder.open(schema)).toThrow(message);
  });

  test("a file keeps its schema; added properties are there with a higher version, changed ones are refused", () => {
    const realm = folder.open([one("A")]);
    realm.write(() => realm.create("A", { _id: 1 }));
    const { path } = realm;
    realm.close();
    const wider: ObjectSchema = { ...one("A"), properties: { _id: "int", added: "string" } };
    const RealmClass = realm.constructor as new (c: object) => typeof realm;
    expect(() => new RealmClass({ path, schema: [wider] })).toThrow("Property 'A.added' has been added.");
    const again = folder.keep(new RealmClass({ path, schema: [wider], schemaVersion: 1 }));
    expect(again.objects("A")[0]?.["added"]).toBe("");
    expect(again.schema[0]?.properties["added"]).toMatchObject({ type: "string", optional: false });
    again.close();
    const changed: ObjectSchema = { ...one("A"), properties: { _id: "int", added: "int" } };
    expect(() => new RealmClass({ path, schema: [changed], schemaVersion: 1 })).toThrow(
      "Property 'A.added' has been changed from 'string' to 'int'.",
    );
  });
});

function one(name: string): ObjectSchema {
  return { name, primaryKey: "_id", properties: { _id: "int" } };
}
