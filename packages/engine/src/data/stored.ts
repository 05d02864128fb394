/**
 * What a version of the file holds, as bytes: for comparing two versions.
 *
 * @module
 */

import type { SnapshotId } from "../core.js";
import { decodeUtf8 } from "../values/bytes.js";
import { tag } from "../values/tags.js";
import { columnOffset, type Page, pageOf, readCollectionHead, readLink, skipValue } from "../values/unpack.js";
import type { Database } from "./database.js";
import { EmbeddedHandle, type Holder, type ObjectHandle } from "./object.js";

import type { ClassLayout, Column } from "./schema.js";

/** A value's place in a page. */
interface Place {
  readonly page: Page;
  readonly at: number;
}

// Every byte has a character of its own there.
const singleBytes = new TextDecoder("windows-1252");

/** Shorter values are read faster byte by byte. */
const decodedMin = 64;

/** Bytes as text. */
function textOf(page: Page, start: number, end: number): string {
  if (end - start >= decodedMin) return singleBytes.decode(page.bytes.subarray(start, end));
  let text = "";
  for (let index = start; index < end; index += 1) text += String.fromCharCode(page.bytes[index] ?? 0);
  return text;
}

/** Bytes of a value as text. */
export function printOf({ page, at }: Place): string {
  return textOf(page, at, skipValue(page, at));
}

/** The row of an object in a version; `undefined` if it does not exist there. */
export function storedRow(database: Database, view: SnapshotId, layout: ClassLayout, key: number): Place | undefined {
  const bytes = key < 0 ? null : database.store.row(view, layout.index, key);
  if (bytes === null) return undefined;
  const page = pageOf(bytes);
  return { page, at: 4 + page.view.getUint32(0, true) };
}

/** Column of the root object that leads to a column of a holder. */
export function rootColumn(holder: Holder, column: Column): Column {
  return holder instanceof EmbeddedHandle ? rootColumn(holder.parent, holder.column) : column;
}

/** Where the row of a holder stands in a version. */
export function storedHolder(view: SnapshotId, holder: Holder): Place | undefined {
  if (!(holder instanceof EmbeddedHandle)) {
    return storedRow(holder.database, view, holder.layout, (holder as ObjectHandle).key);
  }
  const value = storedValue(view, holder.parent, holder.column);
  const found = value === undefined ? undefined : elementAt(value, holder.element);
  return found?.page.bytes[found.at] === tag.embedded ? { page: found.page, at: found.at + 5 } : undefined;
}

/** Where the value of a column stands in a version. */
export function storedValue(view: SnapshotId, holder: Holder, column: Column): Place | undefined {
  const row = storedHolder(view, holder);
  const at = row === undefined ? -1 : columnOffset(row.page, row.at, column.index);
  return row === undefined || at < 0 ? undefined : { page: row.page, at };
}

function elementAt(value: Place, element: number | string | undefined): Place | undefined {
  if (element === undefined) return value;
  let index = 0;
  for (const entry of elementsOf(value)) {
    if (typeof element === "string" ? entry.key === element : index === element) return entry;
    index += 1;
  }
  return undefined;
}

interface Element extends Place {
  /** The key, in dictionaries. */
  readonly key: string | undefined;
}

/** The elements of a collection; of a single value, itself. */
function* elementsOf({ page, at }: Place): Generator<Element> {
  const kind = page.bytes[at];
  if (kind !== tag.list && kind !== tag.set && kind !== tag.dictionary) {
    yield { page, at, key: undefined };
    return;
  }
  const { count, first } = readCollectionHead(page, at);
  let offset = first;
  for (let index = 0; index < count; index += 1) {
    let key: string | undefined;
    if (kind === tag.dictionary) {
      const end = offset + 4 + page.view.getUint32(offset, true);
      key = decodeUtf8(page.bytes, offset + 4, end);
      offset = end;
    }
    yield { page, at: offset, key };
    offset = skipValue(page, offset);
  }
}

/** Elements of a list or set in a version, without links to absent objects. */
export interface StoredElements {
  /** Bytes of each as text. */
  readonly prints: readonly string[];
  /** Keys of the targets, if all are links. */
  readonly keys: Float64Array | undefined;
}

/** Where a collection stands in a version, if it does. */
function storedCollection(view: SnapshotId, { holder, column, way }: StoredCollection): Place | undefined {
  let value = storedValue(view, holder, column);
  for (const step of way ?? []) {
    const kind = value?.page.bytes[value.at];
    if (kind !== (typeof step === "number" ? tag.list : tag.dictionary)) return undefined;
    value = value && elementAt(value, step);
  }
  const kind = value?.page.bytes[value.at];
  return kind === tag.list || kind === tag.set || kind === tag.dictionary ? value : undefined;
}

