/**
 * Properties of classes, as an application writes them down: `string().optional()`, `list(object(() => Dog))`.
 *
 * @module
 */

import type { CollectionKind, ValueType } from "@tidemark/engine";
import type { Decimal128, ObjectId, Uuid } from "../bson.js";
import type { RealmList } from "../data/list.js";
import type { RealmMap } from "../data/map.js";
import type { RealmValue, RealmValueContent } from "../data/realm-value.js";
import type { RealmResults } from "../data/results.js";
import type { RealmSet } from "../data/set.js";
import { RealmError } from "../errors.js";
import type { ModelClass, ModelObject, ModelReference } from "./schema.js";

/**
 * How a property is indexed: queries find its values by the index. None is kept for full text.
 *
 * @enum
 */
export const RealmIndexType = {
  /** By its value. */
  regular: "regular",
  /** By the words of a text. */
  fullText: "fullText",
} as const;
export type RealmIndexType = (typeof RealmIndexType)[keyof typeof RealmIndexType];

/**
 * What a property is to the application: `required` and `key` must be given to a new object, `optional`, `link` and
 * `collection` may be, `computed` cannot; `key`, `collection` and `computed` cannot be assigned.
 */
export type PropertyKind = "required" | "optional" | "link" | "key" | "collection" | "computed";

/** A property, untyped. */
export interface PropertyDefinition {
  /** Type of the value, or of the elements. */
  readonly type: ValueType;
  /** Whether it is a collection, and which. */
  readonly collection: CollectionKind;
  /** Whether the value, or the elements, may be null. */
  readonly isNullable: boolean;
  /** Whether it identifies an object. */
  readonly isPrimaryKey: boolean;
  /** Part of the schema; no index is kept. */
  readonly indexed: RealmIndexType | false;
  /** Name in the file and on the wire, if it is another one. */
  readonly mapTo?: string;
  /** Class of the targets, for links. */
  readonly target?: ModelReference;
  /** A value, or what makes one for each new object. */
  readonly default?: unknown;
  /** For backlinks: the property of the other class that links here. */
  readonly backlink?: {
    /** The other class. */
    readonly target: ModelReference;
    /** Its property. */
    readonly property: string;
  };
}

declare const types: unique symbol;

/** What a property is, for the types that are made of it. Nothing of it is there when the program runs. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface Property<Out = unknown, In = unknown, Kind extends PropertyKind = PropertyKind> {
  /** @internal */
  readonly [types]: { readonly out: Out; readonly in: In; readonly kind: Kind };
}

