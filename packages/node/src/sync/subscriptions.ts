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
import { assertFunction, assertString } from "../assert.js";
import { ObjectId } from "../bson.js";
import type { Subscribable, SubscriptionOptions } from "../data/results.js";
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

  get id(): ObjectId {
    return new ObjectId(this.internal.id);
  }

  get createdAt(): Date {
    return new Date(this.internal.createdAtMs);
  }

  get updatedAt(): Date {
    return new Date(this.internal.updatedAtMs);
  }

  get name(): string | null {
    return this.internal.name;
  }

  get objectType(): string {
    return this.internal.className;
  }

  get queryString(): string {
    return this.internal.query;
  }
}

function resultsOf(query: Subscribable): EngineResults {
  return query[handleKey] as EngineResults;
}

/** What reading a set offers. */
export abstract class BaseSubscriptionSet implements Iterable<Subscription> {
  /** @internal */
  protected abstract list(): readonly EngineSubscription[];
  abstract get version(): number;
  abstract get state(): SubscriptionSetState;
  abstract get error(): string | null;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  get length(): number {
    return this.list().length;
  }

  findByName(name: string): Subscription | null {
    assertString(name, "name");
    const found = this.list().find((subscription) => subscription.name === name);
    return found === undefined ? null : new Subscription(found);
  }

  findByQuery(query: Subscribable): Subscription | null {
    const results = resultsOf(query);
    const text = call(() => results.describe());
    const found = this.list().find((one) => one.className === results.layout.name && one.query === text);
    return found === undefined ? null : new Subscription(found);
  }

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

/** The set of one moment. */
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

  get version(): number {
    return this.#set.version;
  }

  /** The set's state now; its subscriptions are those of the moment it was read. */
  get state(): SubscriptionSetState {
    return states[call(() => this.#sets.byVersion(this.#set.version)).state];
  }

  get error(): string | null {
    const { state, error } = call(() => this.#sets.byVersion(this.#set.version));
    return state === "error" ? error : null;
  }

  /** Resolves when the data of this set is here, or a later set has taken its place. */
  async waitForSynchronization(): Promise<void> {
    await settle(this.#sets.waitForSynchronization(this.#set.version));
  }

  /** Changes the set: the callback runs at once, the promise resolves when the new data is here. */
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

  get version(): number {
    return this.#version;
  }

  get state(): SubscriptionSetState {
    return SubscriptionSetState.Pending;
  }

  get error(): string | null {
    return null;
  }

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

  remove(query: Subscribable): boolean {
    const results = resultsOf(query);
    const text = call(() => results.describe());
    return this.#draft.remove((one) => one.className === results.layout.name && one.query === text) > 0;
  }

  removeByName(name: string): boolean {
    assertString(name, "name");
    return this.#draft.remove((one) => one.name === name) > 0;
  }

  removeSubscription(subscription: Subscription): boolean {
    const { id } = subscription.internal;
    return this.#draft.remove((one) => one.id === id) > 0;
  }

  removeByObjectType(objectType: string): number {
    assertString(objectType, "objectType");
    return this.#draft.remove((one) => one.className === objectType);
  }

  removeUnnamed(): number {
    return this.#draft.remove((one) => one.name === null);
  }

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
