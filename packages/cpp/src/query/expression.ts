/**
 * Typed queries: what the overloaded operators of C++ build, as methods.
 *
 * @module
 */

import type { managed_object } from "../data/managed.js";
import { invalid_argument } from "../errors.js";
import type { linking, scalar, single_value } from "../schema/types.js";

/** Texts of arguments, in the order in which they are written. */
type Arguments = unknown[];

/** How closely the parts of a condition hold together. */
type Binding = "or" | "and" | "unit";

/** A condition over an object, as `realm::rbool`. Made by comparing properties; a value, which is never changed. */
export class rbool {
  readonly #render: (values: Arguments) => string;
  readonly #binding: Binding;

  /** @internal */
  constructor(render: (values: Arguments) => string, binding: Binding) {
    this.#render = render;
    this.#binding = binding;
  }

  /** Both must hold: `&&`. */
  and(other: rbool): rbool {
    return new rbool((values) => `${this.#within("and", values)} and ${other.#within("and", values)}`, "and");
  }

  /** At least one must hold: `||`. */
  or(other: rbool): rbool {
    return new rbool((values) => `${this.#render(values)} or ${other.#render(values)}`, "or");
  }

  /** It must not hold: `!`. */
  not(): rbool {
    return new rbool((values) => `!(${this.#render(values)})`, "unit");
  }

  #within(outer: Binding, values: Arguments): string {
    const text = this.#render(values);
    return outer === "and" && this.#binding === "or" ? `(${text})` : text;
  }

  /** @internal The condition as text with numbered arguments. */
  toQuery(): { readonly text: string; readonly values: readonly unknown[] } {
    const values: Arguments = [];
    return { text: this.#render(values), values };
  }
}

/** The opposite of a condition: `!condition`. */
export function not(condition: rbool): rbool {
  return condition.not();
}

/** A property that is compared with values, or with another property. */
export interface value_expression<V> {
  /** `==` */
  eq(value: V | value_expression<V>): rbool;
  /** `!=` */
  neq(value: V | value_expression<V>): rbool;
  /** `>` */
  gt(value: V | value_expression<V>): rbool;
  /** `<` */
  lt(value: V | value_expression<V>): rbool;
  /** `>=` */
  gte(value: V | value_expression<V>): rbool;
  /** `<=` */
  lte(value: V | value_expression<V>): rbool;
}

/** A text. */
export interface text_expression<V> extends value_expression<V> {
  /** Whether another text is part of it. */
  contains(part: string): rbool;
}

/** A link: compared itself, or asked for properties of the object it leads to. */
export type link_expression<T> = {
  /** `==`; `null` for no object. */
  eq(value: managed_object<T> | null): rbool;
  /** `!=` */
  neq(value: managed_object<T> | null): rbool;
} & query_of<T>;

/** A vector, a set, or the objects that link here. */
export interface collection_expression<E> {
  /** Whether a value is among the elements. */
  contains(value: E): rbool;
  /** Number of elements. */
  size(): value_expression<number>;
}

/** A map. */
export interface map_expression<E> {
  /** The value of a key: `[key]`. */
  at(key: string): map_element_expression<E>;
  /** Whether there is such a key. */
  contains_key(key: string): rbool;
  /** Number of entries. */
  size(): value_expression<number>;
}

type map_element_expression<E> = [single_value] extends [E]
  ? text_expression<single_value>
  : [present<E>] extends [string]
    ? text_expression<E>
    : value_expression<E>;
type present<V> = Exclude<V, null | undefined>;
type element_of<E> = Exclude<E, object> | Extract<E, scalar | managed_object<unknown>> | managed_of<E>;
type managed_of<E> = E extends scalar ? never : E extends object ? managed_object<E> : never;

