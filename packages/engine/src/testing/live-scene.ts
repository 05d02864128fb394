/**
 * A file with random classes that changes at random, and listeners whose change sets are done to copies.
 *
 * @module
 */

import type { CoreStore } from "../core.js";
import { type CollectionChanges, oldIndexOf } from "../data/changes.js";
import { createObject } from "../data/create.js";
import { Dictionary } from "../data/dictionary.js";
import { List } from "../data/list.js";
import { EmbeddedHandle, type ObjectHandle } from "../data/object.js";
import { packParameters, Results } from "../data/results.js";
import type { ClassDeclaration, ClassLayout, Column, PropertyDeclaration } from "../data/schema.js";
import { ValueResults } from "../data/value-results.js";
import { ValueSet } from "../data/value-set.js";
import type { Engine } from "../engine.js";
import { must } from "../errors.js";
import type { RealmFile } from "../realm-file.js";
import { LiveOracle } from "./live-oracle.js";
import { classOf, property } from "./models.js";

type Roll = (sides: number) => number;

let lastFile = 0;

/** Properties that every class has, so that queries and key paths can speak of them. */
function classesOf(roll: Roll): ClassDeclaration[] {
  const names = ["A", "B", "C"].slice(0, 1 + roll(3));
  const target = (): string => must(names[roll(names.length)], "there are classes");
  const some = <T>(...properties: readonly T[]): T[] => properties.filter(() => roll(3) > 0);
  const part: ClassDeclaration = {
    name: "Part",
    kind: "embedded",
    properties: [
      property("weight", "int"),
      property("maker", "link", { isNullable: true, target: target() }),
      property("sizes", "int", { collection: "list" }),
      property("users", "link", { collection: "list", target: target() }),
      property("marks", "int", { collection: "dictionary" }),
    ],
    backlinks: [],
  };
  const classes = names.map((name): ClassDeclaration => {
    const declaration = classOf(
      name,
      "int",
      property("number", "int"),
      property("text", "string", { publicName: "label" }),
      property("next", "link", { isNullable: true, target: name }),
      ...some<PropertyDeclaration>(
        property("other", "link", { isNullable: true, target: target() }),
        property("many", "link", { collection: "list", target: target() }),
        property("group", "link", { collection: "set", target: target() }),
        property("byName", "link", { isNullable: true, collection: "dictionary", target: target() }),
        property("numbers", "int", { collection: "list" }),
        property("tags", "int", { collection: "set" }),
        property("scores", "int", { collection: "dictionary" }),
        property("part", "link", { isNullable: true, target: "Part" }),
        property("parts", "link", { collection: "list", target: "Part" }),
        property("any", "mixed", { isNullable: true }),
      ),
    );
    return { ...declaration, backlinks: [{ publicName: "before", originClass: name, originProperty: "next" }] };
  });
  return [...classes, part];
}

/** What a listener was told, and what it must have been told. */
interface Tracker {
  check(isExact: boolean): void;
}

/** A file, its listeners, and what is done to them. */
export class LiveScene {
  readonly #roll: Roll;
  readonly #name: string;
  readonly #file: RealmFile;
  readonly #trackers: Tracker[] = [];
  #oracle: LiveOracle;
  /** How many change sets were told and checked. */
  checkedCount = 0;
  #lastKey = 0;
  #lastValue = 1_000;

