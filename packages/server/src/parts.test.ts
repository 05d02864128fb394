import { describe, expect, test } from "vitest";
import { Semaphore } from "./concurrency.js";
import { randomSalt, systemHost } from "./host.js";
import { type ClassInformation, deriveJsonSchema } from "./json-schema.js";
import { getJson, jsonChange, listJson, MemoryKeyValue } from "./key-value.js";
import { Metrics } from "./metrics.js";

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
});

describe("metrics", () => {
  test("totals, and rates over the last ten whole seconds", () => {
    let nowMs = 1_000_000;
    const sunk: [string, number][] = [];
    const metrics = new Metrics(
      { ...systemHost, nowMs: () => nowMs },
      { count: (name, amount) => sunk.push([name, amount]) },
    );
    for (let second = 0; second < 20; second += 1) {
      metrics.count("uploads", 5);
      nowMs += 1000;
    }
    expect(metrics.total("uploads")).toBe(100);
    expect(metrics.perSecond("uploads")).toBe(5);
    nowMs += 5000;
    expect(metrics.perSecond("uploads")).toBe(2.5);
    nowMs += 100_000;
    expect(metrics.perSecond("uploads")).toBe(0);
    metrics.count("uploads", 10);
    nowMs += 1000;
    expect(metrics.perSecond("uploads")).toBe(1);
    expect(sunk).toHaveLength(21);
    expect(metrics.totals()).toEqual({ uploads: 110 });
  });
});

describe("the key-value store in memory", () => {
  test("keeps copies, lists by prefix, removes", async () => {
    const store = new MemoryKeyValue();
    await store.write([jsonChange("a/2", { x: 2 }), jsonChange("a/1", { x: 1 }), jsonChange("b/1", {})]);
    expect(await listJson(store, "a/")).toEqual([
      { key: "a/1", value: { x: 1 } },
      { key: "a/2", value: { x: 2 } },
    ]);
    (await store.get("a/1"))?.fill(0);
    expect(await getJson(store, "a/1")).toEqual({ x: 1 });
    await store.write([{ key: "a/1", value: null }]);
    expect(await getJson(store, "a/1")).toBeNull();
  });
});

test("a semaphore lets so many run and keeps the order, also past failures", async () => {
  const semaphore = new Semaphore(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const tasks = [0, 1, 2, 3, 4, 5].map((index) =>
    semaphore.run(async () => {
      running += 1;
      most = Math.max(most, running);
      order.push(index);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      if (index === 1) throw new Error("failed");
    }),
  );
  const results = await Promise.allSettled(tasks);
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  expect(most).toBe(2);
  expect(results.map((one) => one.status).filter((status) => status === "rejected")).toHaveLength(1);
});

test("salts are between 1 and 2^63 − 1", () => {
  const with8 = (bytes: number[]): string => randomSalt({ ...systemHost, randomBytes: () => Uint8Array.from(bytes) });
  expect(with8([0, 0, 0, 0, 0, 0, 0, 0])).toBe("1");
  expect(with8([255, 255, 255, 255, 255, 255, 255, 255])).toBe("9223372036854775807");
});