/** What tells collections apart. */
interface StoredCollection {
  readonly holder: Holder;
  readonly column: Column;
  /** From the column's value to a collection inside it. */
  readonly way?: readonly (number | string)[];
}

/** The elements of a list or set in a version; none if it does not exist there. */
export function storedElements(view: SnapshotId, collection: StoredCollection): StoredElements {
  const { holder, column } = collection;
  const value = storedCollection(view, collection);
  const prints: string[] = [];
  const keys: number[] = [];
  if (value === undefined) return { prints, keys: undefined };
  for (const element of elementsOf(value)) {
    const isLink = column.type === "link" && element.page.bytes[element.at] === tag.link;
    const key = isLink ? targetKey(holder.database, view, element) : undefined;
    if (key === -1) continue;
    prints.push(printOf(element));
    if (key !== undefined) keys.push(key);
  }
  return { prints, keys: keys.length === prints.length ? Float64Array.from(keys) : undefined };
}

/** An entry of a dictionary. */
export interface StoredEntry {
  /** Bytes of the value as text. */
  readonly print: string;
  /** Key of the target, for a link. */
  readonly target: number | undefined;
}

/** The entries of a dictionary in a version. A link to an absent object counts as null. */
export function storedEntries(view: SnapshotId, collection: StoredCollection): Map<string, StoredEntry> {
  const { holder, column } = collection;
  const value = storedCollection(view, collection);
  const entries = new Map<string, StoredEntry>();
  if (value?.page.bytes[value.at] !== tag.dictionary) return entries;
  for (const element of elementsOf(value)) {
    const isLink = column.type === "link" && element.page.bytes[element.at] === tag.link;
    const target = isLink ? targetKey(holder.database, view, element) : undefined;
    entries.set(element.key ?? "", { print: target === -1 ? "absent" : printOf(element), target });
  }
  return entries;
}

/** Key of a link's target, −1 if it does not exist. */
function targetKey(database: Database, view: SnapshotId, { page, at }: Place): number {
  const { className, packedKey } = readLink(page, at);
  const layout = database.storedLayout(className);
  return layout === undefined ? -1 : database.store.find(view, layout.index, packedKey);
}

/** The values that columns of embedded objects lead to, one for each way through collections. */
function* valuesAt(row: Place, [column, ...rest]: readonly Column[]): Generator<Place> {
  const at = column === undefined ? -1 : columnOffset(row.page, row.at, column.index);
  if (at < 0) return;
  if (rest.length === 0) {
    yield { page: row.page, at };
    return;
  }
  for (const { page, at: inner } of elementsOf({ page: row.page, at })) {
    if (page.bytes[inner] === tag.embedded) yield* valuesAt({ page, at: inner + 5 }, rest);
  }
}

/** The values that a path leads to, as text. */
export function printAt(row: Place | undefined, path: readonly Column[]): string {
  if (row === undefined) return "";
  return Array.from(valuesAt(row, path), (value) => `${printOf(value)}\n`).join("");
}

/** Keys of the objects of a class that the values at a path link to. */
export function targetsAt(
  database: Database,
  view: SnapshotId,
  row: Place | undefined,
  path: readonly Column[],
  layout: ClassLayout,
): Set<number> {
  const found = new Set<number>();
  if (row === undefined) return found;
  for (const value of valuesAt(row, path)) {
    for (const link of linksIn(value)) {
      if (readLink(link.page, link.at).className !== layout.name) continue;
      const key = targetKey(database, view, link);
      if (key >= 0) found.add(key);
    }
  }
  return found;
}

/** The links in a value, at any depth. */
function* linksIn(value: Place): Generator<Place> {
  const { page, at } = value;
  const kind = page.bytes[at];
  if (kind === tag.link) yield value;
  else if (kind === tag.embedded) {
    const count = page.view.getUint16(at + 5, true);
    for (let column = 0; column < count; column += 1) {
      const inner = columnOffset(page, at + 5, column);
      if (inner >= 0) yield* linksIn({ page, at: inner });
    }
  } else if (kind === tag.list || kind === tag.set || kind === tag.dictionary) {
    for (const element of elementsOf(value)) yield* linksIn(element);
  }
}

/** Indexes of the columns of a row that differ between two versions. */
export function differingColumns(
  layout: ClassLayout,
  before: Place | undefined,
  after: Place | undefined,
): readonly Column[] {
  return layout.columns.filter((column) => printAt(before, [column]) !== printAt(after, [column]));
}
