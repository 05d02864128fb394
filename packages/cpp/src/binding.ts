/**
 * What ties this facade's objects and collections to the engine.
 *
 * @module
 */

import {
  type Binding as EngineBinding,
  bindingKey,
  type Bound,
  type Handle,
  handleKey,
  resolveHandle,
  ValueResults,
  type Wrappers as EngineWrappers,
} from "@tidemark/engine";
import type { any_class } from "./schema/model.js";

/** One class of a database, ready to make objects. */
export interface BoundClass extends Bound {
  readonly prototype: object;
}

/** One database's view of its file. */
export type Binding = EngineBinding<BoundClass>;

/** What objects and collections need of the database that they belong to. */
export interface Owner {
  /** @internal The application's class of a name. */
  classNamed(name: string): any_class | undefined;
  /** @internal The binding of a frozen copy of the database as it is now; its own if it is frozen. */
  frozenBinding(): Binding;
  /** @internal The binding of the live database of this file. */
  liveBinding(): Binding;
}

/** The wrappers, filled in when the modules are loaded; this breaks the circle between them. */
export const wrappers: Partial<EngineWrappers<BoundClass>> = {};

/** An object or collection of this facade. */
export interface Wrapped {
  /** @internal */
  readonly [handleKey]: Handle;
  /** @internal */
  readonly [bindingKey]: Binding;
}

/** The database that something belongs to. */
export function ownerOf(wrapped: Wrapped): Owner {
  return wrapped[bindingKey].realm as Owner;
}

/** The facade's object or collection for a handle. */
export function wrapAny(binding: Binding, handle: Handle): unknown {
  if (handle instanceof ValueResults) return binding.values(handle);
  return binding.wrap(handle) === handle ? binding.results(handle as never) : binding.wrap(handle);
}

/** The same thing in another version of its file; `undefined` if it is not there, or no longer here. */
export function inBinding(wrapped: Wrapped, binding: Binding): unknown {
  const here = wrapped[handleKey];
  const handle = here.isValid() ? resolveHandle(binding.file.database, here) : undefined;
  return handle === undefined ? undefined : wrapAny(binding, handle);
}