  constructor(engine: Engine, roll: Roll, name: string) {
    this.#roll = roll;
    this.#name = name;
    lastFile += 1;
    this.#file = engine.open({
      path: `/live-${lastFile}`,
      isInMemory: true,
      isReadOnly: false,
      classes: classesOf(roll),
    });
    this.#oracle = new LiveOracle(this.#file.database);
    if (roll(4) === 0) this.#forget();
  }

  /** The core remembers nothing, as after very many commits. */
  #forget(): void {
    const { database } = this.#file;
    const { store } = database;
    const changesSince = (since: number): string => {
      const { to } = JSON.parse(store.changesSince(since)) as { readonly to: number };
      return JSON.stringify({ to, complete: false, schema: false, classes: {} });
    };
    (database as { store: CoreStore }).store = new Proxy(store, {
      get(target, name) {
        if (name === "changesSince") return changesSince;
        const value: unknown = target[name as keyof CoreStore];
        return typeof value === "function" ? (value as () => unknown).bind(target) : value;
      },
    });
  }

  get #tops(): readonly ClassLayout[] {
    return this.#file.database.layouts.filter(({ kind }) => kind === "top");
  }

  /** Some rounds: each is one or several transactions, then what listeners were told is checked. */
  async run(rounds: number): Promise<void> {
    const { database } = this.#file;
    try {
      database.beginWrite();
      for (let count = 0; count < 8; count += 1) this.#create();
      this.#chain();
      for (let count = 0; count < 20; count += 1) this.#change();
      database.commitWrite();
      for (let count = 0; count < 16; count += 1) this.#listen();
      await turn();
      this.#check(true);
      for (let round = 0; round < rounds; round += 1) {
        const isSingle = this.#roll(2) === 0;
        for (let transactions = isSingle ? 1 : 1 + this.#roll(3); transactions > 0; transactions -= 1) {
          database.beginWrite();
          for (let changes = isSingle ? 1 : this.#roll(6); changes > 0; changes -= 1) this.#change();
          if (this.#roll(6) === 0) database.cancelWrite();
          else database.commitWrite();
        }
        await turn();
        // A value that is assigned anew counts as changed, be it the same.
        this.#check(isSingle && this.#oracle.everything() !== new LiveOracle(database).everything());
        if (this.#roll(4) === 0) {
          this.#listen();
          await turn();
          this.#check(true);
        }
      }
    } finally {
      this.#file.close();
    }
  }

  #check(isExact: boolean): void {
    this.#oracle = new LiveOracle(this.#file.database);
    this.#oracle.everything();
    for (const tracker of this.#trackers) tracker.check(isExact);
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[this.#roll(values.length)];
  }

  #objects(layout: ClassLayout): ObjectHandle[] {
    return [...new Results(this.#file.database, layout, { kind: "class" }, []).objects()];
  }

  #object(layout: ClassLayout): ObjectHandle | undefined {
    return this.#pick(this.#objects(layout));
  }

  #value(): number {
    this.#lastValue += 1;
    return this.#lastValue - 2 * this.#roll(400);
  }

  #create(): void {
    const layout = must(this.#pick(this.#tops), "there are classes");
    this.#lastKey += 1;
    createObject(
      this.#file.database,
      layout,
      { _id: this.#lastKey, number: this.#value(), label: `t${this.#value()}` },
      "never",
    );
  }

  /** Links all objects of a class one after the other, so that changes reach far. */
  #chain(): void {
    for (const layout of this.#tops) {
      const objects = this.#objects(layout);
      const next = must(layout.columnByName("next"), "every class has it");
      objects.forEach((object, index) => object.set(next, objects[index + 1] ?? null));
    }
  }

  #change(): void {
    const layout = must(this.#pick(this.#tops), "there are classes");
    const object = this.#object(layout);
    const kind = this.#roll(20);
    if (object === undefined || kind === 0) this.#create();
    else if (kind === 1 && this.#roll(12) === 0) this.#eraseMany(layout);
    else if (kind === 1) object.erase();
    else if (kind < 8) this.#changeColumn(object, must(layout.columns[this.#roll(2)], "two are values"));
    else if (kind < 12) this.#changeColumn(object, this.#pick(layout.columns.filter(isList)) ?? numberOf(layout));
    else this.#changeColumn(object, must(this.#pick(layout.columns), "there are columns"));
  }

  #changeColumn(object: ObjectHandle, column: Column): void {
    const value = object.get(column);
    if (value instanceof List) this.#changeList(value);
    else if (value instanceof ValueSet) this.#changeSet(value);
    else if (value instanceof Dictionary) this.#changeDictionary(value);
    else if (value instanceof EmbeddedHandle && this.#roll(4) > 0) this.#changePart(value);
    else object.set(column, this.#fresh(column));
  }

  #eraseMany(layout: ClassLayout): void {
    const all = new Results(this.#file.database, layout, { kind: "class" }, []);
    const some = all.refine("number > 800", packParameters(this.#file.database, []));
    (this.#roll(3) === 0 ? all : some).eraseAll();
  }

  #changePart(part: EmbeddedHandle): void {
    const column = must(this.#pick(part.layout.columns), "parts have columns");
    const value = part.get(column);
    if (value instanceof List) this.#changeList(value);
    else if (value instanceof Dictionary) this.#changeDictionary(value);
    else part.set(column, this.#fresh(column));
  }

  /** A new value for a column, or an element. */
  #fresh(column: Column): unknown {
    if (column.type === "string") return `t${this.#value()}`;
    if (column.type === "mixed" && this.#roll(2) === 0) {
      return this.#object(must(this.#pick(this.#tops), "there are classes")) ?? null;
    }
    if (column.type !== "link") return this.#value();
    const target = must(this.#file.database.storedLayout(column.target ?? ""), "links have a target");
    if (target.kind === "embedded") return { weight: this.#value() };
    const isNull = column.collection === "single" || column.collection === "dictionary";
    return isNull && this.#roll(5) === 0 ? null : (this.#object(target) ?? null);
  }

  #changeList(list: List): void {
    const { length } = list;
    const at = this.#roll(length);
    switch (length === 0 ? 0 : this.#roll(8)) {
      case 1:
        return list.erase(at);
      case 2: {
        const value = this.#fresh(list.column);
        if (value !== null) list.set(at, value);
        return;
      }
      case 3:
        return list.move(at, this.#roll(length));
      case 4:
        if (this.#roll(3) === 0) list.clear();
        return;
      case 5: {
        const part = list.get(at);
        if (part instanceof EmbeddedHandle) this.#changePart(part);
        return;
      }
      default: {
        const value = this.#fresh(list.column);
        if (value !== null) list.insert(this.#roll(length + 1), value);
      }
    }
  }

  #changeSet(set: ValueSet): void {
    const known = this.#pick(set.values());
    const kind = this.#roll(6);
    if (kind === 0) set.clear();
    else if (kind < 3 && known !== undefined) set.erase(known);
    else {
      const value = this.#fresh(set.column);
      if (value !== null) set.add(value);
    }
  }

  #changeDictionary(dictionary: Dictionary): void {
    const key = `k${this.#roll(4)}`;
    const kind = this.#roll(8);
    if (kind === 0) dictionary.clear();
    else if (kind < 3) dictionary.erase(key);
    else dictionary.set(key, this.#fresh(dictionary.column));
  }

  #keyPaths(layout: ClassLayout): readonly string[] | undefined {
    const names = layout.columns.map(({ publicName }) => publicName);
    const linking = layout.columns.filter(({ target }) => target !== undefined);
    const through = linking.flatMap(({ publicName, target }) => {
      const inner = must(this.#file.database.storedLayout(target ?? ""), "links have a target").columns;
      return inner.map((column) => `${publicName}.${column.publicName}`);
    });
    const all = [...names, ...through, "*", "*.*", "next.next.number", "next.*", "before", "before.number"];
    if (this.#roll(2) === 0) return undefined;
    return Array.from({ length: this.#roll(3) }, () => must(this.#pick(all), "there are paths"));
  }

  #listen(): void {
    const layout = must(this.#pick(this.#tops), "there are classes");
    const object = this.#object(layout);
    const kind = this.#roll(3);
    if (kind === 0 || object === undefined) this.#listenToResults(layout);
    else if (kind === 1) this.#listenToObject(object);
    else {
      const isOnlyLists = this.#roll(2) === 0;
      const columns = layout.columns.filter((one) => (isOnlyLists ? isList(one) : one.collection !== "single"));
      const column = this.#pick(columns);
      if (column !== undefined) this.#listenToCollection(object.get(column) as List | ValueSet | Dictionary);
      this.#listenToPart(object);
    }
  }

  /** An embedded object, or a collection inside it. */
  #listenToPart(object: ObjectHandle): void {
    const column = object.layout.columnByName("part");
    const part = column && object.get(column);
    if (!(part instanceof EmbeddedHandle)) return;
    const value = part.get(must(this.#pick(part.layout.columns), "parts have columns"));
    if (value instanceof List || value instanceof Dictionary) this.#listenToCollection(value);
  }

  #results(layout: ClassLayout): Results {
    const { database } = this.#file;
    const queries = [
      "TRUEPREDICATE",
      "number > 900",
      "number > 600 AND text > 't'",
      "number > 800 SORT(number DESC)",
      "TRUEPREDICATE SORT(number ASC)",
      "number > 500 SORT(text ASC, number DESC)",
      "next.number > 900",
      "number < 1000 SORT(next.number ASC)",
      "TRUEPREDICATE SORT(text ASC) LIMIT(3)",
      "TRUEPREDICATE DISTINCT(number)",
    ];
    const text = must(this.#pick(queries), "there are queries");
    const all = new Results(database, layout, { kind: "class" }, []);
    const found = text === "TRUEPREDICATE" ? all : all.refine(text, packParameters(database, []));
    return this.#roll(3) === 0 ? found.sorted([{ keyPath: "label", isDescending: this.#roll(2) === 0 }]) : found;
  }

  #listenToResults(layout: ClassLayout): void {
    const results = this.#results(layout);
    const keyPaths = this.#keyPaths(layout);
    const context = `results of ${layout.name}: ${results.stages.map(({ text }) => text).join(" | ")}`;
    this.#trackOrdered(context, keyPaths, {
      listen: (listener) => results.database.notifier.onResults(results, listener, keyPaths),
      read: () => [...results.objects()],
    });
  }

  #listenToCollection(collection: List | ValueSet | Dictionary): void {
    const { column, database } = collection;
    const target = column.type === "link" ? database.storedLayout(column.target ?? "") : undefined;
    const keyPaths = target === undefined || target.kind === "embedded" ? undefined : this.#keyPaths(target);
    const context = `${collection.holder.layout.name}.${column.name}`;
    if (collection instanceof Dictionary) return this.#trackDictionary(context, keyPaths, collection);
    if (this.#roll(3) === 0) return this.#listenToSome(context, keyPaths, collection, target);
    this.#trackOrdered(context, keyPaths, {
      listen: (listener) => database.notifier.onCollection(collection, listener, keyPaths),
      read: () => (collection.isValid() ? collection.values() : []),
    });
  }

  /** A list or set in an order, or those of its objects that pass a query. */
  #listenToSome(
    context: string,
    keyPaths: readonly string[] | undefined,
    collection: List | ValueSet,
    target: ClassLayout | undefined,
  ): void {
    const { database } = collection;
    if (target?.kind === "embedded") return;
    if (target === undefined) {
      const values = new ValueResults(collection, this.#roll(2) === 0 ? "ascending" : "descending");
      return this.#trackOrdered(`${context} sorted`, undefined, {
        listen: (listener) => database.notifier.onValues(values, listener),
        read: () => (values.isValid() ? values.values() : []),
      });
    }
    const results = new Results(database, target, { kind: "collection", collection }, []).refine(
      must(this.#pick(["number > 700", "TRUEPREDICATE SORT(number ASC)"]), "there are queries"),
      packParameters(database, []),
    );
    this.#trackOrdered(`${context} filtered`, keyPaths, {
      listen: (listener) => database.notifier.onResults(results, listener, keyPaths),
      read: () => (results.isValid() ? [...results.objects()] : []),
    });
  }

  #fail(context: string, keyPaths: readonly string[] | undefined, what: string, ...details: unknown[]): never {
    const paths = keyPaths === undefined ? "" : ` [${keyPaths.join(", ")}]`;
    throw new Error(`${this.#name}: ${context}${paths}: ${what} ${JSON.stringify(details)}`);
  }

  #trackOrdered(
    context: string,
    keyPaths: readonly string[] | undefined,
    source: {
      listen(listener: (changes: CollectionChanges) => void): () => void;
      read(): readonly unknown[];
    },
  ): void {
    const told: CollectionChanges[] = [];
    source.listen((changes) => told.push(changes));
    const look = () => {
      const values = source.read();
      return {
        ids: values.map((value) => this.#oracle.identity(value)),
        states: values.map((value) => this.#oracle.state(value, keyPaths)),
      };
    };
    let before: ReturnType<typeof look> | undefined;
    this.#trackers.push({
      check: (isExact) => {
        const fail = (what: string, ...details: unknown[]): never => this.#fail(context, keyPaths, what, ...details);
        const after = look();
        const calls = told.splice(0);
        this.checkedCount += calls.length;
        if (calls.length > 1) fail("told twice", calls);
        const changes = calls[0] ?? {
          deletions: [],
          insertions: [],
          newModifications: [],
          oldModifications: [],
          moves: [],
        };
        if (before === undefined) {
          if (calls.length !== 1 || Object.values(changes).some(({ length }) => length > 0)) fail("first call", calls);
        } else {
          checkReplay(before.ids, after.ids, changes, fail);
          checkModifications(before.states, after.states, changes, isExact, fail);
        }
        before = after;
      },
    });
  }

  #trackDictionary(context: string, keyPaths: readonly string[] | undefined, dictionary: Dictionary): void {
    const told: { deletions: string[]; insertions: string[]; modifications: string[] }[] = [];
    dictionary.database.notifier.onDictionary(dictionary, (changes) => told.push(changes), keyPaths);
    const look = (): Map<string, string> => {
      const keys = dictionary.isValid() ? dictionary.keys() : [];
      return new Map(
        keys.map((key) => {
          const value = dictionary.get(key);
          return [key, `${this.#oracle.identity(value)} ${this.#oracle.state(value, keyPaths)}`];
        }),
      );
    };
    let before: Map<string, string> | undefined;
    this.#trackers.push({
      check: (isExact) => {
        const after = look();
        const calls = told.splice(0);
        this.checkedCount += calls.length;
        const { deletions = [], insertions = [], modifications = [] } = calls[0] ?? {};
        const known = before ?? after;
        before = after;
        const same =
          String([...deletions].sort()) === String([...known.keys()].filter((key) => !after.has(key)).sort()) &&
          String([...insertions].sort()) === String([...after.keys()].filter((key) => !known.has(key)).sort());
        const differing = [...after.keys()].filter((key) => known.has(key) && known.get(key) !== after.get(key));
        const isComplete = differing.every((key) => modifications.includes(key));
        if (!same || !isComplete || (isExact && differing.length !== modifications.length)) {
          this.#fail(context, keyPaths, "dictionary", calls, [...known], [...after]);
        }
      },
    });
  }

  #listenToObject(object: ObjectHandle): void {
    const keyPaths = this.#keyPaths(object.layout);
    const told: { isDeleted: boolean; changedProperties: readonly string[] }[] = [];
    object.database.notifier.onObject(object, (changes) => told.push(changes), false, keyPaths);
    let before: ReadonlyMap<string, string> | undefined;
    let isGone = false;
    this.#trackers.push({
      check: (isExact) => {
        const calls = told.splice(0);
        this.checkedCount += calls.length;
        const fail = (what: string, ...details: unknown[]): never =>
          this.#fail(`object of ${object.layout.name}`, keyPaths, what, ...details);
        if (isGone) return void (calls.length > 0 && fail("told after the deletion", calls));
        if (!object.isValid()) {
          isGone = true;
          if (calls.length !== 1 || calls[0]?.isDeleted !== true) fail("deletion", calls);
          return;
        }
        const after = this.#oracle.properties(object, keyPaths);
        const names = calls[0]?.changedProperties ?? [];
        const differing = [...after].flatMap(([name, state]) =>
          before !== undefined && before.get(name) !== state ? [name] : [],
        );
        before = after;
        const isComplete = differing.every((name) => names.includes(name));
        if (!isComplete || (isExact && differing.length !== names.length)) fail("object", calls, differing);
      },
    });
  }
}

