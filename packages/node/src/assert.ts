/**
 * Checks of arguments, with the texts of the SDK.
 *
 * @module
 */

import { describeType } from "@tidemark/engine";
import { AssertionError, TypeAssertionError } from "./errors.js";

/** The error for an argument of the wrong type. */
export function typeError(expected: string, value: unknown, name: string | undefined): TypeAssertionError {
  // Names that say more than a word bring their quotes along.
  const target = name === undefined ? "value" : name.startsWith("'") ? name : `'${name}'`;
  return new TypeAssertionError(`Expected ${target} to be ${expected}, got ${describeType(value)}`);
}

export function assert(condition: unknown, message: string): asserts condition {
  if (condition !== true && !condition) throw new AssertionError(message);
}

export function assertString(value: unknown, name?: string): asserts value is string {
  if (typeof value !== "string") throw typeError("a string", value, name);
}

export function assertNumber(value: unknown, name?: string): asserts value is number {
  if (typeof value !== "number" || Number.isNaN(value)) throw typeError("a number", value, name);
}

export function assertBoolean(value: unknown, name?: string): asserts value is boolean {
  if (typeof value !== "boolean") throw typeError("a boolean", value, name);
}

export function assertFunction(value: unknown, name?: string): asserts value is (...values: never[]) => unknown {
  if (typeof value !== "function") throw typeError("a function", value, name);
}

export function assertObject(value: unknown, name?: string): asserts value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw typeError("an object", value, name);
}

/** @param typeName the class's name in the SDK. */
export function assertInstanceOf<T>(
  value: unknown,
  ctor: { readonly prototype: T },
  typeName: string,
  name?: string,
): asserts value is T {
  // Classes whose constructors are private are classes too.
  if (!(value instanceof (ctor as unknown as abstract new () => T)))
    throw typeError(`an instance of ${typeName}`, value, name);
}

export function assertArray(value: unknown, name?: string): asserts value is unknown[] {
  if (!Array.isArray(value)) throw typeError("an array", value, name);
}
