/**
 * Lists and dictionaries inside values of mixed type: finding them, and writing them from plain ones.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { ByteWriter } from "../values/bytes.js";
import type { CollectionParts, Conventions } from "../values/conventions.js";
import { packMixed, prepareValue } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { columnOffset, type Page } from "../values/unpack.js";
import { type Address, operation } from "./batch.js";
import type { Database } from "./database.js";
import { Dictionary, dictionaryKey } from "./dictionary.js";
import { elementOffset } from "./elements.js";
import { List } from "./list.js";
import { EmbeddedHandle, type Holder, type RowPlace, touched } from "./object.js";
import type { Column } from "./schema.js";
import { ValueSet } from "./value-set.js";

/** Indexes and keys that lead from a column to a place inside its value. */
export type Way = readonly (number | string)[];

/** The way to the column's own value. */
export const noWay: Way = [];

/** How many collections may lie inside each other. */
export const nestingMax = 100;

/** Where a collection stands: in a column, or inside a mixed value of it. */
export interface CollectionPlace {
  /** What holds the column. */
  readonly holder: Holder;
  /** The column. */
  readonly column: Column;
  /** The way from the column to the collection; empty for the column's own. */
  readonly way: Way;
}

/** Whether a collection is there because a mixed value is one, and not because its column says so. */
export function isNested({ column, way }: CollectionPlace): boolean {
  return way.length > 0 || column.collection === "single";
}

/** The place of a collection's element, for a mutation. */
export function addressOf({ holder, column, way }: CollectionPlace, element?: number | string): Address {
  const address = holder.address(column);
  if (way.length === 0 && element === undefined) return address;
  return { ...address, path: element === undefined ? [...address.path, ...way] : [...address.path, ...way, element] };
}

function find({ holder, column, way }: CollectionPlace): RowPlace {
  const { page, offset: row } = holder.row();
  let offset = columnOffset(page, row, column.index);
  for (const step of way) {
    if (offset < 0) break;
    offset = typeof step === "number" ? elementOffset(page, offset, step) : Dictionary.valueOffset(page, offset, step);
  }
  return { page, offset };
}

/**
 * Where the bytes of a collection stand; an offset of −1 means that nothing was written there.
 *
 * @throws {@link EngineError} `invalidated` if it lies inside a value that is another one by now.
 */
export function findCollection(place: CollectionPlace, kind: "list" | "dictionary"): RowPlace {
  const found = find(place);
  if (found.offset >= 0 && found.page.bytes[found.offset] === tag[kind]) return found;
  if (!isNested(place)) return { page: found.page, offset: -1 };
  const name = kind === "list" ? "List" : "Dictionary";
  throw new EngineError("invalidated", `Access to invalidated ${name} object`);
}

/** Whether what holds a collection exists, and still holds one of its kind. */
export function isCollectionThere(place: CollectionPlace, kind: "list" | "dictionary"): boolean {
  if (!place.holder.isValid()) return false;
  if (!isNested(place)) return true;
  const { page, offset } = find(place);
  return offset >= 0 && page.bytes[offset] === tag[kind];
}

/** The live collection that stands at an offset. */
export function nestedCollection(place: CollectionPlace, page: Page, offset: number): List | Dictionary {
  if (page.bytes[offset] === tag.list) return new List(place.holder, place.column, place.way);
  return new Dictionary(place.holder, place.column, place.way);
}

/** A value that was looked through and packed, so that writing it cannot fail half-way. */
type Plan =
  | { readonly kind: "value"; readonly packed: Uint8Array }
  | { readonly kind: "list"; readonly elements: readonly Plan[] }
  | { readonly kind: "dictionary"; readonly entries: readonly (readonly [string, Plan])[] };

function plainParts(value: object): CollectionParts | undefined {
  if (Array.isArray(value)) return { kind: "list", elements: value };
  if (value instanceof List) return { kind: "list", elements: value.values() };
  if (value instanceof Dictionary) {
    return { kind: "dictionary", entries: value.keys().map((key): [string, unknown] => [key, value.get(key)]) };
  }
  if (value instanceof Map) return { kind: "dictionary", entries: [...(value as Map<string, unknown>)] };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  return { kind: "dictionary", entries: Object.entries(value) };
}

