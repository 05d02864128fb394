/**
 * Comparisons of a field with constants, as Realm Query Language.
 *
 * The meaning is MongoDB's as far as the documentation of App Services shows it: a constant compared with an array
 * field, or an array compared with a scalar field, means membership; two arrays are equal element by element; values
 * of different types are not equal and have no order; null equals a missing value. What the core's evaluator says of
 * two values of one type is kept (floats are compared as floats, binary data byte by byte).
 *
 * @module
 */

import type { Ordering } from "./expression.js";
import { type Placement, place } from "./literals.js";
import { and, decided, not, or, type Predicate, test } from "./predicate.js";
import type { FieldShape } from "./schema.js";
import { isScalar, type Scalar, type Value } from "./values.js";

/** A field in a predicate. */
export interface TestedField {
  /** Its name as the query language writes it. */
  readonly text: string;
  readonly shape: FieldShape | undefined;
}

const signs: Readonly<Record<Ordering, string>> = { gt: ">", gte: ">=", lt: "<", lte: "<=" };
const never = decided(false);

/** Whether a field equals one of several values. */
export function equalsAny(field: TestedField, values: readonly Value[]): Predicate {
  const literals = new Set<string>();
  const others: Predicate[] = [];
  const add = (value: Scalar): void => {
    const text = exactLiteral(field, value);
    if (text === "null") others.push(isNull(field));
    else if (text !== null) literals.add(text);
  };
  for (const value of values) {
    if (isScalar(value)) add(value);
    if (value.type !== "array") continue;
    if (isCollection(field)) others.push(equalsArray(field, value.items));
    else for (const item of value.items) if (isScalar(item)) add(item);
  }
  return or([...others, membership(field, literals)]);
}

/** Whether a field, or an element of it, is less or greater than a value. */
export function isOrdered(field: TestedField, ordering: Ordering, value: Value): Predicate {
  if (!isScalar(value)) return never;
  const isInclusive = ordering === "gte" || ordering === "lte";
  if (value.type === "null") return isInclusive ? isNull(field) : never;
  const compared = ordered(field, ordering, place(value, field.shape?.type));
  const isDownward = ordering === "lt" || ordering === "lte";
  if (value.type !== "string" || !isDownward || isCollection(field) || field.shape?.type === "mixed") return compared;
  // In the query language a null string comes before all others.
  return and([not(isNull(field)), compared]);
}

/**
 * Whether a field exists. Synchronised objects have all their fields; one that a document lacks is null in them, so
 * null is what tells.
 */
export function exists(field: TestedField): Predicate {
  return isCollection(field) ? decided(true) : not(isNull(field));
}

function ordered(field: TestedField, ordering: Ordering, placement: Placement): Predicate {
  const isUpward = ordering === "gt" || ordering === "gte";
  switch (placement.kind) {
    case "apart":
      return never;
    case "above":
      return isUpward ? never : test(`${field.text} != null`);
    case "below":
      return isUpward ? test(`${field.text} != null`) : never;
    case "at":
      break;
  }
  const { text, offset } = placement;
  if (offset === 0) return test(`${field.text} ${signs[ordering]} ${text}`);
  // The constant lies beside the literal, so only on one side of it the literal itself is on the right side.
  const includesLiteral = isUpward === offset < 0;
  const sign = isUpward ? (includesLiteral ? ">=" : ">") : includesLiteral ? "<=" : "<";
  return test(`${field.text} ${sign} ${text}`);
}

function membership(field: TestedField, literals: ReadonlySet<string>): Predicate {
  const [first, ...more] = [...literals].sort();
  if (first === undefined) return never;
  if (more.length === 0) return test(`${field.text} == ${first}`);
  // Without the word ANY a list would be compared with the list of constants element by element.
  if (field.shape === undefined) return or([first, ...more].map((text) => test(`${field.text} == ${text}`)));
  return test(`${isCollection(field) ? "ANY " : ""}${field.text} IN {${[first, ...more].join(", ")}}`);
}

/** Whether an array field has exactly these elements; a set has no order. */
function equalsArray(field: TestedField, items: readonly Value[]): Predicate {
  if (items.length === 0) return test(`${field.text}.@count == 0`);
  const literals: string[] = [];
  for (const item of items) {
    const text = isScalar(item) ? exactLiteral(field, item) : null;
    if (text === null) return never;
    literals.push(text);
  }
  if (field.shape?.collection !== "set") return test(`${field.text} == {${literals.join(", ")}}`);
  const elements = new Set(literals);
  if (elements.size !== literals.length) return never;
  const members = [...elements].map((text) => test(`${field.text} == ${text}`));
  return and([test(`${field.text}.@count == ${elements.size}`), ...members]);
}

/** The literal that a field equal to a constant equals, or `null` where none can. */
function exactLiteral(field: TestedField, value: Scalar): string | null {
  if (value.type === "null") return "null";
  const placement = place(value, field.shape?.type);
  return placement.kind === "at" && placement.offset === 0 ? placement.text : null;
}

function isNull(field: TestedField): Predicate {
  return test(`${field.text} == null`);
}

function isCollection(field: TestedField): boolean {
  return field.shape !== undefined && field.shape.collection !== "single";
}
