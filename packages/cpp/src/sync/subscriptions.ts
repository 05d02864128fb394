/**
 * Subscriptions: `realm::sync_subscription_set`.
 *
 * @module
 */

import {
  type ClassLayout,
  type Database,
  type Subscription as EngineSubscription,
  type SubscriptionDraft,
  type SubscriptionSets,
} from "@tidemark/engine";
import { allOf, refineTyped } from "../data/results.js";
import { guard, logic_error } from "../errors.js";
import { type future, futureOf } from "../future.js";
import type { query_fn } from "../query/expression.js";
import type { class_of } from "../schema/model.js";

/** A subscription: which objects of a class are synced. */
export interface sync_subscription {
  /** Id that it keeps while it is changed. */
  readonly identifier: string;
  /** Name by which it was added. */
  readonly name: string | undefined;
  /** When it was added. */
  readonly created_at: Date;
  /** When it was changed last. */
  readonly updated_at: Date;
  /** In Realm Query Language; `TRUEPREDICATE` for all. */
  readonly query_string: string;
  /** Name of the class. */
  readonly object_class_name: string;
}

/** @internal What subscriptions need of a database. */
export interface SubscriptionSource {
  readonly database: Database;
  readonly sets: SubscriptionSets;
  layoutOf(className: string): ClassLayout;
}

function subscriptionOf(one: EngineSubscription | undefined): sync_subscription | undefined {
  if (one === undefined) return undefined;
  return Object.freeze({
    identifier: one.id,
    name: one.name ?? undefined,
    created_at: new Date(one.createdAtMs),
    updated_at: new Date(one.updatedAtMs),
    query_string: one.query,
    object_class_name: one.className,
  });
}

/**
 * The newest set of subscriptions. In realm-cpp 2.2 it is the newest that the server has acknowledged: here what was
 * just added shows at once.
 */
export class sync_subscription_set {
  readonly #source: SubscriptionSource;

  /** @internal */
  constructor(source: SubscriptionSource) {
    this.#source = source;
  }

  #list(): readonly EngineSubscription[] {
    return guard(() => this.#source.sets.latest().subscriptions);
  }

  /** Number of subscriptions. */
  size(): number {
    return this.#list().length;
  }

  /** The subscription of a name; `undefined` if there is none. */
  find(name: string): sync_subscription | undefined {
    return subscriptionOf(this.#list().find((one) => one.name === name));
  }

  /**
   * Changes the set: the function runs at once, and what it throws abandons the change. The future is `true` when the
   * data of the new set is here, and `false` if the server refused it, a newer set took its place, or the session
   * stopped. It never rejects.
   */
  update(change: (subscriptions: mutable_sync_subscription_set) => void): future<boolean> {
    const { sets } = this.#source;
    const { version } = guard(() =>
      sets.update((draft) => change(new mutable_sync_subscription_set(this.#source, draft))),
    );
    return futureOf(async () => {
      try {
        await sets.waitForSynchronization(version);
        return sets.byVersion(version).state === "complete";
      } catch {
        return false;
      }
    });
  }
}

/** A set in the making, inside {@link sync_subscription_set.update}. */
export class mutable_sync_subscription_set {
  readonly #source: SubscriptionSource;
  readonly #draft: SubscriptionDraft;

  /** @internal */
  constructor(source: SubscriptionSource, draft: SubscriptionDraft) {
    this.#source = source;
    this.#draft = draft;
  }

  /** Number of subscriptions. */
  size(): number {
    return this.#draft.list().length;
  }

  /**
   * Subscribes to the objects of a class that pass a condition, or to all. A subscription of the same name is replaced.
   *
   * @throws logic_error if the class is not of this database.
   * @throws invalid_argument if the condition cannot be understood.
   */
  add<T>(model: class_of<T>, name: string, query_fn?: query_fn<T>): void {
    guard(() => {
      const { database } = this.#source;
      const all = allOf(database, this.#source.layoutOf(model.class_name));
      this.#draft.add(query_fn === undefined ? all : refineTyped(all, query_fn), { name });
    });
  }

  /**
   * Removes the subscription of a name.
   *
   * @throws logic_error `Subscription cannot be found`
   */
  remove(name: string): void {
    if (this.#draft.remove((one) => one.name === name) === 0) throw notFound();
  }

  /** The subscription of a name; `undefined` if there is none. */
  find(name: string): sync_subscription | undefined {
    return subscriptionOf(this.#draft.findByName(name));
  }

  /**
   * Gives the subscription of a name another class and condition.
   *
   * @throws logic_error `Subscription cannot be found`
   */
  update_subscription<T>(model: class_of<T>, name: string, query_fn?: query_fn<T>): void {
    if (this.#draft.findByName(name) === undefined) throw notFound();
    this.add(model, name, query_fn);
  }

  /** Removes all. */
  clear(): void {
    this.#draft.remove(() => true);
  }
}

function notFound(): logic_error {
  return new logic_error("InvalidArgument", "Subscription cannot be found");
}
