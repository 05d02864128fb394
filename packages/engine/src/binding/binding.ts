/**
 * What ties a facade's objects and collections to the engine: handles behind them, the facade's classes in front of
 * them.
 *
 * @module
 */

import { Dictionary } from "../data/dictionary.js";
import { List } from "../data/list.js";
import { EmbeddedHandle, ObjectHandle } from "../data/object.js";
import { pathText } from "../data/path-text.js";
import { packParameters, Results } from "../data/results.js";
import type { ClassLayout, Column } from "../data/schema.js";
import type { ValueResults } from "../data/value-results.js";
import { ValueSet } from "../data/value-set.js";
import type { RealmFile } from "../realm-file.js";

/** Under this key an object or collection of a facade keeps the engine's handle. */
export const handleKey: unique symbol = Symbol("handle");

/** Under this key it keeps its binding. */
export const bindingKey: unique symbol = Symbol("binding");

/** Anything of the engine that has a counterpart in a facade. */
export type Handle = ObjectHandle | EmbeddedHandle | List | ValueSet | Dictionary | Results | ValueResults;

/** A class of a realm as a facade knows it. */
export interface Bound {
  /** The class in the file. */
  readonly layout: ClassLayout;
}

/** Makes a facade's objects and collections for handles. */
export interface Wrappers<Class extends Bound> {
  /** An object. */
  object(binding: Binding<Class>, handle: ObjectHandle | EmbeddedHandle): object;
  /** A list. */
  list(binding: Binding<Class>, list: List): unknown;
  /** A set. */
  set(binding: Binding<Class>, set: ValueSet): unknown;
  /** A dictionary. */
  dictionary(binding: Binding<Class>, dictionary: Dictionary): unknown;
  /** Results. */
  results(binding: Binding<Class>, results: Results): unknown;
  /** Results of values; a facade whose SDK has none leaves it out. */
  values?(binding: Binding<Class>, values: ValueResults): unknown;
}

/** What a {@link Binding} is made of. */
export interface BindingParts<Class extends Bound> {
  /** The facade's realm. */
  readonly realm: object;
  /** The open file. */
  readonly file: RealmFile;
  /** Complete once the facade's modules are loaded: each fills in what it knows, which breaks their circle. */
  readonly wrappers: Partial<Wrappers<Class>>;
  /** Makes the class of a layout. */
  readonly makeClass: (layout: ClassLayout) => Class;
}

/** One realm's view of its file. */
export class Binding<Class extends Bound> {
  /** The facade's realm. */
  readonly realm: object;
  /** The open file. */
  readonly file: RealmFile;
  readonly #wrappers: Partial<Wrappers<Class>>;
  readonly #makeClass: (layout: ClassLayout) => Class;
  readonly #classes = new Map<string, Class>();
  /** Ends of listeners that this realm's objects registered; called when it closes. */
  readonly #listenerEnds = new Set<() => void>();

  constructor(parts: BindingParts<Class>) {
    this.realm = parts.realm;
    this.file = parts.file;
    this.#wrappers = parts.wrappers;
    this.#makeClass = parts.makeClass;
  }

  /** The class of objects of a layout; of classes that the application did not declare too. */
  classOf(layout: ClassLayout): Class {
    const known = this.#classes.get(layout.name);
    if (known?.layout === layout) return known;
    const made = this.#makeClass(layout);
    this.#classes.set(layout.name, made);
    return made;
  }

  /** The objects of a class that link to one by a property. */
  linking(layout: ClassLayout, column: Column, target: ObjectHandle | EmbeddedHandle): unknown {
    const quantifier = column.collection === "single" ? "" : "ANY ";
    const { database } = this.file;
    const all = new Results(database, layout, { kind: "class" }, []);
    const values: unknown[] = [target];
    const path = pathText(column.name, values);
    return this.results(all.refine(`${quantifier}${path} == $0`, packParameters(database, values)));
  }

  /** The facade's results. */
  results(results: Results): unknown {
    return this.#wrappers.results?.(this, results);
  }

  /** The facade's results of values. */
  values(values: ValueResults): unknown {
    return this.#wrappers.values?.(this, values);
  }

  /** The facade's value for a value of the engine. */
  wrap(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof ObjectHandle || value instanceof EmbeddedHandle) return this.#wrappers.object?.(this, value);
    if (value instanceof List) return this.#wrappers.list?.(this, value);
    if (value instanceof ValueSet) return this.#wrappers.set?.(this, value);
    if (value instanceof Dictionary) return this.#wrappers.dictionary?.(this, value);
    return value;
  }

  /** Remembers how to end a listener. */
  track(end: () => void): () => void {
    this.#listenerEnds.add(end);
    return () => {
      this.#listenerEnds.delete(end);
      end();
    };
  }

  /** Ends the listeners that were tracked. */
  endListeners(): void {
    for (const end of this.#listenerEnds) end();
    this.#listenerEnds.clear();
  }
}

/** The engine's handle behind a value of a facade; anything else as it is. For {@link Conventions.unwrap}. */
export function unwrap(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return (value as { [handleKey]?: Handle })[handleKey] ?? value;
}