function isList({ collection }: Column): boolean {
  return collection === "list";
}

function numberOf(layout: ClassLayout): Column {
  return must(layout.columnByName("number"), "every class has it");
}

type Fail = (what: string, ...details: unknown[]) => never;

function checkReplay(
  before: readonly string[],
  after: readonly string[],
  changes: CollectionChanges,
  fail: Fail,
): void {
  const copy = [...before];
  for (const index of changes.deletions.toReversed()) copy.splice(index, 1);
  for (const index of changes.insertions) copy.splice(index, 0, after[index] ?? "none");
  for (const index of changes.newModifications) copy[index] = after[index] ?? "none";
  if (String(copy) !== String(after)) fail("replayed", { before, after, changes });
  for (const { from, to } of changes.moves) {
    const isKnown = changes.deletions.includes(from) && changes.insertions.includes(to);
    if (!isKnown || before[from] === undefined) fail("moves", { before, after, changes });
  }
  const olds = changes.newModifications.map((index) => oldIndexOf(changes, index));
  if (String(olds) !== String(changes.oldModifications)) fail("old indexes", { before, after, changes });
}

function checkModifications(
  before: readonly string[],
  after: readonly string[],
  changes: CollectionChanges,
  isExact: boolean,
  fail: Fail,
): void {
  const modified = new Set(changes.newModifications);
  after.forEach((state, index) => {
    const old = oldIndexOf(changes, index);
    if (old < 0) return;
    const differs = before[old] !== state;
    if (differs ? !modified.has(index) : isExact && modified.has(index)) {
      fail(differs ? "not told as modified" : "told as modified", index, { before, after, changes });
    }
  });
}

/** Two turns of the event loop: deliveries are deferred. */
async function turn(): Promise<void> {
  for (let count = 0; count < 2; count += 1) await new Promise((resolve) => setImmediate(resolve));
}
