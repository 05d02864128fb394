/**
 * What is wrong with a schema, with the place in its document.
 *
 * @module
 */

import type { CollectionPlace } from "./derive.js";
import type { JsonPath } from "./json-schema.js";

/** `error`: the schema cannot be used; `warning`: something will not work as written; `information`: good to know. */
export type Severity = "error" | "warning" | "information";

/** The documents that describe a collection. */
export interface CollectionSource extends CollectionPlace {
  /** Name of the data source. */
  readonly service: string;
  /** Parsed `schema.json`; `undefined` if there is none. */
  readonly schema: unknown;
  /** Parsed `relationships.json`; `undefined` if there is none. */
  readonly relationships: unknown;
  /** Whether clients only write to it. */
  readonly isAsymmetric: boolean;
}

/** One thing that is wrong, or worth knowing. */
export interface SchemaProblem {
  /** The collection. */
  readonly source: CollectionSource;
  /** In which file. */
  readonly document: "schema" | "relationships";
  /** To the value in that document. */
  readonly path: JsonPath;
  /** How bad it is. */
  readonly severity: Severity;
  /** What is wrong, in words. */
  readonly message: string;
}

/** Takes problems of one collection. */
export type ProblemReport = (
  severity: Severity,
  path: JsonPath,
  message: string,
  document?: SchemaProblem["document"],
) => void;

/** A value of a JSON document as an object, if it is one. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** An own property of a parsed JSON object: one called `constructor` is none that `Object` has. */
export function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
