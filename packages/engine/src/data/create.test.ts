import { afterEach, beforeEach, expect, test } from "vitest";
import type { Engine } from "../engine.js";
import { errorCodeOf, must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { dice } from "../testing/dice.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject, eraseAll, findObject, type UpdateMode } from "./create.js";
import { Results } from "./results.js";
import type { ClassLayout } from "./schema.js";

const engine: Engine = createNodeEngine(plainConventions);
const item = classOf("Item", "int", property("n", "int"), property("d", "double", { isNullable: true }));

let file: RealmFile;

beforeEach(() => {
  file = engine.open({ path: "/create", isInMemory: true, isReadOnly: false, classes: [item] });
});

afterEach(() => file.close());

function layout(): ClassLayout {
  return must(file.database.layout("Item"), "the class is declared");
}

function write(work: () => void): void {
  file.database.beginWrite();
  work();
  file.database.commitWrite();
}

function create(key: unknown, n: number, mode: UpdateMode = "never"): string | undefined {
  try {
    createObject(file.database, layout(), { _id: key, n }, mode);
    return undefined;
  } catch (error) {
    return errorCodeOf(error);
  }
}

/** One step at random, on the file and on a map. */
function step(roll: (sides: number) => number, model: Map<number, number>, count: number): void {
  const isNext = roll(3) > 0;
  const key = isNext ? 100 + count : roll(120) - 10;
  const n = roll(1000);
  switch (roll(8)) {
    case 0: {
      const found = findObject(file.database, layout(), key);
      expect(found === undefined, `finds ${key}`).toBe(!model.has(key));
      found?.erase();
      model.delete(key);
      break;
    }
    case 1:
      expect(create(key, n, "modified")).toBe(undefined);
      model.set(key, n);
      break;
    case 2:
      if (roll(10) > 0) break;
      eraseAll(file.database, layout());
      model.clear();
      break;
    default:
      expect(create(roll(2) === 0 ? key : BigInt(key), n), `creates ${key}`).toBe(
        model.has(key) ? "duplicate-primary-key" : undefined,
      );
      if (!model.has(key)) model.set(key, n);
  }
}

test("a key that is taken is refused by the call that gives it, in whatever order keys come", () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const roll = dice(seed);
    const model = new Map<number, number>();
    for (let transaction = 0; transaction < 6; transaction += 1) {
      write(() => {
        for (let count = roll(30); count > 0; count -= 1) step(roll, model, transaction * 40 + roll(40));
      });
      const all = new Results(file.database, layout(), { kind: "class" }, []);
      const column = must(layout().columnByPublicName("n"), "the property is declared");
      const found = Array.from(all.objects(), (object) => object.get(column));
      expect(found.sort()).toEqual([...model.values()].sort());
    }
    write(() => eraseAll(file.database, layout()));
  }
});

test("what is no integer that counts is refused or told apart as ever", () => {
  write(() => {
    expect(create(1, 1)).toBe(undefined);
    expect(create(2, 2)).toBe(undefined);
    expect(create(0, 0)).toBe(undefined);
    expect(create(-0, 0)).toBe("duplicate-primary-key");
    expect(create(2n ** 53n, 0)).toBe(undefined);
    expect(create(2 ** 53, 0)).toBe("duplicate-primary-key");
    expect(create(2n ** 53n + 1n, 0)).toBe(undefined);
    expect(create(2n ** 53n + 1n, 0)).toBe("duplicate-primary-key");
    expect(create(Number.MAX_SAFE_INTEGER, 0)).toBe(undefined);
    expect(create(Number.MAX_SAFE_INTEGER, 0)).toBe("duplicate-primary-key");
    for (const wrong of [1.5, Infinity, Number.NaN, "3", null]) expect(create(wrong, 0)).toBe("type-mismatch");
  });
});

test("an object that a default creates is none that its own object is mixed up with", () => {
  let inner = 10;
  const defaulted = classOf("Item", "int", property("n", "int", { default: () => creating() }));
  const creating = (): number => {
    inner += 1;
    if (inner < 14) createObject(file.database, layout(), { _id: inner }, "never");
    return inner;
  };
  file.close();
  file = engine.open({ path: "/create-defaults", isInMemory: true, isReadOnly: false, classes: [defaulted] });
  write(() => createObject(file.database, layout(), { _id: 1 }, "never"));
  const column = must(layout().columnByPublicName("n"), "the property is declared");
  const key = must(layout().primaryKey, "the class has one");
  const all = new Results(file.database, layout(), { kind: "class" }, []);
  const found = Array.from(all.objects(), (object) => [object.get(key), object.get(column)]);
  expect(found).toEqual([
    [13, 14],
    [12, 14],
    [11, 14],
    [1, 14],
  ]);
});

test("sums are those of the values, whoever adds them", () => {
  write(() => {
    for (let key = 0; key < 10; key += 1) {
      createObject(file.database, layout(), { _id: key, n: key * 7, d: key % 2 === 0 ? null : key / 4 }, "never");
    }
  });
  const all = new Results(file.database, layout(), { kind: "class" }, []);
  const some = all.refine("_id < 3 OR _id == 7", new Uint8Array(4));
  expect([all.aggregate("sum", "n"), some.aggregate("sum", "n")]).toEqual([315, 70]);
  expect([all.aggregate("sum", "d"), some.aggregate("sum", "d")]).toEqual([6.25, 2]);
  expect(all.aggregate("sum", "_id")).toBe(45);
  write(() => {
    createObject(file.database, layout(), { _id: 20, n: 2n ** 60n, d: Number.NaN }, "never");
    expect(all.aggregate("sum", "d")).toBe(Number.NaN);
  });
  expect(all.aggregate("sum", "n")).toBe(2 ** 60 + 315);
});