/** The expression for a member of a struct. */
export type expression_of<V> = unknown extends V
  ? text_expression<unknown>
  : [single_value] extends [V]
    ? text_expression<single_value>
    : [present<V>] extends [string]
      ? text_expression<V>
      : [present<V>] extends [scalar]
        ? value_expression<V>
        : [present<V>] extends [readonly (infer E)[]]
          ? collection_expression<element_of<E>>
          : [present<V>] extends [ReadonlyMap<string, infer E>]
            ? map_expression<E>
            : [present<V>] extends [ReadonlySet<infer E>]
              ? collection_expression<element_of<E>>
              : [present<V>] extends [linking<infer T>]
                ? collection_expression<managed_object<T>>
                : link_expression<struct_in<V>>;

/** The struct among the types of a pointer. */
type struct_in<V> = V extends scalar | managed_object<unknown> | null | undefined ? never : V;

/** An object of a class, in a query. */
export type query_of<T> = { readonly [K in keyof T]-?: expression_of<T[K]> };

/** What {@link results.where} takes: `o => o.age.gt(2).and(o.name.eq("x"))`. */
export type query_fn<T> = (object: query_of<T>) => rbool;

const operators = { eq: "==", neq: "!=", gt: ">", lt: "<", gte: ">=", lte: "<=" } as const;

const pathOf: unique symbol = Symbol("path");

function textOf(values: Arguments, value: unknown): string {
  const other = typeof value === "object" && value !== null ? (value as { [pathOf]?: string })[pathOf] : undefined;
  if (other !== undefined) return other;
  values.push(value ?? null);
  return `$${values.length - 1}`;
}

/** What stands at a path of names from the class: its kind, and the path as the query language writes it. */
export interface Place {
  /** What the place holds. */
  readonly kind: "value" | "link" | "collection" | "map";
  /** Names from property to property. */
  readonly path: string;
}

/** Looks up a path of names; links to other classes are followed. */
export type Describe = (names: readonly string[]) => Place;

type Members = Readonly<Record<string, unknown>>;

function compare(left: string, operator: string): (value: unknown) => rbool {
  return (value) => new rbool((values) => `${left} ${operator} ${textOf(values, value)}`, "unit");
}

/** The operators of each kind. Other names are properties of the object behind a link. */
const membersOf: Readonly<
  Record<Place["kind"], (path: string, names: readonly string[], describe: Describe) => Members>
> = {
  value: (path) => ({
    ...Object.fromEntries(Object.entries(operators).map(([name, operator]) => [name, compare(path, operator)])),
    contains: compare(path, "CONTAINS"),
  }),
  link: (path) => ({ eq: compare(path, "=="), neq: compare(path, "!=") }),
  collection: (path, names, describe) => ({
    contains: compare(`ANY ${path}`, "=="),
    size: () => expression(names, { kind: "value", path: `${path}.@size` }, describe),
  }),
  map: (path, names, describe) => ({
    at: (key: string) => expression(names, { kind: "value", path: `${path}[${quoted(key)}]` }, describe),
    contains_key: compare(`ANY ${path}.@keys`, "=="),
    size: () => expression(names, { kind: "value", path: `${path}.@size` }, describe),
  }),
};

function expression(names: readonly string[], { kind, path }: Place, describe: Describe): object {
  const members = membersOf[kind](path, names, describe);
  return new Proxy(
    {},
    {
      get: (_, name) => {
        if (name === pathOf) return path;
        if (typeof name !== "string") return undefined;
        const own = members[name];
        if (own !== undefined || kind !== "link") return own;
        return expression([...names, name], describe([...names, name]), describe);
      },
    },
  );
}

function quoted(key: string): string {
  if (!key.includes("'")) return `'${key}'`;
  if (!key.includes('"')) return `"${key}"`;
  throw new invalid_argument("InvalidArgument", `A key with both kinds of quotes cannot be asked for: ${key}`);
}

/** @internal The condition that a function builds. */
export function conditionOf<T>(build: query_fn<T>, describe: Describe): rbool {
  const get = (_: object, name: string | symbol): unknown =>
    typeof name === "string" ? expression([name], describe([name]), describe) : undefined;
  const condition = build(new Proxy({}, { get }) as query_of<T>);
  if (!(condition instanceof rbool)) {
    throw new invalid_argument("InvalidArgument", "A query function must return a condition.");
  }
  return condition;
}