/** What a value of mixed type consists of, if it is a list or a dictionary. */
export function collectionParts(value: unknown, conventions: Conventions): CollectionParts | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const given = conventions.collectionParts?.(value);
  if (given !== undefined) return given;
  const inner = conventions.unwrap(value);
  const refused = refusedName(inner, value);
  if (refused !== undefined) {
    throw new EngineError("type-mismatch", `Using ${refused} as a Mixed value is not supported.`);
  }
  if (conventions.mixedParts?.(value) !== undefined) return undefined;
  return typeof inner === "object" && inner !== null ? plainParts(inner) : undefined;
}

function refusedName(inner: unknown, value: object): string | undefined {
  if (inner instanceof EmbeddedHandle) return `an embedded object (${inner.className})`;
  if (inner instanceof ValueSet || inner instanceof Set) return `a ${value.constructor.name}`;
  return undefined;
}

/**
 * An element that stays what it is while the collection around it is emptied: live collections are read out. All others
 * come as they are.
 */
export function readOut(value: unknown): unknown {
  if (value instanceof List) return value.values().map(readOut);
  if (!(value instanceof Dictionary)) return value;
  return new Map(value.keys().map((key) => [key, readOut(value.get(key))] as const));
}

function planOf(value: unknown, conventions: Conventions, depth: number, name: string): Plan {
  const parts = collectionParts(value, conventions);
  if (parts === undefined) {
    prepareValue(value, conventions);
    const writer = new ByteWriter(64);
    packMixed(writer, conventions.unwrap(value), conventions, name, "double");
    return { kind: "value", packed: writer.copy() };
  }
  if (depth >= nestingMax) throw new EngineError("invalid-argument", "Max nesting level reached");
  if (parts.kind === "list") {
    const elements = [...parts.elements];
    return {
      kind: "list",
      elements: elements.map((one, index) => planOf(one, conventions, depth + 1, `${name}[${index}]`)),
    };
  }
  const entries = [...parts.entries].map(([key, one]): [string, Plan] => [
    dictionaryKey(key),
    planOf(one, conventions, depth + 1, `${name}["${key}"]`),
  ]);
  return { kind: "dictionary", entries };
}

/** Checks a value of mixed type. @throws {@link EngineError} as writing it would. */
export function checkMixed(value: unknown, conventions: Conventions, name: string): void {
  planOf(value, conventions, 0, name);
}

/**
 * Writes a list or dictionary into a value of mixed type.
 *
 * @param place the place that becomes a collection, with the way to it.
 * @param code whether an element is inserted or something is assigned.
 * @returns false, having done nothing, if the value is neither.
 */
export function writeNested(place: CollectionPlace, code: number, value: unknown, isDefault: boolean): boolean {
  const { database } = place.holder;
  if (collectionParts(value, database.conventions) === undefined) return false;
  const plan = planOf(value, database.conventions, place.way.length, place.column.publicName);
  emit(database, place, code, plan, { isDefault, isFresh: isDefault });
  touched(place.holder);
  return true;
}

/** @param isFresh whether nothing can be at the place. */
function emit(
  database: Database,
  place: CollectionPlace,
  code: number,
  plan: Plan,
  { isDefault, isFresh }: { readonly isDefault: boolean; readonly isFresh: boolean },
): void {
  const { batch } = database;
  const writer = batch.begin(code, addressOf(place));
  if (code === operation.set) writer.u8(isDefault ? 1 : 0);
  if (plan.kind === "value") {
    writer.bytes(plan.packed);
    batch.end();
    return;
  }
  writer.u8(plan.kind === "list" ? tag.listMarker : tag.dictionaryMarker);
  batch.end();
  if (code === operation.set && !isFresh) {
    // A marker leaves a collection of its kind as it is.
    batch.begin(operation.clear, addressOf(place));
    batch.end();
  }
  fillNested(database, place, plan);
}

function fillNested(database: Database, place: CollectionPlace, plan: Exclude<Plan, { kind: "value" }>): void {
  const inside = (step: number | string): CollectionPlace => ({ ...place, way: [...place.way, step] });
  const fresh = { isDefault: false, isFresh: true };
  if (plan.kind === "list") {
    plan.elements.forEach((one, index) => emit(database, inside(index), operation.listInsert, one, fresh));
    return;
  }
  for (const [key, one] of plan.entries) emit(database, inside(key), operation.set, one, fresh);
}
