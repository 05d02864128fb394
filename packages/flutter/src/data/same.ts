/**
 * When two values of the SDK are the same.
 *
 * @module
 */

/** By content, and objects of a realm by what they stand for. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (a instanceof Uint8Array) return b instanceof Uint8Array && String(a) === String(b);
  if (typeof a === "object" && a !== null && "equals" in a && typeof a.equals === "function") {
    return Boolean((a as { equals(other: unknown): unknown }).equals(b));
  }
  return Object.is(a, b);
}
