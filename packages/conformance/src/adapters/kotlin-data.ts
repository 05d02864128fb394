/**
 * Models, objects and values of the kotlin facade, driven by the suite.
 *
 * @module
 */
import {
  any,
  asymmetricRealmObject,
  backlinks,
  binary,
  boolean,
  decimal128,
  dictionary,
  double,
  embeddedRealmObject,
  instant,
  list,
  long,
  type ModelClass,
  mutableInt,
  MutableRealmInt,
  nullable,
  object,
  objectId,
  primaryKey,
  type Property,
  RealmAny,
  RealmDictionary,
  realmDictionaryOf,
  RealmInstant,
  RealmList,
  realmListOf,
  realmObject,
  type RealmObject,
  type RealmResults,
  type RealmSet,
  set as setOf,
  string,
  uuid,
} from "@tidemark/kotlin";
import type { Model, TestDictionary, TestList, TestObject, TestSet, Value } from "../adapter.js";
import { backlinksOf, byKey, inOrder, Values } from "./values.js";

/** What is in a value of any type. */
function contentOf(value: RealmAny): unknown {
  switch (value.type) {
    case "INT":
      return value.asLong();
    case "BOOL":
      return value.asBoolean();
    case "STRING":
      return value.asString();
    case "BINARY":
      return value.asByteArray();
    case "TIMESTAMP":
      return value.asRealmInstant();
    case "FLOAT":
      return value.asFloat();
    case "DOUBLE":
      return value.asDouble();
    case "DECIMAL128":
      return value.asDecimal128();
    case "OBJECT_ID":
      return value.asObjectId();
    case "UUID":
      return value.asRealmUUID();
    case "LIST":
      return value.asList();
    case "DICTIONARY":
      return value.asDictionary();
    case "OBJECT":
      return null;
  }
}

/** Values as the facade has them. */
export const values: Values = new Values({
  date: (unixMs) => RealmInstant.fromDate(new Date(unixMs)),
  unixMs: (value) => (value instanceof RealmInstant ? value.toDate().getTime() : undefined),
  mixed: (value) => (value === null ? null : RealmAny.create(value as Parameters<typeof RealmAny.create>[0])),
  mixedList: (elements) => RealmAny.create(realmListOf(...(elements as readonly (RealmAny | null)[]))),
  mixedEntries: (entries) =>
    RealmAny.create(realmDictionaryOf(...(entries as readonly (readonly [string, RealmAny | null])[]))),
  elements: (value) => (value instanceof RealmList ? (value as Iterable<unknown>) : undefined),
  entries: (value) => (value instanceof RealmDictionary ? (value as Iterable<[string, unknown]>) : undefined),
  unmixed: (value) => (value instanceof RealmAny ? contentOf(value) : value),
});

/** An object of a model, with fields by name. */
export type Fields = RealmObject & Record<string, unknown>;

export type Models = ReadonlyMap<string, ModelClass<Fields>>;

const scalars: Readonly<Record<string, () => Property<unknown>>> = {
  int: long,
  double,
  bool: boolean,
  string,
  date: instant,
  data: binary,
  objectId,
  uuid,
  decimal128,
  mixed: any,
  counter: mutableInt,
};

function scalarOf(type: string): Property<unknown> | undefined {
  if (!type.endsWith("?")) return scalars[type]?.();
  const property = scalarOf(type.slice(0, -1));
  return property && nullable(property);
}

function propertyOf(type: string): Property<unknown> {
  const origin = backlinksOf(type);
  if (origin !== undefined) return backlinks<Fields>(origin.className, origin.field);
  const element = type.slice(0, -2);
  const scalar = scalarOf(element);
  if (type.endsWith("[]")) return scalar ? list(scalar) : list(element);
  if (type.endsWith("<>")) return scalar ? setOf(scalar) : setOf(element);
  if (type.endsWith("{}")) return scalar ? dictionary(scalar) : dictionary(element);
  return scalarOf(type) ?? object<Fields>(type);
}

