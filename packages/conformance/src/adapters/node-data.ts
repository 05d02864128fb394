/**
 * Classes, objects and values of the node facade, driven by the suite.
 *
 * @module
 */
import { Counter, Dictionary, List, type ObjectSchema, type Realm } from "@tidemark/node";
import type { Model, TestDictionary, TestList, TestObject, TestSet, Value } from "../adapter.js";
import { backlinksOf, byKey, inOrder, plainForms, Values } from "./values.js";

/** Values as the facade has them. */
export const values: Values = new Values({
  ...plainForms,
  elements: (value) => (value instanceof List ? (value as Iterable<unknown>) : undefined),
  entries: (value) => (value instanceof Dictionary ? (value as Dictionary<unknown>).entries() : undefined),
});

/** A managed object with fields by name. */
export type Fields = Record<string, unknown>;

export function schemaOf(models: readonly Model[]): ObjectSchema[] {
  return models.map((model) => ({
    ...model,
    properties: Object.fromEntries(Object.entries(model.properties).map(([name, type]) => [name, propertyOf(type)])),
  }));
}

function propertyOf(type: string): ObjectSchema["properties"][string] {
  const backlinks = backlinksOf(type);
  if (backlinks === undefined) return type;
  return { type: "linkingObjects", objectType: backlinks.className, property: backlinks.field };
}

class NodeList implements TestList {
  readonly #list: List;

  constructor(list: List) {
    this.#list = list;
  }
  push(value: Value): void {
    this.#list.push(values.encode(value));
  }
  insert(index: number, value: Value): void {
    this.#list.splice(index, 0, values.encode(value));
  }
  set(index: number, value: Value): void {
    (this.#list as { [position: number]: unknown })[index] = values.encode(value);
  }
  remove(index: number): void {
    this.#list.splice(index, 1);
  }
  values(): readonly Value[] {
    return Array.from(this.#list, (value) => values.decode(value));
  }
}

class NodeSet implements TestSet {
  readonly #set: Realm.Set;

  constructor(set: Realm.Set) {
    this.#set = set;
  }
  add(value: Value): void {
    this.#set.add(values.encode(value));
  }
  remove(value: Value): void {
    this.#set.delete(values.encode(value));
  }
  values(): readonly Value[] {
    return inOrder(Array.from(this.#set, (value) => values.decode(value)));
  }
}

class NodeDictionary implements TestDictionary {
  readonly #dictionary: Dictionary<unknown>;

  constructor(dictionary: Dictionary<unknown>) {
    this.#dictionary = dictionary;
  }
  put(key: string, value: Value): void {
    this.#dictionary.set(key, values.encode(value));
  }
  remove(key: string): void {
    this.#dictionary.remove(key);
  }
  all(): readonly (readonly [string, Value])[] {
    return byKey(Array.from(this.#dictionary.entries(), ([key, value]) => [key, values.decode(value)] as const));
  }
}

export class NodeObject implements TestObject {
  readonly #object: Fields;

  constructor(object: Fields) {
    this.#object = object;
  }
  get(field: string): Value {
    const value = this.#object[field];
    return values.decode(value instanceof Counter ? value.value : value);
  }
  set(field: string, value: Value): void {
    this.#object[field] = values.encode(value);
  }
  list(field: string): TestList {
    return new NodeList(this.#object[field] as List);
  }
  members(field: string): TestSet {
    return new NodeSet(this.#object[field] as Realm.Set);
  }
  entries(field: string): TestDictionary {
    return new NodeDictionary(this.#object[field] as Dictionary<unknown>);
  }
  nestedList(field: string, way: readonly (number | string)[]): TestList {
    return new NodeList(values.inside(this.#object[field], way) as List);
  }
  nestedEntries(field: string, way: readonly (number | string)[]): TestDictionary {
    return new NodeDictionary(values.inside(this.#object[field], way) as Dictionary<unknown>);
  }
  linked(field: string): TestObject | null {
    const object = this.#object[field] as Fields | null;
    return object && new NodeObject(object);
  }
  linking(field: string): readonly Value[] {
    return inOrder(Array.from(this.#object[field] as Iterable<Fields>, ({ _id: key }) => values.decode(key)));
  }
  increment(field: string, by: number): void {
    (this.#object[field] as Counter).increment(by);
  }
}
