import { expect, test } from "vitest";
import { createObject, findObject } from "../data/create.js";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import { classOf, property } from "../testing/models.js";
import { type Conventions, plainConventions } from "./conventions.js";

/** A value with its type, as some SDKs have it. */
class Typed {
  readonly type: NonNullable<ReturnType<NonNullable<Conventions["mixedParts"]>>>["type"];
  readonly value: unknown;

  constructor(type: Typed["type"], value: unknown) {
    this.type = type;
    this.value = value;
  }
}

const engine = createNodeEngine({
  ...plainConventions,
  mixed: (value, type) => new Typed(type, value),
  mixedParts: (value) => (value instanceof Typed ? value : undefined),
});

test("values of mixed type keep their type, where the conventions show it", () => {
  const thing = classOf("Thing", "int", property("any", "mixed", { isNullable: true, collection: "list" }));
  const file = engine.open({ path: "/mixed", isInMemory: true, isReadOnly: false, classes: [thing] });
  const { database } = file;
  const layout = must(database.layout("Thing"), "the class is declared");
  const given = [new Typed("int", 5), new Typed("float", 0.5), new Typed("double", 5), new Typed("string", "x"), null];
  database.beginWrite();
  createObject(database, layout, { _id: 1, any: given }, "never");
  database.commitWrite();
  const list = findObject(database, layout, 1)?.get(must(layout.columnByPublicName("any"), "it is declared"));
  expect((list as { values(): unknown[] }).values()).toEqual(given);
  file.close();
});