function modelFor({ name, primaryKey: key, properties, embedded, asymmetric }: Model): ModelClass<Fields> {
  const entries = Object.entries(properties).map(([property, type]) => {
    const written = propertyOf(type);
    return [property, property === key ? primaryKey(written) : written] as const;
  });
  const make = embedded === true ? embeddedRealmObject : asymmetric === true ? asymmetricRealmObject : realmObject;
  // The suite treats all three kinds alike.
  const base = make(name, Object.fromEntries(entries)) as unknown as ModelClass<Fields>;
  return class extends base {};
}

/** Classes for the suite's models. */
export function modelsOf(models: readonly Model[]): Models {
  return new Map(models.map((model) => [model.name, modelFor(model)]));
}

export function modelOf(models: Models, className: string): ModelClass<Fields> {
  const model = models.get(className);
  if (!model) throw new Error(`no model ${className}`);
  return model;
}

/** A new object. */
export function instanceOf(models: Models, className: string, given: Readonly<Record<string, Value>>): Fields {
  const made = new (modelOf(models, className))();
  const fields = made as Record<string, unknown>;
  for (const [name, value] of Object.entries(values.fields(given))) {
    const current = fields[name];
    if (Array.isArray(value)) fields[name] = realmListOf(...(value as readonly unknown[]));
    else if (current instanceof MutableRealmInt) current.set(value as number);
    else fields[name] = value;
  }
  return made;
}

class KotlinList implements TestList {
  readonly #list: RealmList<unknown>;

  constructor(found: RealmList<unknown>) {
    this.#list = found;
  }
  push(value: Value): void {
    this.#list.add(values.encode(value));
  }
  insert(index: number, value: Value): void {
    this.#list.add(index, values.encode(value));
  }
  set(index: number, value: Value): void {
    this.#list.set(index, values.encode(value));
  }
  remove(index: number): void {
    this.#list.removeAt(index);
  }
  values(): readonly Value[] {
    return this.#list.toArray().map((value) => values.decode(value));
  }
}

class KotlinSet implements TestSet {
  readonly #set: RealmSet<unknown>;

  constructor(found: RealmSet<unknown>) {
    this.#set = found;
  }
  add(value: Value): void {
    this.#set.add(values.encode(value));
  }
  remove(value: Value): void {
    this.#set.remove(values.encode(value));
  }
  values(): readonly Value[] {
    return inOrder(this.#set.toArray().map((value) => values.decode(value)));
  }
}

class KotlinDictionary implements TestDictionary {
  readonly #dictionary: RealmDictionary<unknown>;

  constructor(found: RealmDictionary<unknown>) {
    this.#dictionary = found;
  }
  put(key: string, value: Value): void {
    this.#dictionary.set(key, values.encode(value));
  }
  remove(key: string): void {
    this.#dictionary.remove(key);
  }
  all(): readonly (readonly [string, Value])[] {
    return byKey(Array.from(this.#dictionary, ([key, value]) => [key, values.decode(value)] as const));
  }
}

export class KotlinObject implements TestObject {
  readonly #object: Fields;

  constructor(fields: Fields) {
    this.#object = fields;
  }
  get(field: string): Value {
    const value = this.#object[field];
    return values.decode(value instanceof MutableRealmInt ? value.get() : value);
  }
  set(field: string, value: Value): void {
    (this.#object as Record<string, unknown>)[field] = values.encode(value);
  }
  list(field: string): TestList {
    return new KotlinList(this.#object[field] as RealmList<unknown>);
  }
  members(field: string): TestSet {
    return new KotlinSet(this.#object[field] as RealmSet<unknown>);
  }
  entries(field: string): TestDictionary {
    return new KotlinDictionary(this.#object[field] as RealmDictionary<unknown>);
  }
  nestedList(field: string, way: readonly (number | string)[]): TestList {
    return new KotlinList(values.inside(this.#object[field], way) as RealmList<unknown>);
  }
  nestedEntries(field: string, way: readonly (number | string)[]): TestDictionary {
    return new KotlinDictionary(values.inside(this.#object[field], way) as RealmDictionary<unknown>);
  }
  linked(field: string): TestObject | null {
    const found = this.#object[field] as Fields | null;
    return found && new KotlinObject(found);
  }
  linking(field: string): readonly Value[] {
    return inOrder((this.#object[field] as RealmResults<Fields>).map((found) => values.decode(found["_id"])));
  }
  increment(field: string, by: number): void {
    (this.#object[field] as MutableRealmInt).increment(by);
  }
}
