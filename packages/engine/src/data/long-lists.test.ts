/**
 * What is done with long collections costs what is done, and not their length: counted by what crosses into the core.
 */

import { coreParts } from "#core";
import { afterEach, expect, test, vi } from "vitest";
import type { Core, CoreStore, HotReads } from "../core.js";
import { Engine } from "../engine.js";
import { must } from "../errors.js";
import { nodeHost } from "../node/host.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject, findObject } from "./create.js";
import type { Dictionary } from "./dictionary.js";
import type { List } from "./list.js";
import type { EmbeddedHandle, ObjectHandle } from "./object.js";
import type { ClassLayout } from "./schema.js";
import type { ValueSet } from "./value-set.js";

/** Calls into the core, and bytes that crossed either way. */
let crossed = { calls: 0, bytes: 0 };

function sizeOf(value: unknown): number {
  return value instanceof Uint8Array || value instanceof Float64Array ? value.byteLength : 0;
}

function counted(store: CoreStore): CoreStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = target[name as keyof CoreStore];
      if (typeof value !== "function") return value;
      if (name === "hotReads") return () => countedReads((value as () => HotReads).call(target));
      return (...given: unknown[]) => {
        const answer: unknown = (value as (...given: unknown[]) => unknown).apply(target, given);
        crossed.calls += 1;
        crossed.bytes += sizeOf(answer) + given.reduce<number>((sum, one) => sum + sizeOf(one), 0);
        return answer;
      };
    },
  });
}

function countedReads(reads: HotReads): HotReads {
  const count = (answer: number, bytes: number): number => {
    crossed.calls += 1;
    crossed.bytes += Math.max(bytes, 0);
    return answer;
  };
  return {
    find: (...given) => count(reads.find(...given), 8),
    findRow(...given) {
      const length = reads.findRow(...given);
      return count(length, length);
    },
    row(...given) {
      const length = reads.row(...given);
      return count(length, length);
    },
    greatestKey: (...given) => count(reads.greatestKey(...given), 8),
  };
}

const given = coreParts();
const core: Core = { ...given.core, openStore: (...how) => counted(given.core.openStore(...how)) };
// Many small steps, which nobody times.
vi.setConfig({ testTimeout: 300_000 });

const engine = new Engine({ ...given, core, host: nodeHost, conventions: plainConventions });

const item = classOf("Item", "int", property("number", "int"));
const part = {
  name: "Part",
  kind: "embedded",
  properties: [property("number", "int")],
  backlinks: [],
} as const;
const owner = classOf(
  "Owner",
  "int",
  property("number", "int"),
  property("items", "link", { collection: "list", target: "Item" }),
  property("numbers", "int", { collection: "list" }),
  property("parts", "link", { collection: "list", target: "Part" }),
  property("texts", "string", { collection: "set" }),
  property("named", "int", { collection: "dictionary" }),
  property("any", "mixed", { isNullable: true }),
);

let file: RealmFile | undefined;

afterEach(() => {
  file?.close();
  file = undefined;
});

/** What a test works with. */
class Scene {
  readonly file: RealmFile;
  readonly count: number;
  readonly owner: ObjectHandle;
  readonly items: ObjectHandle[];

  constructor(count: number) {
    file?.close();
    file = engine.open({ path: "/long", isInMemory: true, isReadOnly: false, classes: [item, part, owner] });
    this.file = file;
    this.count = count;
    this.owner = this.write(() => createObject(this.database, this.layout("Owner"), { _id: 1, number: 0 }, "never"));
    this.items = this.write(() => Array.from({ length: count }, (_, _id) => this.createItem(_id)));
  }

  get database(): RealmFile["database"] {
    return this.file.database;
  }

  layout(name: string): ClassLayout {
    return must(this.database.layout(name), "the class is declared");
  }

  createItem(_id: number): ObjectHandle {
    return createObject(this.database, this.layout("Item"), { _id, number: _id }, "never");
  }

  get<T>(name: string, object: ObjectHandle | EmbeddedHandle = this.owner): T {
    return object.get(must(object.layout.columnByName(name), "it has the column")) as T;
  }

  set(object: ObjectHandle | EmbeddedHandle, name: string, value: unknown): void {
    object.set(must(object.layout.columnByName(name), "it has the column"), value);
  }

  write<T>(work: () => T): T {
    this.database.beginWrite();
    const result = work();
    this.database.commitWrite();
    return result;
  }

  fill(): void {
    this.write(() => this.get<List>("items").assign(this.items));
  }

  /** Calls `work` for each of the numbers, in one write transaction. */
  each(work: (index: number) => void): void {
    this.write(() => {
      for (let index = 0; index < this.count; index += 1) work(index);
    });
  }
}

function cost(count: number, prepare: (scene: Scene) => void, work: (scene: Scene) => void): typeof crossed {
  const scene = new Scene(count);
  prepare(scene);
  crossed = { calls: 0, bytes: 0 };
  work(scene);
  return crossed;
}

