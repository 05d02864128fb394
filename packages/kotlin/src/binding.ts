/**
 * What ties this facade's objects and collections to the engine.
 *
 * @module
 */

import type {
  Binding as EngineBinding,
  bindingKey,
  Bound,
  Handle,
  handleKey,
  RealmFile,
  Results,
  Wrappers,
} from "@tidemark/engine";
import { IllegalStateException } from "./errors.js";
import type { Flow } from "./flow/flow.js";
import type { FlowSource } from "./flow/channel.js";
import type { SubscribeOptions } from "./sync/subscribe.js";

/** A model in one realm, ready to make objects. */
export interface BoundModel extends Bound {
  readonly prototype: object;
  /** Properties that are not stored. */
  readonly ignored: readonly (readonly [name: string, makeDefault: () => unknown])[];
}

/** One version of a realm, or one write transaction. */
export type Binding = EngineBinding<BoundModel>;

/** What objects and collections need of their realm, whose module knows theirs. */
export interface Owner {
  readonly path: string;
  /** The file that moves on. */
  readonly file: RealmFile;
  /** The newest version. */
  current(): Binding;
  /** A flow that completes when the realm is closed. */
  flow<T>(source: FlowSource<T>): Flow<T>;
  /** Has results synchronised. */
  subscribe(results: Results, options: SubscribeOptions): Promise<void>;
}

/** Where an object or collection belongs. */
export interface Scope {
  readonly owner: Owner;
  /** Objects of a write transaction can be changed, all others never change. */
  readonly kind: "frozen" | "live";
  /** Whether the transaction is over. */
  isOver: boolean;
}

/** An object or collection that is stored. */
export interface Managed {
  readonly [handleKey]?: Handle | undefined;
  readonly [bindingKey]?: Binding | undefined;
}

export function scopeOf(binding: Binding): Scope {
  return binding.realm as Scope;
}

/** @throws {@link IllegalStateException} if the transaction is over that the binding belongs to. */
export function requireUsable(binding: Binding): void {
  if (!scopeOf(binding).isOver) return;
  throw new IllegalStateException(
    "This object belongs to a write transaction that is over. Return it from the transaction, or query it again.",
  );
}

/** @throws {@link IllegalStateException} outside of the write transaction. */
export function requireWritable(binding: Binding): void {
  requireUsable(binding);
  if (scopeOf(binding).kind === "live") return;
  throw new IllegalStateException(
    "Cannot modify managed objects outside of a write transaction. Use `MutableRealm.findLatest()` in one.",
  );
}

/** The wrappers, filled in when the modules are loaded; this breaks the circle between them. */
export const wrappers: Partial<Wrappers<BoundModel>> = {};
