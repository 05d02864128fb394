/**
 * Subscriptions: what a flexible-sync realm syncs.
 *
 * @module
 */

import {
  handleKey,
  type RealmFile,
  type Results as EngineResults,
  type Subscription as EngineSubscription,
  type SubscriptionDraft,
  type SubscriptionSet as EngineSet,
  type SubscriptionSets,
} from "@tidemark/engine";
import { assertFunction, assertInstanceOf, assertString } from "../assert.js";
import { ObjectId } from "../bson.js";
import { Results, type Subscribable, type SubscriptionOptions } from "../data/results.js";
import { SubscriptionSetState } from "../enums.js";
import { call, IllegalConstructorError, settle } from "../errors.js";
import type { Realm } from "../realm.js";

/** A subscription. */
export class Subscription {
  /** @internal */
  readonly internal: EngineSubscription;

  /** @internal */
  constructor(internal: EngineSubscription) {
    if (internal === undefined) throw new IllegalConstructorError("Subscription");
    this.internal = internal;
  }

  /** Its id. A subscription that takes the place of another one of its name keeps it. */
  get id(): ObjectId {
    return new ObjectId(this.internal.id);
  }

  /** When it was made. */
  get createdAt(): Date {
    return new Date(this.internal.createdAtMs);
  }

  /** When it was added or changed last. */
  get updatedAt(): Date {
    return new Date(this.internal.updatedAtMs);
  }

  /** Its name; `null` if it has none. */
  get name(): string | null {
    return this.internal.name;
  }

  /** Name of the class that it is for. */
  get objectType(): string {
    return this.internal.className;
  }

  /** Its query in Realm Query Language; `TRUEPREDICATE` for all objects. */
  get queryString(): string {
    return this.internal.query;
  }
}

function resultsOf(query: Subscribable): EngineResults {
  assertInstanceOf(query, Results, "Results", "query");
  return query[handleKey] as EngineResults;
}

/** What reading a set offers. */
export abstract class BaseSubscriptionSet implements Iterable<Subscription> {
  /** @internal */
  protected abstract list(): readonly EngineSubscription[];
  /** Number of the set: 0 at first, one more with each update. */
  abstract get version(): number;
  /** How far the set is. */
  abstract get state(): SubscriptionSetState;
  /** Why the server has refused it; `null` in every other state. */
  abstract get error(): string | null;

  /** Whether it has no subscriptions. */
  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** How many subscriptions it has. */
  get length(): number {
    return this.list().length;
  }

  /** The subscription of a name; `null` if there is none. */
  findByName(name: string): Subscription | null {
    assertString(name, "name");
    const found = this.list().find((subscription) => subscription.name === name);
    return found === undefined ? null : new Subscription(found);
  }

  /** The first subscription with the query of some results, named or not; `null` if there is none. */
  findByQuery(query: Subscribable): Subscription | null {
    const results = resultsOf(query);
    const text = call(() => results.describe());
    const found = this.list().find((one) => one.className === results.layout.name && one.query === text);
    return found === undefined ? null : new Subscription(found);
  }

  /** @internal Whether the subscription of a name has the query of some results. */
  isSame(name: string, query: Subscribable): boolean {
    const found = this.findByName(name);
    const results = resultsOf(query);
    return found?.objectType === results.layout.name && found.queryString === call(() => results.describe());
  }

  /** The subscriptions in their order. */
  *[Symbol.iterator](): IterableIterator<Subscription> {
    for (const subscription of this.list()) yield new Subscription(subscription);
  }
}

const states = {
  pending: SubscriptionSetState.Pending,
  bootstrapping: SubscriptionSetState.Pending,
  "awaiting-mark": SubscriptionSetState.Pending,
  complete: SubscriptionSetState.Complete,
  error: SubscriptionSetState.Error,
  superseded: SubscriptionSetState.Superseded,
} as const;

/** The set of one moment: `realm.subscriptions` gives a new one each time. */
export class SubscriptionSet extends BaseSubscriptionSet {
  readonly #realm: Realm;
  readonly #sets: SubscriptionSets;
  #set: EngineSet;

  /** @internal */
  constructor(realm: Realm, sets: SubscriptionSets, set: EngineSet) {
    super();
    this.#realm = realm;
    this.#sets = sets;
    this.#set = set;
  }

  protected override list(): readonly EngineSubscription[] {
    return this.#set.subscriptions;
  }

  /** Number of the set: 0 at first, one more with each update. */
  get version(): number {
    return this.#set.version;
  }

