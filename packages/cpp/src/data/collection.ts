/**
 * What results, vectors, sets and maps have in common.
 *
 * @module
 */

import {
  bindingKey,
  type CollectionChanges,
  type Handle,
  handleKey,
  type List,
  Results as EngineResults,
  type ValueSet,
} from "@tidemark/engine";
import { type Binding, inBinding, ownerOf, type Wrapped } from "../binding.js";
import { guard, out_of_range, runtime_error } from "../errors.js";
import { type collection_change, collectionChange, notification_token } from "./notification.js";

/** What ties a collection to its database. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface managed_collection {
  /** @internal */
  readonly [handleKey]: Handle;
  /** @internal */
  readonly [bindingKey]: Binding;
}

/** What all collections offer. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export abstract class managed_collection {
  /** @internal */
  constructor(binding: Binding, handle: Handle) {
    Object.defineProperty(this, handleKey, { value: handle });
    Object.defineProperty(this, bindingKey, { value: binding });
  }

  /** Number of elements. */
  abstract size(): number;

  /** Whether the database is closed, or the object that holds the collection is gone. */
  is_invalidated(): boolean {
    return !this[handleKey].isValid();
  }

  /** Whether it shows one version of the database for ever. */
  is_frozen(): boolean {
    return databaseOf(this[handleKey]).isFrozen;
  }

  /**
   * The collection as it is now, for ever.
   *
   * @throws logic_error in a write transaction.
   */
  freeze(): this {
    return guard(() => moved(this, ownerOf(this).frozenBinding()));
  }

  /**
   * The live collection of a frozen one.
   *
   * @throws runtime_error `Invalid objects cannot be thawed.` if there is none any more.
   */
  thaw(): this {
    return guard(() => moved(this, ownerOf(this).liveBinding()));
  }

  /** Whether both are the same collection of the same object. */
  equals(other: unknown): boolean {
    if (!(other instanceof managed_collection)) return false;
    const [own, theirs] = [this[handleKey], other[handleKey]];
    if (!("holder" in own) || !("holder" in theirs) || own.column !== theirs.column) return own === theirs;
    const [left, right] = [own.holder, theirs.holder].map((holder) => this[bindingKey].wrap(holder));
    return (left as { equals(other: unknown): boolean }).equals(right);
  }
}

function moved<C extends Wrapped>(collection: C, binding: Binding): C {
  const found = inBinding(collection, binding);
  if (found === undefined) throw new runtime_error("InvalidatedObject", "Invalid objects cannot be thawed.");
  return found as C;
}

function databaseOf(handle: Handle): List["database"] {
  return handle.database;
}

/** @internal Refuses an index beyond the end. */
export function requireIndex(index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new out_of_range("OutOfBounds", "Index out of range.");
  }
}

/** @internal Calls back with each change of an ordered collection. */
export function observeOrdered<C extends Wrapped>(
  collection: C,
  handle: List | ValueSet | EngineResults,
  callback: (change: collection_change<C>) => void,
  paths: readonly string[] | undefined,
): notification_token {
  return guard(() => {
    handle.database.requireOpen();
    const { notifier } = handle.database;
    const tell = (changes: CollectionChanges): void =>
      callback(collectionChange(collection, changes, !handle.isValid()));
    const end =
      handle instanceof EngineResults
        ? notifier.onResults(handle, tell, paths)
        : notifier.onCollection(handle, tell, paths);
    return new notification_token(collection[bindingKey].track(end));
  });
}
