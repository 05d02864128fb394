/**
 * What rules need to know of the app's classes.
 *
 * @module
 */

import type { ClassInformation } from "../schema/classes.js";

/** A field, as far as predicates depend on it. */
export interface FieldShape {
  /** Type of the value, or of the elements, as `Ledger.schema` names it. */
  readonly type: string;
  readonly collection: "single" | "list" | "dictionary" | "set";
}

/** The classes of an app; `null` stands for any class that is not known yet. */
export interface RuleSchema {
  /** Whether filters may use a field of a class. */
  isQueryable(className: string | null, field: string): boolean;
  /** The shape of a field; `undefined` where it is not known, and constants are then written without regard to it. */
  field(className: string | null, name: string): FieldShape | undefined;
}

/** The schema as `Ledger.schema` gives it, with what the synchronisation's configuration says is queryable. */
export function ruleSchema(
  classes: readonly ClassInformation[],
  isQueryable: (className: string | null, field: string) => boolean,
): RuleSchema {
  const shapes = new Map(classes.map((one) => [one.name, shapesOf(one)]));
  return {
    isQueryable,
    field: (className, name) => (className === null ? undefined : shapes.get(className)?.get(name)),
  };
}

function shapesOf(information: ClassInformation): ReadonlyMap<string, FieldShape> {
  const shapes = new Map<string, FieldShape>(information.columns.map((column) => [column.name, column]));
  const key = information.primaryKey;
  if (key !== undefined && key !== null) shapes.set(key.name, { type: key.type, collection: "single" });
  return shapes;
}
