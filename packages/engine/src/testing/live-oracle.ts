/**
 * What is in objects at one moment, by plain reading: what listeners must have been told follows from two of these.
 *
 * @module
 */

import type { Database } from "../data/database.js";
import { Dictionary } from "../data/dictionary.js";
import { List } from "../data/list.js";
import { EmbeddedHandle, ObjectHandle } from "../data/object.js";
import { Results } from "../data/results.js";
import type { Column } from "../data/schema.js";
import { ValueSet } from "../data/value-set.js";

/** The original looks at the objects behind so many links. */
const depthMax = 4;

/** States of one moment as text. */
export class LiveOracle {
  readonly #database: Database;
  readonly #known = new Map<string, string>();
  #everything: string | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All objects with their own values; the same for the same ones. */
  everything(): string {
    this.#everything ??= this.#database.layouts
      .filter(({ kind }) => kind === "top")
      .flatMap((layout) => [...new Results(this.#database, layout, { kind: "class" }, []).objects()])
      .map((object) => `${this.identity(object)} ${this.#own(object)}`)
      .join("\n");
    return this.#everything;
  }

  /** What makes an element this one and no other. */
  identity(value: unknown): string {
    if (value instanceof ObjectHandle) return `${value.layout.name}:${value.key}`;
    return value instanceof EmbeddedHandle ? this.#own(value) : (JSON.stringify(value) ?? "none");
  }

  /** What a listener of a collection hears the changes of, for one element. */
  state(value: unknown, keyPaths: readonly string[] | undefined): string {
    if (!(value instanceof ObjectHandle)) return this.identity(value);
    const inner = keyPaths === undefined ? this.#deep(value, depthMax) : this.#paths(value, keyPaths);
    return `${this.identity(value)} ${inner}`;
  }

  /** What a listener of an object hears the changes of, by property. */
  properties(object: ObjectHandle, keyPaths: readonly string[] | undefined): Map<string, string> {
    const states = new Map<string, string>();
    if (keyPaths === undefined) {
      for (const column of object.layout.columns) states.set(column.publicName, this.#value(object.get(column)));
      return states;
    }
    for (const path of keyPaths) {
      const [name = "", ...rest] = path.split(".");
      const names = name === "*" ? object.layout.columns.map(({ publicName }) => publicName) : [name];
      for (const one of names) {
        states.set(one, `${states.get(one) ?? ""}${this.#path(object, [one, ...rest], name === "*")}`);
      }
    }
    return states;
  }

  #paths(object: ObjectHandle, keyPaths: readonly string[]): string {
    return keyPaths.map((path) => this.#path(object, path.split("."), false)).join("|");
  }

  /** Own values; links by their target. */
  #own(object: ObjectHandle | EmbeddedHandle): string {
    if (object instanceof EmbeddedHandle) return this.#values(object);
    const name = `own ${this.identity(object)}`;
    const known = this.#known.get(name) ?? this.#values(object);
    this.#known.set(name, known);
    return known;
  }

  #values(object: ObjectHandle | EmbeddedHandle): string {
    return object.layout.columns.map((column) => this.#value(object.get(column))).join(";");
  }

  #value(value: unknown): string {
    return this.#elements(value)
      .map((element) => (element instanceof EmbeddedHandle ? `(${this.#own(element)})` : this.identity(element)))
      .join(",");
  }

  #elements(value: unknown): unknown[] {
    if (value instanceof Dictionary) return value.keys().flatMap((key) => [key, value.get(key)]);
    return value instanceof List || value instanceof ValueSet ? value.values() : [value];
  }

  #deep(object: ObjectHandle, depth: number): string {
    const name = `${this.identity(object)} ${depth}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    let text = this.#own(object);
    if (depth > 0) for (const target of this.#targets(object)) text += `{${this.#deep(target, depth - 1)}}`;
    // Texts of texts grow fast; equal ones are enough.
    const short = hashOf(text);
    this.#known.set(name, short);
    return short;
  }

  #targets(object: ObjectHandle | EmbeddedHandle): ObjectHandle[] {
    return object.layout.columns.flatMap((column) => this.#targetsOf(object.get(column)));
  }

  #targetsOf(value: unknown): ObjectHandle[] {
    return this.#elements(value).flatMap((element) => {
      if (element instanceof ObjectHandle) return [element];
      return element instanceof EmbeddedHandle ? this.#targets(element) : [];
    });
  }

  /** @param isAny whether the first name stands in for `*`, which need not lead on. */
  #path(object: ObjectHandle | EmbeddedHandle, [name = "", ...rest]: readonly string[], isAny: boolean): string {
    if (name === "*") {
      const names = object.layout.columns.map(({ publicName }) => publicName);
      return names.map((one) => this.#path(object, [one, ...rest], true)).join("|");
    }
    const column = object.layout.columnByPublicName(name);
    if (column === undefined) return this.#backlink(object as ObjectHandle, name, rest);
    const value = object.get(column);
    const isEmbedded = this.#database.storedLayout(column.target ?? "")?.kind === "embedded";
    if (rest.length === 0 || (isAny && column.target === undefined)) return this.#value(value);
    const inner = this.#elements(value)
      .map((one) => {
        // That there is an object on the way counts, whatever the path leads to.
        return one instanceof ObjectHandle || one instanceof EmbeddedHandle ? `+${this.#path(one, rest, false)}` : "";
      })
      .join("/");
    return isEmbedded ? inner : `${this.#value(value)}>${inner}`;
  }

  #backlink(object: ObjectHandle, name: string, rest: readonly string[]): string {
    const backlink = object.layout.declaration.backlinks.find(({ publicName }) => publicName === name);
    const origin = this.#database.storedLayout(backlink?.originClass ?? "");
    const column: Column | undefined = origin?.columnByPublicName(backlink?.originProperty ?? "");
    if (origin === undefined || column === undefined) return "none";
    const origins = [...new Results(this.#database, origin, { kind: "class" }, []).objects()].filter((one) =>
      this.#targetsOf(one.get(column)).some((target) => target.equals(object)),
    );
    return origins
      .map((one) => `${this.identity(one)}${rest.length > 0 ? this.#path(one, rest, false) : ""}`)
      .join("/");
  }
}

function hashOf(text: string): string {
  let [a, b] = [0x811c9dc5, 0x1234567];
  for (let index = 0; index < text.length; index += 1) {
    a = Math.imul(a ^ text.charCodeAt(index), 16_777_619);
    b = Math.imul(b ^ text.charCodeAt(index), 2_246_822_519) + 1;
  }
  return `${a}.${b}`;
}
