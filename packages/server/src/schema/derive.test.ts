import { describe, expect, test } from "vitest";
import type { ClassInformation } from "./classes.js";
import { deriveJsonSchema } from "./derive.js";

describe("the JSON Schema of Development Mode", () => {
  const column = (
    name: string,
    type: string,
    nullable = false,
    collection: "single" | "list" | "set" | "dictionary" = "single",
    target?: string,
  ): ClassInformation["columns"][number] => ({
    name,
    type,
    nullable,
    collection,
    ...(target === undefined ? {} : { target }),
  });

  const classes: readonly ClassInformation[] = [
    {
      name: "Task",
      kind: "top",
      primaryKey: { name: "_id", type: "objectId", nullable: false },
      columns: [
        column("title", "string"),
        column("priority", "int", true),
        column("due", "timestamp", true),
        column("blob", "binary", true),
        column("extra", "mixed", true),
        column("tags", "string", false, "list"),
        column("labels", "string", false, "set"),
        column("attributes", "double", false, "dictionary"),
        column("assignee", "link", true, "single", "Person"),
        column("watchers", "link", false, "list", "Person"),
        column("place", "link", true, "single", "Address"),
        column("steps", "link", false, "list", "Step"),
      ],
    },
    {
      name: "Person",
      kind: "top",
      primaryKey: { name: "_id", type: "uuid", nullable: true },
      columns: [column("age", "int"), column("active", "bool")],
    },
    { name: "Address", kind: "embedded", columns: [column("city", "string")] },
    {
      name: "Step",
      kind: "embedded",
      columns: [column("owner", "link", true, "single", "Person"), column("sub", "link", false, "list", "Step")],
    },
    {
      name: "Measurement",
      kind: "asymmetric",
      primaryKey: { name: "_id", type: "int", nullable: false },
      columns: [column("value", "float"), column("price", "decimal", true)],
    },
  ];

  test("has one collection for each class with a key, embedded ones inside", () => {
    const [measurement, person, task, ...others] = deriveJsonSchema(classes, "todo");
    expect(others).toEqual([]);
    expect(measurement).toEqual({
      database: "todo",
      collection: "Measurement",
      isAsymmetric: true,
      relationships: {},
      schema: {
        title: "Measurement",
        bsonType: "object",
        properties: { _id: { bsonType: "long" }, value: { bsonType: "float" }, price: { bsonType: "decimal" } },
        required: ["_id", "value"],
      },
    });
    expect(person?.schema).toEqual({
      title: "Person",
      bsonType: "object",
      properties: { _id: { bsonType: "uuid" }, age: { bsonType: "long" }, active: { bsonType: "bool" } },
      required: ["age", "active"],
    });
    expect(task?.schema.required).toEqual(["_id", "title"]);
    expect(task?.schema.properties).toEqual({
      _id: { bsonType: "objectId" },
      title: { bsonType: "string" },
      priority: { bsonType: "long" },
      due: { bsonType: "date" },
      blob: { bsonType: "binData" },
      extra: { bsonType: "mixed" },
      tags: { bsonType: "array", items: { bsonType: "string" } },
      labels: { bsonType: "array", uniqueItems: true, items: { bsonType: "string" } },
      attributes: { bsonType: "object", additionalProperties: { bsonType: "double" } },
      assignee: { bsonType: "uuid" },
      watchers: { bsonType: "array", items: { bsonType: "uuid" } },
      place: {
        title: "Address",
        bsonType: "object",
        properties: { city: { bsonType: "string" } },
        required: ["city"],
      },
      steps: {
        bsonType: "array",
        items: {
          title: "Step",
          bsonType: "object",
          properties: {
            owner: { bsonType: "uuid" },
            sub: { bsonType: "array", items: { title: "Step", bsonType: "object" } },
          },
          required: [],
        },
      },
    });
  });

  test("links are relationships, inside embedded objects too", () => {
    const task = deriveJsonSchema(classes, "todo").find((one) => one.collection === "Task");
    const ref = "#/relationship/mongodb-atlas/todo/Person";
    expect(task?.relationships).toEqual({
      assignee: { ref, foreign_key: "_id", is_list: false },
      watchers: { ref, foreign_key: "_id", is_list: true },
      "steps.[].owner": { ref, foreign_key: "_id", is_list: false },
    });
  });

  test("a collection may be elsewhere, in another data source, and have defaults", () => {
    const options = {
      service: "cluster",
      placeOf: (name: string) => (name === "Person" ? { database: "staff", collection: "people" } : undefined),
      defaults: new Map([["Person", new Map([["age", { $numberLong: "18" }]])]]),
    };
    const collections = deriveJsonSchema(classes, "todo", options);
    const person = collections.find((one) => one.schema.title === "Person");
    expect(person).toMatchObject({ database: "staff", collection: "people" });
    expect(person?.schema.properties?.["age"]).toEqual({ bsonType: "long", default: { $numberLong: "18" } });
    const task = collections.find((one) => one.schema.title === "Task");
    expect(task).toMatchObject({ database: "todo", collection: "Task" });
    expect(task?.relationships["assignee"]?.ref).toBe("#/relationship/cluster/staff/people");
  });

  test("elements that may be null say so", () => {
    const columns = (["list", "set", "dictionary"] as const).map((kind) => column(kind, "int", true, kind));
    const element = { bsonType: ["long", "null"] };
    expect(deriveJsonSchema([topLevel(columns)], "todo")[0]?.schema.properties).toEqual({
      _id: { bsonType: "long" },
      list: { bsonType: "array", items: element },
      set: { bsonType: "array", uniqueItems: true, items: element },
      dictionary: { bsonType: "object", additionalProperties: element },
    });
  });

  test("classes that embed each other do not make it grow without bound", () => {
    const name = (index: number): string => `E${index}`;
    const embedded = Array.from({ length: 200 }, (_, index): ClassInformation => ({
      name: name(index),
      kind: "embedded",
      columns: ["a", "b", "c"].map((field) => column(field, "link", true, "single", name((index + 1) % 200))),
    }));
    const [collection] = deriveJsonSchema([topLevel([column("e", "link", true, "single", "E0")]), ...embedded], "todo");
    const text = JSON.stringify(collection?.schema);
    expect(text.length).toBeLessThan(4_000_000);
    // Each class down to the depth that is described at all is described at least once.
    expect(text).toContain('"title":"E63","bsonType":"object","properties":{"a":{"title":"E64","bsonType":"object"}');
  });

  function topLevel(columns: ClassInformation["columns"]): ClassInformation {
    return { name: "Top", kind: "top", primaryKey: { name: "_id", type: "int", nullable: false }, columns };
  }
});
