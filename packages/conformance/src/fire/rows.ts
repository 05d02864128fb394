/**
 * What a file holds, object by object, in a form that two files can be compared in.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  columnOrder,
  type CoreStore,
  type Database,
  Dictionary,
  List,
  Results,
  rowParts,
  type SchemaInformation,
} from "@tidemark/engine";
import { type Belonging, type ClassName, classNames, markOf } from "./schema.js";
import { type Candidate, type Selection, selects } from "./subscriptions.js";

/** An object of a file. */
export interface HeldObject extends Candidate {
  readonly key: string;
  /** Of the row as it is stored. */
  readonly hash: string;
}

function* objectsOf(database: Database, className: ClassName): Iterable<HeldObject> {
  const layout = database.layout(className);
  if (layout === undefined) return;
  const order = orderOf(database.store, database, className);
  const value = (object: { get(column: never): unknown }, name: string): unknown => {
    const column = layout.columnByName(name);
    return column === undefined ? undefined : object.get(column as never);
  };
  for (const object of new Results(database, layout, { kind: "class" }, []).objects()) {
    const bytes = database.store.row(database.view, layout.index, object.key);
    if (bytes === null) throw new Error(`${className} ${object.key} is listed but not there`);
    const hash = createHash("sha256");
    for (const part of rowParts(bytes, order)) hash.update(part);
    yield {
      className,
      key: String(value(object, "_id")),
      owner: String(value(object, "owner")),
      group: Number(value(object, "group") ?? 0),
      number: Number(value(object, "number") ?? 0),
      hash: hash.digest("hex"),
    };
  }
}

function orderOf(store: CoreStore, database: Database, className: string): number[] {
  const { classes } = JSON.parse(store.schema(database.view)) as SchemaInformation;
  return columnOrder(classes.find(({ name }) => name === className)?.columns ?? []);
}

/** Everything in a file, by class and key. */
export function contentOf(database: Database): Map<string, HeldObject> {
  const content = new Map<string, HeldObject>();
  for (const className of classNames) {
    for (const object of objectsOf(database, className)) content.set(`${className} ${object.key}`, object);
  }
  return content;
}

/** The part of a content that a set of subscriptions selects. */
export class ContentIndex {
  readonly #byClassAndOwner = new Map<string, HeldObject[]>();
  readonly #byClassAndGroup = new Map<string, HeldObject[]>();
  readonly #byClass = new Map<string, HeldObject[]>();

  constructor(content: ReadonlyMap<string, HeldObject>) {
    for (const object of content.values()) {
      append(this.#byClass, object.className, object);
      append(this.#byClassAndOwner, `${object.className} ${object.owner}`, object);
      append(this.#byClassAndGroup, `${object.className} ${object.group}`, object);
    }
  }

  select(selections: readonly Selection[]): Map<string, HeldObject> {
    const chosen = new Map<string, HeldObject>();
    for (const selection of selections) {
      for (const object of this.#candidates(selection)) {
        if (selects(selection, object)) chosen.set(`${object.className} ${object.key}`, object);
      }
    }
    return chosen;
  }

  #candidates({ className, owner, groups }: Selection): readonly HeldObject[] {
    if (owner !== undefined) return this.#byClassAndOwner.get(`${className} ${owner}`) ?? [];
    if (groups === undefined) return this.#byClass.get(className) ?? [];
    return groups.flatMap((group) => this.#byClassAndGroup.get(`${className} ${group}`) ?? []);
  }
}

function append(map: Map<string, HeldObject[]>, key: string, object: HeldObject): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [object]);
  else known.push(object);
}

/** Differences that are named, of one pair of files. */
const namedMax = 5;

/** What differs, in words; nothing if the contents are equal. */
export function differences(
  expected: ReadonlyMap<string, HeldObject>,
  found: ReadonlyMap<string, HeldObject>,
): string | undefined {
  const named: string[] = [];
  let count = 0;
  const note = (text: string): void => {
    count += 1;
    if (named.length < namedMax) named.push(text);
  };
  for (const [key, object] of expected) {
    const other = found.get(key);
    if (other === undefined) note(`lacks ${key}`);
    else if (other.hash !== object.hash) note(`differs in ${key}`);
  }
  for (const key of found.keys()) if (!expected.has(key)) note(`has ${key} beyond it`);
  return count === 0 ? undefined : `${count} differences: ${named.join("; ")}`;
}

/** Texts of a file that stand in an object they do not belong to, or in one that its user never asked for. */
export function* strayTexts(database: Database): Iterable<{ readonly belonging: Belonging; readonly stray: string[] }> {
  for (const className of classNames) {
    const layout = database.layout(className);
    if (layout === undefined) continue;
    for (const object of new Results(database, layout, { kind: "class" }, []).objects()) {
      const values = layout.columns.map((column) => object.get(column));
      const named = (name: string): unknown => values[layout.columns.findIndex((column) => column.name === name)];
      const belonging = { className, group: Number(named("group") ?? 0), owner: String(named("owner")) };
      const mark = markOf(belonging);
      yield {
        belonging,
        stray: values.flatMap(textsOf).filter((text) => text.includes("~") && !text.startsWith(mark)),
      };
    }
  }
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (value instanceof List) return value.values().filter((one): one is string => typeof one === "string");
  if (value instanceof Dictionary) return value.keys().map((key) => String(value.get(key)));
  return [];
}
