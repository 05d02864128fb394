/**
 * Which fields subscriptions and rules may ask for.
 *
 * @module
 */

import { type ClassInformation, isGeoPoint } from "./classes.js";
import type { Severity } from "./problem.js";

/** Words of the query language that no queryable field may be called, in any case. */
const reservedInAnyCase: ReadonlySet<string> = new Set(
  [
    "and asc ascending beginswith between contains desc descending distinct endswith falsepredicate inf",
    "infinity like limit nan nil null or sort subquery truepredicate",
  ].flatMap((line) => line.split(" ")),
);

/** Words that are reserved as they are written here. */
const reserved: ReadonlySet<string> = new Set(
  "ALL ANY B64 FALSE IN NONE NOT SOME TRUE all any false in none not oid some true uuid".split(" "),
);

/** Types that the indexed queryable field can have. */
const indexableTypes: ReadonlySet<string> = new Set(["int", "string", "objectId", "uuid"]);

/** Whether the query language has the name as a word, so that no queryable field can have it. */
export function isReservedFieldName(name: string): boolean {
  return reserved.has(name) || reservedInAnyCase.has(name.toLowerCase());
}

/**
 * Whether a field can be queryable: scalars, lists and sets of scalars, and embedded points. A primary key always is.
 * `undefined` if the class has no such field.
 */
export function isEligibleField(
  information: ClassInformation,
  field: string,
  byName: ReadonlyMap<string, ClassInformation>,
): boolean | undefined {
  if (information.primaryKey?.name === field) return true;
  const column = information.columns.find((one) => one.name === field);
  if (column === undefined) return undefined;
  if (column.type !== "link") return column.collection !== "dictionary";
  const target = byName.get(column.target ?? "");
  return column.collection === "single" && target !== undefined && isGeoPoint(target);
}

/** What stands against a field being queryable in these classes. */
export function queryableFieldProblems(
  field: string,
  candidates: readonly ClassInformation[],
  byName: ReadonlyMap<string, ClassInformation>,
): readonly { readonly severity: Severity; readonly message: string }[] {
  const subject = `queryable field "${field}"`;
  if (isReservedFieldName(field)) {
    return [{ severity: "error", message: `${subject}: the name is a word of the query language` }];
  }
  const found = candidates.flatMap((one) => {
    const isEligible = isEligibleField(one, field, byName);
    return isEligible === undefined ? [] : [{ className: one.name, isEligible }];
  });
  if (found.length === 0) return [{ severity: "warning", message: `${subject}: no class has such a property` }];
  return found
    .filter((one) => !one.isEligible)
    .map(({ className }) => ({
      severity: "error",
      message:
        `${subject}: in class ${className} it is neither a scalar, nor a list or set of scalars, ` +
        "nor an embedded point of GeoJSON",
    }));
}

/** What stands against a field being the indexed queryable one. */
export function indexedFieldProblems(field: string, candidates: readonly ClassInformation[]): readonly string[] {
  return candidates.flatMap(({ name, primaryKey, columns }) => {
    const key = primaryKey?.name === field ? { type: primaryKey.type, collection: "single" } : undefined;
    const column = key ?? columns.find((one) => one.name === field);
    if (column === undefined || (column.collection === "single" && indexableTypes.has(column.type))) return [];
    const message = "an indexed queryable field is an int, string, objectId or uuid";
    return [`indexed queryable field "${field}": in class ${name} it is something else; ${message}`];
  });
}
