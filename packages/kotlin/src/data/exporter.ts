/**
 * Copies of stored objects that are not stored.
 *
 * @module
 */

import { IllegalArgumentException } from "../errors.js";
import type { ModelClass } from "../schema/model.js";
import { type AnyValue, RealmAny } from "./any.js";
import { MutableRealmInt } from "./counter.js";
import { RealmDictionary } from "./dictionary.js";
import { realmListOf, RealmList } from "./list.js";
import { BaseRealmObject, EmbeddedRealmObject, identityOf } from "./object.js";
import { realmSetOf, RealmSet } from "./set.js";

/** Copies one graph of objects: what is met twice is one copy. */
export class Exporter {
  readonly #known = new Map<string, BaseRealmObject>();

  /** Copies an object, a dictionary, or the elements of a collection. */
  copy(
    given: BaseRealmObject | RealmDictionary<BaseRealmObject | null> | Iterable<BaseRealmObject>,
    depth: number,
  ): unknown {
    if (!(depth >= 0)) throw new IllegalArgumentException(`Not a depth: ${depth}`);
    if (given instanceof BaseRealmObject) return this.#object(given, depth);
    if (given instanceof RealmDictionary) {
      return new Map(Array.from(given, ([key, object]) => [key, object && this.#object(object, depth)]));
    }
    return Array.from(given, (object) => this.#object(object, depth));
  }

  #object<T extends BaseRealmObject>(object: T, depth: number): T {
    if (!object.isManaged()) throw new IllegalArgumentException("Only managed objects can be copied from Realm.");
    const identity = identityOf(object);
    const id = `${depth} ${identity ?? ""}`;
    const known = identity === undefined ? undefined : this.#known.get(id);
    if (known !== undefined) return known as T;
    const model = object.constructor as unknown as ModelClass<T>;
    const copy = new model();
    this.#known.set(id, copy);
    const [from, to] = [object, copy] as unknown as [Readonly<Record<string, unknown>>, Record<string, unknown>];
    for (const [name, { definition }] of Object.entries(model.schema.properties)) {
      if (definition.kind === "stored") to[name] = this.#value(from[name], depth);
    }
    return copy;
  }

  #value(value: unknown, depth: number): unknown {
    if (value instanceof BaseRealmObject) return this.#linked(value, depth);
    if (value instanceof RealmList) return realmListOf(...this.#elements(value, depth));
    if (value instanceof RealmSet) return realmSetOf(...this.#elements(value, depth));
    if (value instanceof RealmDictionary) return this.#dictionary(value as RealmDictionary<unknown>, depth);
    if (value instanceof MutableRealmInt) return MutableRealmInt.create(value.get());
    if (value instanceof RealmAny && (value.type === "LIST" || value.type === "DICTIONARY")) {
      return RealmAny.create(this.#value(value.value, depth) as AnyValue);
    }
    if (value instanceof RealmAny && value.value instanceof BaseRealmObject) {
      const copy = this.#linked(value.value, depth);
      return copy === null ? null : RealmAny.create(copy);
    }
    return value;
  }

  /** Embedded objects belong to the one that holds them: they are not a step. */
  #linked(object: BaseRealmObject, depth: number): BaseRealmObject | null {
    if (object instanceof EmbeddedRealmObject) return this.#object(object, depth);
    return depth <= 0 ? null : this.#object(object, depth - 1);
  }

  #elements(elements: Iterable<unknown>, depth: number): unknown[] {
    return Array.from(elements, (element) => [element, this.#value(element, depth)] as const)
      .filter(([element, copy]) => element === null || copy !== null)
      .map(([, copy]) => copy);
  }

  #dictionary(dictionary: RealmDictionary<unknown>, depth: number): RealmDictionary<unknown> {
    const copy = new RealmDictionary<unknown>();
    for (const [key, value] of dictionary) copy.set(key, this.#value(value, depth));
    return copy;
  }
}