/** A property: what it reads as, what it may be given, and what it is to the application. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export class Property<Out = unknown, In = unknown, Kind extends PropertyKind = PropertyKind> {
  /** What the property is. */
  readonly definition: PropertyDefinition;

  /** @internal */
  constructor(definition: PropertyDefinition) {
    this.definition = definition;
  }

  #with(change: Partial<PropertyDefinition>): PropertyDefinition {
    return { ...this.definition, ...change };
  }

  /** The property that identifies an object. In a synced realm its name in the file must be `_id`. */
  primaryKey(): Property<Out, In, "key"> {
    return new Property(this.#with({ isPrimaryKey: true }));
  }

  /** Whether the value may be `null`, which it is unless another one is given. Links always may be. */
  optional(): Property<Out | null, In | null, "optional"> {
    const { collection, type } = this.definition;
    if (collection !== "single") throw new RealmError("A collection cannot be null; its elements can be optional");
    if (type === "mixed") throw new RealmError("A RealmValue holds null already, it is never optional");
    return new Property(this.#with({ isNullable: true }));
  }

  /** The value of objects that are made without one. A function is called for each. */
  defaultsTo(value: In | (() => In)): Property<Out, In, "optional"> {
    return new Property(this.#with({ default: value }));
  }

  /** Has an index kept. Tidemark keeps none of its own; the mark is part of the schema. */
  indexed(type: RealmIndexType = RealmIndexType.regular): this {
    return new Property(this.#with({ indexed: type })) as this;
  }

  /** The name in the file and on the wire; queries use it too. */
  mapTo(name: string): this {
    return new Property(this.#with({ mapTo: name })) as this;
  }
}

/** Properties by name. */
export type Properties = Readonly<Record<string, Property>>;

type OutOf<P> = P extends Property<infer Out> ? Out : never;
type InOf<P> = P extends Property<unknown, infer In> ? In : never;
type KindOf<P> = P extends Property<unknown, unknown, infer Kind> ? Kind : never;
/** Links in lists and sets are never null. */
type ElementOut<P> = KindOf<P> extends "link" ? NonNullable<OutOf<P>> : OutOf<P>;
type ElementIn<P> = KindOf<P> extends "link" ? NonNullable<InOf<P>> : InOf<P>;

type Assignable = "required" | "optional" | "link";

/** The properties of an object, by its schema's properties. */
export type ModelFields<P> = {
  -readonly [K in keyof P as KindOf<P[K]> extends Assignable ? K : never]: OutOf<P[K]>;
} & {
  readonly [K in keyof P as KindOf<P[K]> extends Assignable ? never : K]: OutOf<P[K]>;
};

/** What a new object is made of. */
export type ModelValues<P> = {
  readonly [K in keyof P as KindOf<P[K]> extends "required" | "key" ? K : never]: InOf<P[K]>;
} & {
  readonly [K in keyof P as KindOf<P[K]> extends "optional" | "link" | "collection" ? K : never]?: InOf<P[K]>;
};

/** What the primary key of objects may be given as. */
export type ModelKey<P> = { [K in keyof P]: KindOf<P[K]> extends "key" ? InOf<P[K]> : never }[keyof P];

function scalar<Out, In = Out>(type: ValueType): Property<Out, In, "required"> {
  return new Property({ type, collection: "single", isNullable: false, isPrimaryKey: false, indexed: false });
}

/** An integer of 64 bits. One beyond ±2^53 reads as `bigint`, which this type does not say: see {@link int64}. */
export function int(): Property<number, number | bigint, "required"> {
  return scalar("int");
}

/** The same as {@link int}, with the type that says all of it. */
export function int64(): Property<number | bigint, number | bigint, "required"> {
  return scalar("int");
}

/** A number. */
export function double(): Property<number, number, "required"> {
  return scalar("double");
}

/** A boolean. */
export function bool(): Property<boolean, boolean, "required"> {
  return scalar("bool");
}

/** A text. */
export function string(): Property<string, string, "required"> {
  return scalar("string");
}

/** A point in time, in milliseconds; finer parts that other clients wrote are cut off. */
export function dateTime(): Property<Date, Date, "required"> {
  return scalar("timestamp");
}

/** An object id. */
export function objectId(): Property<ObjectId, ObjectId, "required"> {
  return scalar("objectId");
}

/** A UUID. */
export function uuid(): Property<Uuid, Uuid, "required"> {
  return scalar("uuid");
}

/** A decimal number of 34 digits. */
export function decimal128(): Property<Decimal128, Decimal128, "required"> {
  return scalar("decimal");
}

/** Binary data, up to 16 MB. */
export function binary(): Property<Uint8Array, Uint8Array | ArrayBuffer, "required"> {
  return scalar("binary");
}

/** A value of any type; `RealmValue.nullValue` unless another one is given. */
export function realmValue(): Property<RealmValue, RealmValueContent, "optional"> {
  return new Property({
    type: "mixed",
    collection: "single",
    isNullable: true,
    isPrimaryKey: false,
    indexed: false,
  });
}

/**
 * A link to an object, or an embedded object: `null` if there is none.
 *
 * A class that is written further down, or that links back, is named: `object<Dog>("Dog")`.
 */
export function object<C extends ModelClass>(
  target: () => C,
): Property<ModelObject<C> | null, ModelObject<C> | null, "link">;
/** The same by the name of the class. */
export function object<T extends object>(name: string): Property<T | null, T | null, "link">;
export function object(target: ModelReference): Property<unknown, unknown, "link"> {
  return new Property({
    type: "link",
    collection: "single",
    isNullable: true,
    isPrimaryKey: false,
    indexed: false,
    target,
  });
}

function collectionOf(element: Property, collection: CollectionKind): PropertyDefinition {
  const { definition } = element;
  if (definition.collection !== "single" || definition.backlink !== undefined) {
    throw new RealmError("Collections of collections are not supported");
  }
  const isNullable = definition.type === "link" ? collection === "dictionary" : definition.isNullable;
  return { ...definition, collection, isNullable, isPrimaryKey: false, default: undefined };
}

/** Values in an order. Elements that are objects are never null. */
export function list<P extends Property>(
  element: P,
): Property<RealmList<ElementOut<P>>, Iterable<ElementIn<P>>, "collection"> {
  return new Property(collectionOf(element, "list"));
}

/** Values without duplicates. Objects in it are never null, and never embedded ones. */
export function set<P extends Property>(
  element: P,
): Property<RealmSet<ElementOut<P>>, Iterable<ElementIn<P>>, "collection"> {
  return new Property(collectionOf(element, "set"));
}

/** Values by text. */
export function map<P extends Property>(
  element: P,
): Property<
  RealmMap<OutOf<P>>,
  Iterable<readonly [string, InOf<P>]> | Readonly<Record<string, InOf<P>>>,
  "collection"
> {
  return new Property(collectionOf(element, "dictionary"));
}

/** The objects of a class that link here by a property, which is named as in the application. */
export function backlinks<C extends ModelClass>(
  target: () => C,
  property: string,
): Property<RealmResults<ModelObject<C>>, never, "computed">;
/** The same by the name of the class. */
export function backlinks<T extends object>(
  name: string,
  property: string,
): Property<RealmResults<T>, never, "computed">;
export function backlinks(target: ModelReference, property: string): Property<RealmResults<object>, never, "computed"> {
  return new Property({
    type: "link",
    collection: "single",
    isNullable: true,
    isPrimaryKey: false,
    indexed: false,
    backlink: { target, property },
  });
}