  /** The set's state now; its subscriptions are those of the moment it was read. */
  get state(): SubscriptionSetState {
    return states[call(() => this.#sets.byVersion(this.#set.version)).state];
  }

  /** Why the server has refused it; `null` in every other state. */
  get error(): string | null {
    const { state, error } = call(() => this.#sets.byVersion(this.#set.version));
    return state === "error" ? error : null;
  }

  /**
   * Resolves when the data of this set is here, or a later set has taken its place.
   *
   * @throws an error with the server's text if it refuses the set; {@link SyncError} 1027 if the session is stopped
   * meanwhile.
   */
  async waitForSynchronization(): Promise<void> {
    await settle(this.#sets.waitForSynchronization(this.#set.version));
  }

  /**
   * Changes the set: the callback runs at once, and what it did is committed; then this object is the new set. What the
   * callback throws undoes all. Resolves as {@link SubscriptionSet.waitForSynchronization} does.
   */
  update(callback: (mutableSubscriptions: MutableSubscriptionSet, realm: Realm) => void): Promise<void> {
    try {
      this.updateNoWait(callback);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.waitForSynchronization();
  }

  /** @internal Changes the set without waiting. */
  updateNoWait(callback: (mutableSubscriptions: MutableSubscriptionSet, realm: Realm) => void): void {
    assertFunction(callback, "callback");
    this.#set = call(() =>
      this.#sets.update((draft) => {
        callback(new MutableSubscriptionSet(draft, this.#set.version + 1), this.#realm);
      }),
    );
  }
}

/** A set in the making, inside `update`. */
export class MutableSubscriptionSet extends BaseSubscriptionSet {
  readonly #draft: SubscriptionDraft;
  readonly #version: number;

  /** @internal */
  constructor(draft: SubscriptionDraft, version: number) {
    super();
    this.#draft = draft;
    this.#version = version;
  }

  protected override list(): readonly EngineSubscription[] {
    return this.#draft.list();
  }

  /** Number that the set will have. */
  get version(): number {
    return this.#version;
  }

  /** Always `pending`. */
  get state(): SubscriptionSetState {
    return SubscriptionSetState.Pending;
  }

  /** Always `null`. */
  get error(): string | null {
    return null;
  }

  /**
   * Subscribes to what some results select. One of the same name takes the new query, one without a name and with the
   * same query stays.
   *
   * @throws if there is one of the name with another query and `throwOnUpdate` is set.
   */
  add(query: Subscribable, options: SubscriptionOptions = {}): Subscription {
    const { name, throwOnUpdate } = options;
    if (name !== undefined) assertString(name, "name");
    const added = call(() =>
      this.#draft.add(resultsOf(query), {
        ...(name === undefined ? {} : { name }),
        ...(throwOnUpdate === undefined ? {} : { throwsOnUpdate: throwOnUpdate }),
      }),
    );
    return new Subscription(added);
  }

  /** Removes the subscriptions with the query of some results. @returns whether there were any. */
  remove(query: Subscribable): boolean {
    const results = resultsOf(query);
    const text = call(() => results.describe());
    return this.#draft.remove((one) => one.className === results.layout.name && one.query === text) > 0;
  }

  /** Removes the subscription of a name. @returns whether there was one. */
  removeByName(name: string): boolean {
    assertString(name, "name");
    return this.#draft.remove((one) => one.name === name) > 0;
  }

  /** Removes a subscription. @returns whether it was there. */
  removeSubscription(subscription: Subscription): boolean {
    assertInstanceOf(subscription, Subscription, "Subscription", "subscription");
    const { id } = subscription.internal;
    return this.#draft.remove((one) => one.id === id) > 0;
  }

  /** Removes the subscriptions for a class. @returns how many there were. */
  removeByObjectType(objectType: string): number {
    assertString(objectType, "objectType");
    return this.#draft.remove((one) => one.className === objectType);
  }

  /** Removes the subscriptions without a name. @returns how many there were. */
  removeUnnamed(): number {
    return this.#draft.remove((one) => one.name === null);
  }

  /** Removes all subscriptions. @returns how many there were. */
  removeAll(): number {
    return this.#draft.remove(() => true);
  }
}

/** Subscribes at the first open of a file. */
export function initialUpdate(
  realmOf: (file: RealmFile) => Realm,
  update: (subscriptions: MutableSubscriptionSet, realm: Realm) => void,
): (draft: SubscriptionDraft, file: RealmFile) => void {
  return (draft, file) => {
    const version = (file.sync?.subscriptions.latest().version ?? 0) + 1;
    update(new MutableSubscriptionSet(draft, version), realmOf(file));
  };
}
