/**
 * Adding objects to a realm: an object that the application made becomes the realm's, and so do those that it links to.
 *
 * @module
 */

import {
  bindingKey,
  type ClassLayout,
  type Column,
  createObject,
  Dictionary,
  EmbeddedHandle,
  handleKey,
  isNested,
  List,
  ObjectHandle,
  unwrap,
  type ValueSet,
} from "@tidemark/engine";
import { RealmError } from "../errors.js";
import { schemaOf } from "../model/schema.js";
import type { Binding } from "./binding.js";
import { entriesOf, type MemoryList, type MemoryMap, type MemorySet } from "./memory.js";
import { RealmObjectBase, valuesKey } from "./object-base.js";
import { RealmValue, type RealmValueContent, RealmValueType } from "./realm-value.js";

/** Values by the names of properties. */
type Values = Record<string, unknown>;

/** The class of an object in a realm. @throws `RealmError` if the realm does not have it. */
export function layoutOf(binding: Binding, name: string): ClassLayout {
  const layout = binding.file.database.layout(name);
  if (layout !== undefined) return layout;
  throw new RealmError(
    `Object type ${name} not configured in the current Realm's schema. ` +
      `Add type ${name} to your config before opening the Realm`,
  );
}

function classNameOf(object: RealmObjectBase): string {
  return schemaOf(object.constructor as Parameters<typeof schemaOf>[0]).name;
}

/**
 * Makes an object the realm's.
 *
 * @param isUpdate whether an object with its key that is there takes its values; only what differs is written.
 */
export function manage(binding: Binding, object: RealmObjectBase, isUpdate: boolean): void {
  const { database } = binding.file;
  const known = object[bindingKey];
  if (known !== undefined) {
    if (known.file.database === database) return;
    throw new RealmError("Cannot add object to Realm because the object is managed by another Realm instance");
  }
  const layout = layoutOf(binding, classNameOf(object));
  refuseOwnFields(object, layout);
  const mode = isUpdate && layout.primaryKey !== undefined ? "modified" : "never";
  const values = object[valuesKey] ?? {};
  if (layout.kind === "asymmetric") {
    createObject(database, layout, plainValues(binding, values, layout, isUpdate), "never");
    return;
  }
  const links: Column[] = [];
  const plain: Values = {};
  for (const column of columnsOf(layout)) {
    const value = values[column.publicName];
    if (value === undefined) continue;
    if (column.type === "link" || holdsObjects(column, value)) links.push(column);
    else plain[column.publicName] = mapValues(column, value, (one) => one);
  }
  const handle = createObject(database, layout, plain, mode);
  // From here on the object is the realm's, so that a link back to it finds it.
  attach(object, binding, handle);
  for (const column of links) writeLinks(binding, handle, column, values[column.publicName], isUpdate);
}

function columnsOf(layout: ClassLayout): readonly Column[] {
  return layout.primaryKey === undefined ? layout.columns : [layout.primaryKey, ...layout.columns];
}

/** Whether values of any type hold objects among them, which have to be added first. */
function holdsObjects(column: Column, value: unknown): boolean {
  if (column.type !== "mixed") return false;
  const values = column.collection === "single" ? [value] : [...(value as Iterable<unknown>)];
  const isMap = column.collection === "dictionary";
  return values.some((one) => hasObject(RealmValue.from((isMap ? (one as [string, unknown])[1] : one) as object)));
}

function hasObject(value: RealmValue): boolean {
  return elementsOf(value)?.some(hasObject) ?? value.value instanceof RealmObjectBase;
}

/** What is in a collection of values; `undefined` for all other values. */
function elementsOf(value: unknown): RealmValue[] | undefined {
  if (!(value instanceof RealmValue)) return undefined;
  if (value.type === RealmValueType.list) return value.asList().toList();
  return value.type === RealmValueType.map ? value.asMap().values : undefined;
}

function contentOf(value: unknown): unknown {
  return value instanceof RealmValue ? value.value : value;
}

/** Applies a function to the value or values of a property; collections become plain arrays and objects. */
function mapValues(column: Column, value: unknown, convert: (value: unknown) => unknown): unknown {
  const typed = (one: unknown): unknown =>
    convert(column.type === "mixed" ? RealmValue.from(one as RealmValueContent) : one);
  if (column.collection === "single") return typed(value);
  if (column.collection !== "dictionary") return [...(value as Iterable<unknown>)].map(typed);
  return Object.fromEntries([...entriesOf(value)].map(([key, one]) => [key, typed(one)]));
}

/** Declared fields hide what the class reads from the realm. */
function refuseOwnFields(object: RealmObjectBase, layout: ClassLayout): void {
  const hidden = columnsOf(layout).find(({ publicName }) => Object.hasOwn(object, publicName));
  if (hidden === undefined) return;
  throw new RealmError(
    `'${hidden.publicName}' is a field of ${layout.name} that hides the property: write 'declare ${hidden.publicName}'`,
  );
}

