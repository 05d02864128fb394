/**
 * Properties of a facade's objects.
 *
 * @module
 */

import type { EmbeddedHandle, ObjectHandle } from "../data/object.js";
import type { Column } from "../data/schema.js";
import { type Binding, bindingKey, type Bound, handleKey } from "./binding.js";

/** An object of a facade. */
export interface BoundObject {
  /** The engine's object. */
  [handleKey]: ObjectHandle | EmbeddedHandle;
  /** The realm's view of the file. */
  [bindingKey]: Binding<Bound>;
}

/**
 * The property that reads and writes a column, for the prototype of a class in one realm.
 *
 * @param guard runs what may fail, and turns errors of the engine into the facade's.
 * @param mapReadError the facade's error for what reading throws; reads are not guarded, to be fast.
 */
export function columnAccessor(
  column: Column,
  guard: (work: () => void) => void,
  mapReadError: (error: unknown) => unknown = (error) => error,
): PropertyDescriptor {
  return {
    enumerable: true,
    configurable: true,
    get(this: BoundObject) {
      let value;
      try {
        value = this[handleKey].get(column);
      } catch (error) {
        throw mapReadError(error);
      }
      return typeof value === "object" && value !== null ? this[bindingKey].wrap(value) : value;
    },
    set(this: BoundObject, value: unknown) {
      guard(() => this[handleKey].set(column, value));
    },
  };
}
