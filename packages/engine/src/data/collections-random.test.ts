/**
 * Collections that are read and written at random, through several handles, show what plain ones would.
 */

import { afterEach, expect, test, vi } from "vitest";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { dice } from "../testing/dice.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject, findObject } from "./create.js";
import type { Dictionary } from "./dictionary.js";
import type { List } from "./list.js";
import type { ObjectHandle } from "./object.js";
import type { ClassLayout } from "./schema.js";
import type { ValueSet } from "./value-set.js";

// Many small steps, which nobody times.
vi.setConfig({ testTimeout: 300_000 });

const engine = createNodeEngine(plainConventions);
const item = classOf("Item", "int", property("number", "int"));
const owner = classOf(
  "Owner",
  "int",
  property("number", "int"),
  property("items", "link", { collection: "list", target: "Item" }),
  property("numbers", "int", { collection: "list" }),
  property("few", "link", { collection: "set", target: "Item" }),
  property("named", "link", { isNullable: true, collection: "dictionary", target: "Item" }),
  property("any", "mixed", { isNullable: true }),
);

let file: RealmFile;
afterEach(() => file.close());

interface Model {
  number: number;
  /** Keys of objects, which are their numbers. */
  items: number[];
  numbers: number[];
  few: Set<number>;
  named: Map<string, number | null>;
  any: number[];
  existing: Set<number>;
}

function emptyModel(): Model {
  return {
    number: 0,
    items: [],
    numbers: [],
    few: new Set(),
    named: new Map(),
    any: [],
    existing: new Set(),
  };
}

class Play {
  readonly roll: (sides: number) => number;
  model = emptyModel();
  #lastId = 0;
  /** Handles that are kept over many edits. */
  readonly #kept: ObjectHandle[];
  readonly #keptItems: List;

  constructor(seed: number) {
    this.roll = dice(seed);
    file.database.beginWrite();
    createObject(file.database, this.layout("Owner"), { _id: 1, number: 0, any: [] }, "never");
    file.database.commitWrite();
    this.#kept = [this.found(), this.found()];
    this.#keptItems = this.get(this.found(), "items");
  }

  layout(name: string): ClassLayout {
    return must(file.database.layout(name), "the class is declared");
  }

  found(): ObjectHandle {
    return must(findObject(file.database, this.layout("Owner"), 1), "it exists");
  }

  handle(): ObjectHandle {
    return this.#kept[this.roll(3)] ?? this.found();
  }

  get<T>(object: ObjectHandle, name: string): T {
    return object.get(must(object.layout.columnByName(name), "it has the column")) as T;
  }

  items(): List {
    return this.roll(2) === 0 ? this.#keptItems : this.get(this.handle(), "items");
  }

  item(_id: number): ObjectHandle {
    return must(findObject(file.database, this.layout("Item"), _id), "it exists");
  }

