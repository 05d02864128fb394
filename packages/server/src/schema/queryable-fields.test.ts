import { describe, expect, test } from "vitest";
import { classSchema, source } from "../testing/schemas.js";
import {
  indexedFieldProblems,
  isEligibleField,
  isReservedFieldName,
  queryableFieldProblems,
} from "./queryable-fields.js";
import { readRealmSchema } from "./read.js";

const point = {
  title: "Point",
  bsonType: "object",
  properties: { type: { bsonType: "string" }, coordinates: { bsonType: "array", items: { bsonType: "double" } } },
  required: ["type"],
};
const schema = classSchema("Task", {
  scalar: { bsonType: "string" },
  mixed: { bsonType: "mixed" },
  list: { bsonType: "array", items: { bsonType: "int" } },
  set: { bsonType: "array", uniqueItems: true, items: { bsonType: "int" } },
  dictionary: { bsonType: "object", additionalProperties: { bsonType: "int" } },
  parent: { bsonType: "objectId" },
  parents: { bsonType: "array", items: { bsonType: "objectId" } },
  place: point,
  places: { bsonType: "array", items: point },
  step: { title: "Step", bsonType: "object", properties: { n: { bsonType: "int" } } },
  when: { bsonType: "date" },
});
const toTask = { ref: "#/relationship/mongodb-atlas/shop/tasks", foreign_key: "_id" };
const relationships = { parent: { ...toTask, is_list: false }, parents: { ...toTask, is_list: true } };
const { classes, problems } = readRealmSchema([
  source("tasks", schema, { relationships }),
  source("others", classSchema("Other", { step: { bsonType: "int" }, when: { bsonType: "long" } })),
]);
const byName = new Map(classes.map((one) => [one.name, one]));
const topLevel = classes.filter((one) => one.kind === "top");

test("the schema of these tests is right", () => {
  expect(problems).toEqual([]);
});

test.each([
  ["_id", true],
  ["scalar", true],
  ["mixed", true],
  ["list", true],
  ["set", true],
  ["place", true],
  ["dictionary", false],
  ["parent", false],
  ["parents", false],
  ["places", false],
  ["step", false],
  ["missing", undefined],
])("%s is eligible: %s", (field, expected) => {
  const [task] = topLevel;
  expect(task === undefined ? "no class" : isEligibleField(task, field, byName)).toBe(expected);
});

test.each([
  ["AND", true],
  ["TruePredicate", true],
  ["NaN", true],
  ["ALL", true],
  ["uuid", true],
  ["UUID", false],
  ["True", false],
  ["b64", false],
  ["owner", false],
])("%s is reserved: %s", (name, expected) => {
  expect(isReservedFieldName(name)).toBe(expected);
});

describe("what stands against a queryable field", () => {
  test.each([
    ["scalar", []],
    ["limit", ['error: queryable field "limit": the name is a word of the query language']],
    ["missing", ['warning: queryable field "missing": no class has such a property']],
    [
      "step",
      [
        'error: queryable field "step": in class Task it is neither a scalar, nor a list or set of scalars, ' +
          "nor an embedded point of GeoJSON",
      ],
    ],
  ])("%s", (field, expected) => {
    const found = queryableFieldProblems(field, topLevel, byName);
    expect(found.map(({ severity, message }) => `${severity}: ${message}`)).toEqual(expected);
  });

  test("an indexed one has one of four types wherever it is", () => {
    expect(indexedFieldProblems("_id", topLevel)).toEqual([]);
    expect(indexedFieldProblems("scalar", topLevel)).toEqual([]);
    expect(indexedFieldProblems("when", topLevel)).toEqual([
      'indexed queryable field "when": in class Task it is something else; ' +
        "an indexed queryable field is an int, string, objectId or uuid",
    ]);
    expect(indexedFieldProblems("list", topLevel)).toHaveLength(1);
  });
});
