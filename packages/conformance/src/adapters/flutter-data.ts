/**
 * Classes, objects and values of the flutter facade, driven by the suite.
 *
 * @module
 */
import {
  AsymmetricObject,
  backlinks,
  binary,
  bool,
  dateTime,
  decimal128,
  double,
  EmbeddedObject,
  int,
  list,
  map,
  type ModelClass,
  object,
  objectId,
  ObjectType,
  type Property,
  RealmList,
  RealmMap,
  RealmObject,
  type RealmObjectBase,
  type RealmResults,
  type RealmSet,
  RealmValue,
  realmValue,
  type RealmValueContent,
  SchemaObject,
  set as setOf,
  string,
  uuid,
} from "@tidemark/flutter";
import type { Model, TestDictionary, TestList, TestObject, TestSet, Value } from "../adapter.js";
import { backlinksOf, byKey, inOrder, plainForms, Values } from "./values.js";

/** Values as the facade has them. */
export const values: Values = new Values({
  ...plainForms,
  mixedList: (elements) => RealmValue.list(elements),
  mixedEntries: (entries) => RealmValue.map(new Map(entries)),
  elements: (value) => (value instanceof RealmList ? (value as Iterable<unknown>) : undefined),
  entries: (value) => (value instanceof RealmMap ? (value as Iterable<[string, unknown]>) : undefined),
  mixed: (value) => RealmValue.from(value as RealmValueContent),
  unmixed: (value) => (value instanceof RealmValue ? value.value : value),
});

/** Types of the suite's models as the facade writes them. */
const types: Readonly<Record<string, () => Property>> = {
  int,
  string,
  double,
  bool,
  date: dateTime,
  data: binary,
  objectId,
  uuid,
  decimal128,
  mixed: realmValue,
};

function propertyOf(type: string): Property {
  if (type.endsWith("[]")) return list(propertyOf(type.slice(0, -2)));
  if (type.endsWith("<>")) return setOf(propertyOf(type.slice(0, -2)));
  if (type.endsWith("{}")) return map(propertyOf(type.slice(0, -2)));
  if (type.endsWith("?")) return propertyOf(type.slice(0, -1)).optional();
  const origin = backlinksOf(type);
  if (origin !== undefined) return backlinks<RealmObject>(origin.className, origin.field);
  return types[type]?.() ?? object<RealmObject>(type);
}

/** A class of the suite. Those that are embedded or only sent are no `RealmObject`, but the suite treats them alike. */
type FlutterClass = ModelClass & (new (values: Readonly<Record<string, unknown>>) => RealmObject);

export type Models = ReadonlyMap<string, FlutterClass>;

function classOf({ name, primaryKey, properties, embedded, asymmetric }: Model): FlutterClass {
  const entries = Object.entries(properties).map(([key, type]): [string, Property] => {
    const property = propertyOf(type);
    return [key, key === primaryKey ? property.primaryKey() : property];
  });
  const baseType =
    embedded === true
      ? ObjectType.embeddedObject
      : asymmetric === true
        ? ObjectType.asymmetricObject
        : ObjectType.realmObject;
  const schema: SchemaObject = SchemaObject(name, Object.fromEntries(entries), { baseType });
  if (embedded === true) return class extends EmbeddedObject.of(schema) {} as unknown as FlutterClass;
  if (asymmetric === true) return class extends AsymmetricObject.of(schema) {} as unknown as FlutterClass;
  return class extends RealmObject.of(schema) {};
}

export function classesOf(models: readonly Model[]): Models {
  return new Map(models.map((model) => [model.name, classOf(model)]));
}

class FlutterList implements TestList {
  readonly #list: RealmList<unknown>;

  constructor(found: RealmList<unknown>) {
    this.#list = found;
  }
  push(value: Value): void {
    this.#list.add(values.encode(value));
  }
  insert(index: number, value: Value): void {
    this.#list.insert(index, values.encode(value));
  }
  set(index: number, value: Value): void {
    this.#list[index] = values.encode(value);
  }
  remove(index: number): void {
    this.#list.removeAt(index);
  }
  values(): readonly Value[] {
    return this.#list.toList().map((value) => values.decode(value));
  }
}

class FlutterSet implements TestSet {
  readonly #set: RealmSet;

  constructor(found: RealmSet) {
    this.#set = found;
  }
  add(value: Value): void {
    this.#set.add(values.encode(value));
  }
  remove(value: Value): void {
    this.#set.remove(values.encode(value));
  }
  values(): readonly Value[] {
    return inOrder(Array.from(this.#set, (value) => values.decode(value)));
  }
}

class FlutterDictionary implements TestDictionary {
  readonly #map: RealmMap<unknown>;

  constructor(found: RealmMap<unknown>) {
    this.#map = found;
  }
  put(key: string, value: Value): void {
    this.#map.set(key, values.encode(value));
  }
  remove(key: string): void {
    this.#map.remove(key);
  }
  all(): readonly (readonly [string, Value])[] {
    return byKey(this.#map.entries.map(([key, value]) => [key, values.decode(value)] as const));
  }
}

export class FlutterObject implements TestObject {
  readonly #object: RealmObjectBase;

  constructor(found: RealmObjectBase) {
    this.#object = found;
  }
  get(field: string): Value {
    return values.decode(this.#object.dynamic.get(field));
  }
  set(field: string, value: Value): void {
    this.#object.dynamic.set(field, values.encode(value));
  }
  list(field: string): TestList {
    return new FlutterList(this.#object.dynamic.get<RealmList<unknown>>(field));
  }
  members(field: string): TestSet {
    return new FlutterSet(this.#object.dynamic.get<RealmSet>(field));
  }
  entries(field: string): TestDictionary {
    return new FlutterDictionary(this.#object.dynamic.get<RealmMap<unknown>>(field));
  }
  nestedList(field: string, way: readonly (number | string)[]): TestList {
    return new FlutterList(values.inside(this.#object.dynamic.get(field), way) as RealmList<unknown>);
  }
  nestedEntries(field: string, way: readonly (number | string)[]): TestDictionary {
    return new FlutterDictionary(values.inside(this.#object.dynamic.get(field), way) as RealmMap<unknown>);
  }
  linked(field: string): TestObject | null {
    const found = this.#object.dynamic.get<RealmObjectBase | null>(field);
    return found && new FlutterObject(found);
  }
  linking(field: string): readonly Value[] {
    const found = this.#object.dynamic.get<RealmResults<RealmObject>>(field);
    return inOrder(found.map((one) => values.decode(one.dynamic.get("_id"))));
  }
  increment(): void {
    throw new Error("the SDK has no counters");
  }
}