  #someone(): number | undefined {
    return [...this.model.existing][this.roll(this.model.existing.size)];
  }

  edit(): void {
    const { model, roll } = this;
    const one = this.#someone();
    switch (roll(14)) {
      case 0: {
        this.#lastId += 1;
        createObject(file.database, this.layout("Item"), { _id: this.#lastId, number: 0 }, "never");
        model.existing.add(this.#lastId);
        return;
      }
      case 1: {
        if (one === undefined || roll(3) > 0) return;
        this.item(one).erase();
        model.existing.delete(one);
        model.items = model.items.filter((id) => id !== one);
        model.few.delete(one);
        for (const [key, id] of model.named) if (id === one) model.named.set(key, null);
        return;
      }
      case 2:
      case 3:
      case 4: {
        if (one === undefined) return;
        const at = roll(2) === 0 ? model.items.length : roll(model.items.length + 1);
        this.items().insert(at, this.item(one));
        model.items.splice(at, 0, one);
        return;
      }
      case 5: {
        if (model.items.length === 0) return;
        const at = roll(model.items.length);
        this.items().erase(at);
        model.items.splice(at, 1);
        return;
      }
      case 6: {
        if (model.items.length === 0) return;
        const [from, to] = [roll(model.items.length), roll(model.items.length)];
        this.items().move(from, to);
        model.items.splice(to, 0, ...model.items.splice(from, 1));
        return;
      }
      case 7: {
        if (one === undefined || model.items.length === 0) return;
        const at = roll(model.items.length);
        this.items().set(at, this.item(one));
        model.items[at] = one;
        return;
      }
      case 8: {
        if (one === undefined) return;
        const few = this.get<ValueSet>(this.handle(), "few");
        if (roll(3) > 0) {
          few.add(this.item(one));
          model.few.add(one);
        } else expect(few.erase(this.item(one))).toBe(model.few.delete(one));
        return;
      }
      case 9: {
        if (one === undefined) return;
        const named = this.get<Dictionary>(this.handle(), "named");
        const key = `k${roll(5)}`;
        if (roll(3) > 0) {
          named.set(key, this.item(one));
          model.named.set(key, one);
        } else expect(named.erase(key)).toBe(model.named.delete(key));
        return;
      }
      default:
        this.#editValues();
    }
  }

  #editValues(): void {
    const { model, roll } = this;
    const value = roll(1_000);
    switch (roll(5)) {
      case 0:
        this.get<List>(this.handle(), "numbers").insert(model.numbers.length, value);
        model.numbers.push(value);
        return;
      case 1:
        this.get<List>(this.handle(), "any").insert(0, value);
        model.any.unshift(value);
        return;
      case 2:
        if (roll(8) > 0) return;
        this.items().clear();
        model.items = [];
        return;
      case 3:
        if (model.numbers.length === 0) return;
        this.get<List>(this.handle(), "numbers").erase(0);
        model.numbers.shift();
        return;
      default: {
        const handle = this.handle();
        handle.set(must(handle.layout.columnByName("number"), "it has the column"), value);
        model.number = value;
      }
    }
  }

  check(): void {
    const { model, roll } = this;
    const idOf = (object: unknown): unknown =>
      object === null || object === undefined ? object : (object as ObjectHandle).get(this.#keyColumn);
    switch (roll(7)) {
      case 0:
        expect(this.items().length).toBe(model.items.length);
        return;
      case 1: {
        const at = roll(model.items.length + 2);
        expect(idOf(this.items().get(at))).toBe(model.items[at]);
        return;
      }
      case 2:
        expect(this.items().values().map(idOf)).toEqual(model.items);
        return;
      case 3: {
        const numbers = this.get<List>(this.handle(), "numbers");
        const at = roll(model.numbers.length + 1);
        expect([numbers.length, numbers.get(at)]).toEqual([model.numbers.length, model.numbers[at]]);
        return;
      }
      case 4: {
        const few = this.get<ValueSet>(this.handle(), "few");
        expect(few.length).toBe(model.few.size);
        const one = this.#someone();
        if (one !== undefined) expect(few.has(this.item(one))).toBe(model.few.has(one));
        expect(new Set(few.values().map(idOf))).toEqual(model.few);
        return;
      }
      case 5: {
        const named = this.get<Dictionary>(this.handle(), "named");
        const key = `k${roll(5)}`;
        expect([named.size, named.has(key)]).toEqual([model.named.size, model.named.has(key)]);
        expect(idOf(named.get(key))).toBe(model.named.get(key));
        return;
      }
      default: {
        const any = this.get<List>(this.handle(), "any");
        expect([any.length, any.get(0)]).toEqual([model.any.length, model.any[0]]);
        expect(this.get(this.handle(), "number")).toBe(model.number);
      }
    }
  }

  get #keyColumn() {
    return must(this.layout("Item").primaryKey, "it has a key");
  }
}

test("what is read between edits is what plain collections hold", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    file = engine.open({ path: `/random${seed}`, isInMemory: true, isReadOnly: false, classes: [item, owner] });
    const play = new Play(seed);
    for (let transaction = 0; transaction < 6; transaction += 1) {
      const before = structuredClone(play.model);
      file.database.beginWrite();
      for (let step = 0; step < 60; step += 1) {
        play.edit();
        if (play.roll(2) === 0) play.check();
      }
      if (play.roll(4) === 0) {
        file.database.cancelWrite();
        play.model = before;
      } else file.database.commitWrite();
      for (let step = 0; step < 10; step += 1) play.check();
    }
    file.close();
  }
});
