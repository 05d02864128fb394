/**
 * Key paths: which properties, of an object and of those behind its links, a listener wants to hear of.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import type { Database } from "./database.js";
import { type ClassLayout, type Column, primaryKeyColumn } from "./schema.js";

/** What is watched of the objects of a class. The graph has no circles. */
export interface Watch {
  /** The class. */
  readonly layout: ClassLayout;
  /** Whether every column of the class is watched as a whole, whatever `steps` say. */
  readonly isWhole: boolean;
  /** Properties, and what lies behind them. */
  readonly steps: readonly WatchStep[];
}

/** A watched property. */
export type WatchStep =
  | {
      /** A column, or one inside an embedded object. */
      readonly kind: "column";
      /** Name of the first property in the application. */
      readonly name: string;
      /** The column, then columns of embedded objects. */
      readonly path: readonly [Column, ...Column[]];
      /** What is watched of the objects that it links to. */
      readonly target: Watch | undefined;
    }
  | {
      /** The objects whose property links here. */
      readonly kind: "backlink";
      /** Name of the property in the application. */
      readonly name: string;
      /** Their class. */
      readonly origin: ClassLayout;
      /** Their property. */
      readonly column: Column;
      /** What is watched of them. */
      readonly target: Watch | undefined;
    };

/** Changes of objects behind so many links count as changes of an object in a collection, as in the original. */
export const linksDepth = 4;

/** Finds what listeners watch, once for each schema. */
export class Watches {
  readonly #database: Database;
  #layouts: readonly ClassLayout[] = [];
  readonly #known = new Map<string, Watch>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * What a listener of objects of a class watches.
   *
   * @param keyPaths `owner.name`, through links, embedded objects, collections and backlinks; `*` stands for every
   * property. Without them all properties, and those of the objects behind {@link linksDepth} links.
   * @throws {@link EngineError} `invalid-argument` if a path names what is not there.
   */
  of(className: string, keyPaths: readonly string[] | undefined): Watch | undefined {
    const { layouts } = this.#database;
    // Layouts are replaced when the schema grows.
    if (layouts !== this.#layouts) {
      this.#layouts = layouts;
      this.#known.clear();
    }
    const layout = this.#database.storedLayout(className);
    if (layout === undefined) return undefined;
    if (keyPaths === undefined) return this.#deep(layout, linksDepth);
    return this.#remember(`paths\n${className}\n${keyPaths.join("\n")}`, () => ({
      layout,
      isWhole: false,
      steps: keyPaths.flatMap((keyPath) => this.#steps(layout, keyPath.split("."), keyPath)),
    }));
  }

  #remember(name: string, make: () => Watch): Watch {
    const known = this.#known.get(name) ?? make();
    this.#known.set(name, known);
    return known;
  }

  /** Everything, through a number of links. */
  #deep(layout: ClassLayout, depth: number): Watch {
    return this.#remember(`deep\n${layout.name}\n${depth}`, () => ({
      layout,
      isWhole: true,
      steps: depth === 0 ? [] : layout.columns.flatMap((column) => this.#deepSteps(column, depth)),
    }));
  }

  #deepSteps(column: Column, depth: number): WatchStep[] {
    return [...linkTargets(this.#database, column)].map((target) => {
      return {
        kind: "column",
        name: column.publicName,
        path: [column],
        target: this.#deep(target, depth - 1),
      } as const;
    });
  }

  #steps(layout: ClassLayout, names: readonly string[], keyPath: string): WatchStep[] {
    const [name = "", ...rest] = names;
    if (name === "*") return layout.columns.flatMap((column) => this.#columnSteps(column, rest, keyPath, true));
    const column = layout.columnByPublicName(name);
    if (column !== undefined) return this.#columnSteps(column, rest, keyPath, false);
    const backlink = layout.declaration.backlinks.find(({ publicName }) => publicName === name);
    const origin = backlink === undefined ? undefined : this.#database.storedLayout(backlink.originClass);
    const linking = origin?.columnByPublicName(backlink?.originProperty ?? "");
    if (origin === undefined || linking === undefined) throw noProperty(name, keyPath, layout.name);
    const target = rest.length === 0 ? undefined : this.#along(origin, rest, keyPath);
    return [{ kind: "backlink", name, origin, column: linking, target }];
  }

  #along(layout: ClassLayout, names: readonly string[], keyPath: string): Watch {
    return this.#remember(`along\n${layout.name}\n${names.join(".")}`, () => ({
      layout,
      isWhole: false,
      steps: this.#steps(layout, names, keyPath),
    }));
  }

  /** @param isAny whether the column stands in for `*`: then it need not go on. */
  #columnSteps(column: Column, rest: readonly string[], keyPath: string, isAny: boolean): WatchStep[] {
    const own: WatchStep = { kind: "column", name: column.publicName, path: [column], target: undefined };
    if (column.index === primaryKeyColumn && rest.length === 0) return [];
    if (rest.length === 0) return [own];
    const target = column.target === undefined ? undefined : this.#database.storedLayout(column.target);
    if (target === undefined) {
      if (isAny) return [own];
      throw noWayOn(column.publicName, keyPath);
    }
    if (target.kind !== "embedded") return [{ ...own, target: this.#along(target, rest, keyPath) }];
    return this.#steps(target, rest, keyPath).map((step): WatchStep => {
      if (step.kind === "backlink") throw noWayOn(step.name, keyPath);
      return { ...step, name: column.publicName, path: [column, ...step.path] };
    });
  }
}

/** The classes that a column links to, those of links inside embedded objects too. */
export function linkTargets(database: Database, column: Column): Set<ClassLayout> {
  const found = new Set<ClassLayout>();
  const seen = new Set<ClassLayout>();
  const visit = (one: Column): void => {
    if (one.type === "mixed") for (const layout of database.layouts) if (layout.kind === "top") found.add(layout);
    const target = one.target === undefined ? undefined : database.storedLayout(one.target);
    if (target === undefined || seen.has(target)) return;
    seen.add(target);
    if (target.kind === "embedded") target.columns.forEach(visit);
    else found.add(target);
  };
  visit(column);
  return found;
}

/** The classes whose objects a query over a class may look at: those that links connect with it, either way. */
export function connectedClasses(database: Database, className: string): ReadonlySet<string> {
  const neighbours = new Map<string, Set<string>>();
  const join = (one: string, other: string): void => {
    neighbours.set(one, (neighbours.get(one) ?? new Set()).add(other));
    neighbours.set(other, (neighbours.get(other) ?? new Set()).add(one));
  };
  for (const layout of database.layouts) {
    for (const column of layout.columns) {
      if (column.target !== undefined) join(layout.name, column.target);
      for (const target of linkTargets(database, column)) join(layout.name, target.name);
    }
  }
  const found = new Set([className]);
  for (const name of found) for (const other of neighbours.get(name) ?? []) found.add(other);
  return found;
}

function noProperty(name: string, keyPath: string, className: string): EngineError {
  const text = `Property '${name}' in KeyPath '${keyPath}' is not a valid property in ${className}.`;
  return new EngineError("invalid-argument", text);
}

function noWayOn(name: string, keyPath: string): EngineError {
  const text =
    `Property '${name}' in KeyPath '${keyPath}' is not a collection of objects or an object reference, so it cannot ` +
    "be used as an intermediate key path element.";
  return new EngineError("invalid-argument", text);
}
