import { describe, expect, test } from "vitest";
import type { ClassInformation, ColumnInformation } from "./classes.js";
import { compareSchemas, describeColumn } from "./compare.js";

const column = (name: string, type: string, rest: Partial<ColumnInformation> = {}): ColumnInformation => ({
  name,
  type,
  nullable: false,
  collection: "single",
  ...rest,
});

const task = (columns: readonly ColumnInformation[], rest: Partial<ClassInformation> = {}): ClassInformation => ({
  name: "Task",
  kind: "top",
  primaryKey: { name: "_id", type: "objectId", nullable: false },
  columns,
  ...rest,
});

describe("the differences between two schemas", () => {
  test("none where only the order differs", () => {
    const columns = [column("a", "int"), column("b", "string")];
    const other: ClassInformation = { name: "Other", kind: "embedded", columns: [] };
    expect(compareSchemas([task(columns), other], [other, task(columns.toReversed())])).toEqual([]);
  });

  test("a property of another type names class, property and both types", () => {
    expect(compareSchemas([task([column("a", "int", { nullable: true })])], [task([column("a", "string")])])).toEqual([
      {
        kind: "changed",
        className: "Task",
        propertyName: "a",
        expected: "optional int",
        found: "string",
        message: "class Task, property a: expected optional int, found string",
      },
    ]);
  });

  test("what one side lacks", () => {
    const messages = compareSchemas(
      [task([column("a", "int")]), { name: "Gone", kind: "embedded", columns: [] }],
      [task([column("b", "bool")]), { name: "New", kind: "asymmetric", columns: [] }],
    ).map(({ kind, message }) => `${kind}: ${message}`);
    expect(messages).toEqual([
      "missing: class Task, property a: expected int, found nothing",
      "unexpected: class Task, property b: expected nothing, found bool",
      "missing: class Gone: expected embedded class, found nothing",
      "unexpected: class New: expected nothing, found asymmetric class",
    ]);
  });

  test("keys and kinds", () => {
    const found = task([], { kind: "asymmetric", primaryKey: { name: "_id", type: "uuid", nullable: true } });
    expect(compareSchemas([task([])], [found]).map((one) => one.message)).toEqual([
      "class Task: expected class, found asymmetric class",
      "class Task, property _id: expected primary key of type objectId, found primary key of type optional uuid",
    ]);
  });
});

test.each([
  [column("p", "int"), "int"],
  [column("p", "string", { nullable: true }), "optional string"],
  [column("p", "mixed", { nullable: true }), "mixed"],
  [column("p", "link", { nullable: true, target: "Person" }), "link to Person"],
  [column("p", "string", { collection: "list" }), "list of string"],
  [column("p", "uuid", { collection: "set", nullable: true }), "set of optional uuid"],
  [column("p", "link", { collection: "dictionary", nullable: true, target: "Person" }), "dictionary of link to Person"],
])("a property's type in words (%#)", (information, expected) => {
  expect(describeColumn(information)).toBe(expected);
});
