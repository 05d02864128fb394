/**
 * Types of what objects are made of: plain values where the object will have collections, counters and other objects.
 *
 * @module
 */

import type { DefaultObject } from "../schema/types.js";
import type { Counter } from "./counter.js";
import type { Dictionary } from "./dictionary.js";
import type { List } from "./list.js";
import type { RealmObject } from "./object.js";
import type { RealmSet } from "./set.js";

/** A class of the application's own. */
export type ObjectType<T> = new (...values: never[]) => T;

/** Of which nothing is known: `unknown`, and `any`. */
type IsOpen<V> = unknown extends V ? true : false;

/**
 * What is computed, or called: results, which alone can be unsubscribed from, and methods. Looking at more of results
 * would lead back here.
 */
type Computed = { unsubscribe(): void } | ((...values: never[]) => unknown);

/** Names of a class's own properties: no methods, and nothing that is computed from links. */
type PropertyNames<T> = {
  [K in keyof T & string]: K extends keyof RealmObject
    ? never
    : IsOpen<T[K]> extends true
      ? K
      : NonNullable<T[K]> extends Computed
        ? never
        : K;
}[keyof T & string];

/** What can be given for a value: the value itself, or something plain that it is made of. */
type Given<V> =
  IsOpen<V> extends true
    ? V
    : V extends List<infer E> | RealmSet<infer E>
      ? V | Iterable<Given<E>>
      : V extends Dictionary<infer E>
        ? V | Readonly<Record<string, Given<E>>>
        : V extends Counter
          ? V | number
          : V extends ArrayBuffer
            ? ArrayBuffer | ArrayBufferView
            : V extends { objectSchema(): unknown }
              ? V | Unmanaged<V>
              : V;

/**
 * What an object is made of. Properties may be left out, but for those that are named: an optional one is null then,
 * another has its default, and `create` throws for one that has none.
 */
export type Unmanaged<T, RequiredProperties extends keyof T = never> =
  IsOpen<T> extends true
    ? DefaultObject
    : string extends keyof T
      ? DefaultObject
      : { [K in Exclude<PropertyNames<T>, RequiredProperties>]?: Given<T[K]> | undefined } & {
          [K in Extract<PropertyNames<T>, RequiredProperties>]: Given<T[K]>;
        };