/** That ten times as many elements cost no more than a little over ten times as much. */
function expectLinear(work: (scene: Scene) => void, prepare: (scene: Scene) => void = () => undefined): void {
  const small = cost(1_000, prepare, work);
  const large = cost(10_000, prepare, work);
  expect(large.calls).toBeLessThanOrEqual(small.calls * 12 + 100);
  expect(large.bytes).toBeLessThanOrEqual(small.bytes * 14 + 10_000);
}

test("appending links asks for the key of each object, and for nothing else", () => {
  const append = (scene: Scene): void => {
    scene.write(() => {
      const list = scene.get<List>("items");
      for (const one of scene.items) list.insert(list.length, one);
      expect(list.length).toBe(scene.count);
    });
  };
  expectLinear(append);
  expect(cost(10_000, () => undefined, append).calls).toBeLessThan(10_100);
});

test("creating objects and appending them, through the object each time", () => {
  const append = (scene: Scene): void => {
    scene.each((index) => {
      const list = scene.get<List>("items");
      list.insert(list.length, scene.createItem(scene.count + index));
    });
  };
  expectLinear(append);
});

test("an object that is looked up anew for each element", () => {
  expectLinear((scene) => {
    scene.each((index) => {
      const found = must(findObject(scene.database, scene.layout("Owner"), 1), "it exists");
      const list = scene.get<List>("numbers", found);
      list.insert(list.length, index);
      scene.set(found, "number", scene.get<number>("number", found) + 1);
    });
    expect(scene.get("number")).toBe(scene.count);
  });
});

test("reading at an index and the length between appends", () => {
  expectLinear((scene) => {
    scene.each((index) => {
      const [numbers, items] = [scene.get<List>("numbers"), scene.get<List>("items")];
      numbers.insert(index, index);
      items.insert(index, scene.items[index]);
      expect([numbers.length, items.length]).toEqual([index + 1, index + 1]);
      expect(numbers.get(index >> 1)).toBe(index >> 1);
      expect((items.get(index >> 1) as ObjectHandle).key).toBe(scene.items[index >> 1]?.key);
    });
  });
});

test("going through the list while what it links to is changed", () => {
  const change = (scene: Scene): void => {
    const list = scene.get<List>("items");
    scene.each((index) => {
      const one = list.get(index) as ObjectHandle;
      scene.set(one, "number", scene.get<number>("number", one) + 1);
    });
  };
  expectLinear(change, (scene) => scene.fill());
});

test("reading through the object at each index", () => {
  expectLinear(
    (scene) => {
      for (let index = 0; index < scene.get<List>("items").length; index += 1) {
        expect(scene.get("number", scene.get<List>("items").get(index) as ObjectHandle)).toBe(index);
      }
    },
    (scene) => scene.fill(),
  );
});

test("replacing each element", () => {
  expectLinear((scene) => {
    const list = scene.get<List>("numbers");
    scene.each((index) => list.insert(list.length, index));
    scene.each((index) => list.set(index, (list.get(index) as number) + 1));
    expect(list.get(scene.count - 1)).toBe(scene.count);
  });
});

test("removing from the end and from the beginning", () => {
  expectLinear(
    (scene) => {
      const list = scene.get<List>("items");
      scene.write(() => {
        for (let isEnd = true; list.length > 0; isEnd = !isEnd) {
          const at = isEnd ? list.length - 1 : 0;
          expect(list.get(at)).toBeDefined();
          list.erase(at);
        }
      });
    },
    (scene) => scene.fill(),
  );
});

test("deleting the first object of the list until there is none", () => {
  expectLinear(
    (scene) => {
      scene.write(() => {
        for (let left = scene.count; left > 0; left -= 1) {
          expect(scene.get<List>("items").length).toBe(left);
          (scene.get<List>("items").get(0) as ObjectHandle).erase();
        }
      });
    },
    (scene) => scene.fill(),
  );
});

test("sets and dictionaries that are asked between additions", () => {
  expectLinear((scene) => {
    const [set, dictionary] = [scene.get<ValueSet>("texts"), scene.get<Dictionary>("named")];
    scene.each((index) => {
      set.add(`text ${index}`);
      dictionary.set(`key ${index}`, index);
      expect([set.has(`text ${index}`), set.has("none"), dictionary.has("none")]).toEqual([true, false, false]);
      expect([set.length, dictionary.size, dictionary.get(`key ${index >> 1}`)]).toEqual([
        index + 1,
        index + 1,
        index >> 1,
      ]);
    });
  });
});

test("embedded objects and lists inside values", () => {
  expectLinear((scene) => {
    scene.write(() => scene.set(scene.owner, "any", []));
    const [parts, inside] = [scene.get<List>("parts"), scene.get<List>("any")];
    scene.each((index) => {
      parts.insert(parts.length, { number: index });
      inside.insert(inside.length, index);
      expect(inside.get(index >> 1)).toBe(index >> 1);
      const one = parts.get(index >> 1) as EmbeddedHandle;
      scene.set(one, "number", scene.get<number>("number", one) + 1);
    });
    for (const one of parts.values()) expect(scene.get<number>("number", one as EmbeddedHandle)).toBeGreaterThan(0);
  });
});