/** Turns an object that the application made into one that shows a row. */
export function attach(object: RealmObjectBase, binding: Binding, handle: ObjectHandle | EmbeddedHandle): void {
  Object.setPrototypeOf(object, binding.classOf(handle.layout).prototype);
  object[handleKey] = handle;
  object[bindingKey] = binding;
  object[valuesKey] = undefined;
}

/**
 * What can be written for a value: objects that belong to no realm are added before, embedded ones become plain values.
 */
function storable(binding: Binding, value: unknown, isUpdate: boolean): unknown {
  for (const element of elementsOf(value) ?? []) storable(binding, element, isUpdate);
  const content = contentOf(value);
  if (!(content instanceof RealmObjectBase)) return value;
  const layout = layoutOf(binding, classNameOf(content));
  if (value instanceof RealmValue && layout.kind === "embedded") {
    throw new RealmError(`Using an embedded object (${layout.name}) as a RealmValue is not supported`);
  }
  if (layout.kind !== "embedded") {
    manage(binding, content, isUpdate);
    return content;
  }
  const values = content[valuesKey];
  return values === undefined ? content : plainValues(binding, values, layout, isUpdate);
}

function plainValues(binding: Binding, values: Values, layout: ClassLayout, isUpdate: boolean): Values {
  const plain: Values = {};
  for (const column of columnsOf(layout)) {
    const value = values[column.publicName];
    if (value === undefined) continue;
    plain[column.publicName] = mapValues(column, value, (one) => storable(binding, one, isUpdate));
  }
  return plain;
}

/** Writes a property that holds objects. */
export function writeLinks(
  binding: Binding,
  handle: ObjectHandle | EmbeddedHandle,
  column: Column,
  value: unknown,
  isUpdate: boolean,
): void {
  const stored = mapValues(column, value, (one) => storable(binding, one, isUpdate));
  if (isUpdate && isUnchanged(handle.get(column), stored)) return;
  handle.set(column, stored);
  attachInside(binding, handle.get(column), value);
}

/** Whether links are what they are to become, so that nobody else's changes of them are overruled for nothing. */
function isUnchanged(current: unknown, stored: unknown): boolean {
  if (current === null || current instanceof ObjectHandle) return isSameLink(current, stored);
  if (!(current instanceof List) || !Array.isArray(stored) || current.length !== stored.length) return false;
  return stored.every((one, index) => isSameLink(current.get(index), one));
}

function isSameLink(current: unknown, stored: unknown): boolean {
  const link = unwrap(stored);
  return current === link || (current instanceof ObjectHandle && current.equals(link));
}

/** Embedded objects that were written become the realm's too. */
function attachInside(binding: Binding, written: unknown, given: unknown): void {
  if (written instanceof EmbeddedHandle) return attachEmbedded(binding, written, given);
  // Values of any type hold no embedded objects.
  if ((written instanceof List || written instanceof Dictionary) && isNested(written)) return;
  if (written instanceof List) {
    [...(given as Iterable<unknown>)].forEach((one, index) => {
      if (one instanceof RealmObjectBase) attachInside(binding, written.get(index), one);
    });
  }
  if (written instanceof Dictionary) {
    for (const [key, one] of entriesOf(given)) attachInside(binding, written.get(key), one);
  }
}

function attachEmbedded(binding: Binding, handle: EmbeddedHandle, given: unknown): void {
  const content = contentOf(given);
  if (!(content instanceof RealmObjectBase) || content[bindingKey] !== undefined) return;
  const values = content[valuesKey] ?? {};
  attach(content, binding, handle);
  for (const column of handle.layout.columns) {
    const value = values[column.publicName];
    if (column.type === "link" && value !== null && value !== undefined) {
      attachInside(binding, handle.get(column), value);
    }
  }
}

/**
 * Writes an element of a collection.
 *
 * @param binding `undefined` for collections in memory, which take values as they are.
 * @param write writes what can be stored.
 * @param place where the element is afterwards, where that can be asked for.
 */
export function storeElement(
  binding: Binding | undefined,
  collection: List | ValueSet | Dictionary | MemoryList | MemorySet | MemoryMap,
  value: unknown,
  write: (stored: unknown) => void,
  place?: number | string,
): void {
  if (binding === undefined) return write(value);
  binding.file.database.requireWrite();
  const isMixed = "column" in collection && collection.column.type === "mixed";
  write(storable(binding, isMixed ? RealmValue.from(value as RealmValueContent) : value, false));
  if (collection instanceof List && typeof place === "number") attachInside(binding, collection.get(place), value);
  if (collection instanceof Dictionary && typeof place === "string") {
    attachInside(binding, collection.get(place), value);
  }
}
