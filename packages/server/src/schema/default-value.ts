/**
 * Defaults in schemas: Extended JSON of the property's own type.
 *
 * @module
 */

import { Binary, Decimal128, Double, EJSON, Int32, Long, ObjectId, UUID } from "bson";

const isInteger = (value: unknown): boolean =>
  value instanceof Int32 || value instanceof Long || (typeof value === "number" && Number.isInteger(value));
const isNumber = (value: unknown): boolean => isInteger(value) || value instanceof Double || typeof value === "number";
const isUuid = (value: unknown): boolean =>
  value instanceof UUID || (value instanceof Binary && value.sub_type === Binary.SUBTYPE_UUID);

/** By Realm's type, whether a value read from Extended JSON has it. */
const checks: Readonly<Record<string, (value: unknown) => boolean>> = {
  int: isInteger,
  bool: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  binary: (value) => value instanceof Binary && !isUuid(value),
  timestamp: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  float: isNumber,
  double: isNumber,
  decimal: (value) => value instanceof Decimal128 || isNumber(value),
  objectId: (value) => value instanceof ObjectId,
  uuid: isUuid,
  mixed: () => true,
};

/** Whether Extended JSON is a value of Realm's type. */
export function fitsType(json: unknown, type: string): boolean {
  const check = checks[type];
  if (check === undefined) return false;
  try {
    // As a field, because only documents are read.
    const document = EJSON.deserialize({ value: json }, { relaxed: false }) as { readonly value?: unknown };
    return check(document.value);
  } catch {
    // The reader of Extended JSON throws errors of several kinds, all because of what it was given.
    return false;
  }
}
