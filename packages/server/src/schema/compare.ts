/**
 * Compares two schemas and says where they differ.
 *
 * @module
 */

import type { ClassInformation, ColumnInformation } from "./classes.js";

/** One difference between the schema that is expected and the one that was found. */
export interface SchemaMismatch {
  /**
   * `missing`: it is expected and was not found, which a client may do; `unexpected`: it was found and nobody expects
   * it; `changed`: it is something else.
   */
  readonly kind: "missing" | "unexpected" | "changed";
  /** Name of the class. */
  readonly className: string;
  /** `null` where the class as a whole is meant. */
  readonly propertyName: string | null;
  /** In words, such as `optional int` or `list of string`; `nothing` if it is not expected. */
  readonly expected: string;
  /** What there is. */
  readonly found: string;
  /** All of it in a sentence. */
  readonly message: string;
}

const nothing = "nothing";

/** Every difference, class by class in the order of the expected schema, what is unexpected last. */
export function compareSchemas(
  expected: readonly ClassInformation[],
  found: readonly ClassInformation[],
): readonly SchemaMismatch[] {
  return pair(expected, found).flatMap(([name, wanted, given]) => {
    if (wanted !== undefined && given !== undefined) return compareClasses(wanted, given);
    return [mismatch(name, null, wanted && describeClass(wanted), given && describeClass(given))];
  });
}

/** Classes, and properties of classes that stay, that are no longer there. */
export function removedPlaces(
  before: readonly ClassInformation[],
  after: readonly ClassInformation[],
): readonly { readonly className: string; readonly propertyName?: string }[] {
  const missing = compareSchemas(before, after).filter(({ kind }) => kind === "missing");
  return missing.map(({ className, propertyName }) => ({
    className,
    ...(propertyName === null ? {} : { propertyName }),
  }));
}

/** A property's type in words. */
export function describeColumn(column: ColumnInformation): string {
  const element = column.type === "link" ? `link to ${column.target ?? nothing}` : column.type;
  // Null is what every link to one object, every embedded one and every mixed value may be.
  const isPlain = column.type !== "link" && column.type !== "mixed";
  const value = column.nullable && isPlain ? `optional ${element}` : element;
  return column.collection === "single" ? value : `${column.collection} of ${value}`;
}

function describeClass(information: ClassInformation): string {
  switch (information.kind) {
    case "top":
      return "class";
    case "embedded":
      return "embedded class";
    case "asymmetric":
      return "asymmetric class";
  }
}

function describeKey(information: ClassInformation): readonly { readonly name: string; readonly text: string }[] {
  const key = information.primaryKey;
  if (key === undefined || key === null) return [];
  return [{ name: key.name, text: `primary key of type ${key.nullable ? "optional " : ""}${key.type}` }];
}

function compareClasses(expected: ClassInformation, found: ClassInformation): SchemaMismatch[] {
  const name = expected.name;
  const kinds = [describeClass(expected), describeClass(found)] as const;
  const properties = (information: ClassInformation): { readonly name: string; readonly text: string }[] => [
    ...describeKey(information),
    ...information.columns.map((column) => ({ name: column.name, text: describeColumn(column) })),
  ];
  const differences = pair(properties(expected), properties(found)).flatMap(([property, wanted, given]) =>
    wanted?.text === given?.text ? [] : [mismatch(name, property, wanted?.text, given?.text)],
  );
  return kinds[0] === kinds[1] ? differences : [mismatch(name, null, ...kinds), ...differences];
}

function mismatch(
  className: string,
  propertyName: string | null,
  expected: string = nothing,
  found: string = nothing,
): SchemaMismatch {
  const kind = found === nothing ? "missing" : expected === nothing ? "unexpected" : "changed";
  const subject = propertyName === null ? `class ${className}` : `class ${className}, property ${propertyName}`;
  const message = `${subject}: expected ${expected}, found ${found}`;
  return { kind, className, propertyName, expected, found, message };
}

function pair<T extends { readonly name: string }>(
  left: readonly T[],
  right: readonly T[],
): [string, T | undefined, T | undefined][] {
  const byName = new Map(right.map((one) => [one.name, one]));
  const leftNames = new Set(left.map((one) => one.name));
  return [
    ...left.map((one): [string, T, T | undefined] => [one.name, one, byName.get(one.name)]),
    ...right.filter((one) => !leftNames.has(one.name)).map((one): [string, undefined, T] => [one.name, undefined, one]),
  ];
}
