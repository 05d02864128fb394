/**
 * Classes, objects and values of the cpp facade, driven by the suite.
 *
 * @module
 */
import * as realm from "@tidemark/cpp";
import type { Model, TestDictionary, TestList, TestObject, TestSet, Value } from "../adapter.js";
import { backlinksOf, byKey, inOrder, plainForms, Values } from "./values.js";

/** Values as the facade has them. */
export const values: Values = new Values({
  ...plainForms,
  mixedEntries: (entries) => new Map(entries),
  elements: (value) => (value instanceof realm.managed_vector || Array.isArray(value) ? value : undefined),
  entries: (value) => (value instanceof realm.managed_map || value instanceof Map ? value : undefined),
});

/** A struct whose members the suite knows by name. */
export type Fields = Record<string, unknown>;

type Class = realm.model<Fields, object>;

const scalars: Readonly<Record<string, realm.property<unknown, "plain">>> = {
  int: realm.int64,
  double: realm.double,
  bool: realm.bool,
  string: realm.string,
  date: realm.time_point,
  data: realm.binary,
  objectId: realm.object_id,
  uuid: realm.uuid,
  decimal128: realm.decimal128,
  mixed: realm.mixed,
};

/** The type of a member or element that the suite writes down as text. */
function singleOf(text: string): realm.property<unknown, "plain" | "link"> {
  const scalar = scalars[text.replace("?", "")];
  if (scalar === undefined) return realm.link(text);
  return text.endsWith("?") ? realm.optional(scalar) : scalar;
}

/** The type of any member. */
function propertyOf(text: string): realm.property<unknown> {
  const origin = backlinksOf(text);
  if (origin !== undefined) return realm.linking_objects(origin.className, origin.field);
  const element = text.slice(0, -2);
  if (text.endsWith("[]")) return realm.vector(singleOf(element));
  if (text.endsWith("<>")) return realm.set(singleOf(element));
  return text.endsWith("{}") ? realm.map(singleOf(element)) : singleOf(text);
}

function classOf({ name, primaryKey, properties, embedded, asymmetric }: Model): Class {
  const members = Object.entries(properties).map(([member, text]) => {
    const type = propertyOf(text);
    return [member, member === primaryKey ? realm.primary_key(type as never) : type] as const;
  });
  const described: realm.properties = Object.fromEntries(members);
  if (embedded === true) return realm.embedded_schema(name, described);
  // The suite treats all kinds alike.
  if (asymmetric === true) return realm.asymmetric_schema(name, described) as unknown as Class;
  return realm.schema(name, described);
}

/** The classes of one realm by name. */
export class Classes {
  readonly all: readonly Class[];

  constructor(models: readonly Model[]) {
    this.all = models.map(classOf);
  }
  named(name: string): Class {
    const found = this.all.find(({ class_name: className }) => className === name);
    if (!found) throw new Error(`the case has no class ${name}`);
    return found;
  }
}

class CppList implements TestList {
  readonly #vector: realm.managed_vector<unknown>;

  constructor(vector: realm.managed_vector<unknown>) {
    this.#vector = vector;
  }
  push(value: Value): void {
    this.#vector.push_back(values.encode(value));
  }
  insert(index: number, value: Value): void {
    this.#vector.insert(index, values.encode(value));
  }
  set(index: number, value: Value): void {
    this.#vector.set(index, values.encode(value));
  }
  remove(index: number): void {
    this.#vector.erase(index);
  }
  values(): readonly Value[] {
    return this.#vector.detach().map((value) => values.decode(value));
  }
}

class CppSet implements TestSet {
  readonly #set: realm.managed_set<unknown>;

  constructor(set: realm.managed_set<unknown>) {
    this.#set = set;
  }
  add(value: Value): void {
    this.#set.insert(values.encode(value));
  }
  remove(value: Value): void {
    this.#set.erase(values.encode(value));
  }
  values(): readonly Value[] {
    return inOrder(Array.from(this.#set.detach(), (value) => values.decode(value)));
  }
}

class CppDictionary implements TestDictionary {
  readonly #map: realm.managed_map<unknown>;

  constructor(map: realm.managed_map<unknown>) {
    this.#map = map;
  }
  put(key: string, value: Value): void {
    this.#map.set(key, values.encode(value));
  }
  remove(key: string): void {
    this.#map.erase(key);
  }
  all(): readonly (readonly [string, Value])[] {
    return byKey(Array.from(this.#map.detach(), ([key, value]) => [key, values.decode(value)] as const));
  }
}

export class CppObject implements TestObject {
  readonly #object: Record<string, unknown>;

  constructor(object: realm.managed<Fields>) {
    this.#object = object;
  }
  get(field: string): Value {
    return values.decode(this.#object[field]);
  }
  set(field: string, value: Value): void {
    this.#object[field] = values.encode(value);
  }
  list(field: string): TestList {
    return new CppList(this.#object[field] as realm.managed_vector<unknown>);
  }
  members(field: string): TestSet {
    return new CppSet(this.#object[field] as realm.managed_set<unknown>);
  }
  entries(field: string): TestDictionary {
    return new CppDictionary(this.#object[field] as realm.managed_map<unknown>);
  }
  nestedList(field: string, way: readonly (number | string)[]): TestList {
    return new CppList(values.inside(this.#object[field], way) as realm.managed_vector<unknown>);
  }
  nestedEntries(field: string, way: readonly (number | string)[]): TestDictionary {
    return new CppDictionary(values.inside(this.#object[field], way) as realm.managed_map<unknown>);
  }
  linked(field: string): TestObject | null {
    const found = this.#object[field] as realm.managed<Fields> | null | undefined;
    return found ? new CppObject(found) : null;
  }
  linking(field: string): readonly Value[] {
    const found = this.#object[field] as realm.results<Fields>;
    return inOrder(Array.from(found, (one) => values.decode(one["_id"])));
  }
  increment(): void {
    throw new Error("the SDK has no counters");
  }
}
