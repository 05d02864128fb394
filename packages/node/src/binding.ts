/**
 * What ties objects and collections of the SDK to the engine: handles behind them, classes in front of them.
 *
 * @module
 */

import {
  type ClassLayout,
  type Column,
  type Conventions,
  Dictionary as EngineDictionary,
  EmbeddedHandle,
  List as EngineList,
  ObjectHandle,
  packParameters,
  plainConventions,
  type RealmFile,
  Results as EngineResults,
  ValueSet,
} from "@tidemark/engine";
import type { CanonicalObjectSchema } from "./schema/types.js";

/** Under this key an object or collection of the SDK keeps the engine's handle. */
export const handleKey: unique symbol = Symbol("handle");

/** Under this key it keeps its binding. */
export const bindingKey: unique symbol = Symbol("binding");

/** Anything of the engine that has a counterpart in the SDK. */
export type Handle = ObjectHandle | EmbeddedHandle | EngineList | ValueSet | EngineDictionary | EngineResults;

/** One class of a realm, ready to make objects. */
export interface BoundClass {
  readonly layout: ClassLayout;
  readonly schema: CanonicalObjectSchema;
  readonly prototype: object;
  readonly proxyHandler: ProxyHandler<object>;
  /** The application's class, or a generated one. */
  readonly ctor: unknown;
}

/** Makes objects and collections of the SDK for handles; set by the modules that know their classes. */
export interface Wrappers {
  object(binding: Binding, handle: ObjectHandle | EmbeddedHandle): object;
  list(binding: Binding, list: EngineList): unknown;
  set(binding: Binding, set: ValueSet): unknown;
  dictionary(binding: Binding, dictionary: EngineDictionary): unknown;
  results(binding: Binding, results: EngineResults): unknown;
}

/** The wrappers, filled in when the modules are loaded; this breaks the circle between them. */
export const wrappers: Partial<Wrappers> = {};

/** One realm's view of its file. */
export class Binding {
  readonly realm: object;
  readonly file: RealmFile;
  readonly classes: Map<string, BoundClass> = new Map();
  /** Ends of listeners that this realm's objects registered; called when it closes. */
  readonly subscriptions: Set<() => void> = new Set();
  /** Makes the class of a layout. */
  readonly makeClass: (layout: ClassLayout) => BoundClass;

  constructor(realm: object, file: RealmFile, makeClass: (layout: ClassLayout) => BoundClass) {
    this.realm = realm;
    this.file = file;
    this.makeClass = makeClass;
  }

  /** The class of objects of a layout; of classes that the application did not declare too. */
  classOf(layout: ClassLayout): BoundClass {
    const known = this.classes.get(layout.name);
    if (known?.layout === layout) return known;
    const made = this.makeClass(layout);
    this.classes.set(layout.name, made);
    return made;
  }

  /** The objects of a class that link to one; set where results are known. */
  makeLinking(layout: ClassLayout, column: Column, target: ObjectHandle | EmbeddedHandle): unknown {
    const quantifier = column.collection === "single" ? "" : "ANY ";
    const { database } = this.file;
    const all = new EngineResults(database, layout, { kind: "class" }, []);
    const parameters = packParameters(database, [target]);
    return wrappers.results?.(this, all.refine(`${quantifier}${column.name} == $0`, parameters));
  }

  /** The SDK's value for a value of the engine. */
  wrap(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof ObjectHandle || value instanceof EmbeddedHandle) return wrappers.object?.(this, value);
    if (value instanceof EngineList) return wrappers.list?.(this, value);
    if (value instanceof ValueSet) return wrappers.set?.(this, value);
    if (value instanceof EngineDictionary) return wrappers.dictionary?.(this, value);
    return value;
  }

  /** Remembers how to end a listener. */
  track(end: () => void): () => void {
    this.subscriptions.add(end);
    return () => {
      this.subscriptions.delete(end);
      end();
    };
  }

  endListeners(): void {
    for (const end of this.subscriptions) end();
    this.subscriptions.clear();
  }
}

/** The engine's handle behind a value of the SDK; anything else as it is. */
export function unwrap(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return (value as { [handleKey]?: Handle })[handleKey] ?? value;
}

/** Values as the Node SDK shows them. */
export const nodeConventions: Conventions = { ...plainConventions, unwrap };
