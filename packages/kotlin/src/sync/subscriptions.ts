/**
 * Subscriptions: what a realm synchronises.
 *
 * @module
 */

import {
  EngineError,
  handleKey,
  type RealmFile,
  resolveHandle,
  type Results,
  type Subscription as EngineSubscription,
  type SubscriptionDraft,
  type SubscriptionSet as EngineSet,
  type SubscriptionSets,
  type SubscriptionState,
  within,
} from "@tidemark/engine";
import { ObjectId } from "../bson.js";
import { RealmInstant } from "../data/instant.js";
import type { BaseRealmObject } from "../data/object.js";
import { RealmQuery } from "../data/query.js";
import type { RealmResults } from "../data/results.js";
import { Duration, timeoutMsOf } from "../duration.js";
import { engine } from "../engine.js";
import {
  call,
  IllegalArgumentException,
  IllegalStateException,
  refuseAsync,
  settle,
  TimeoutCancellationException,
} from "../errors.js";
import type { ModelClass } from "../schema/model.js";
import type { Realm } from "../realm.js";
import { type SubscribeOptions, WaitForSync } from "./subscribe.js";

/**
 * States of a set.
 *
 * @enum
 */
export const SubscriptionSetState = {
  /** In the making, inside of `update`. */
  UNCOMMITTED: "UNCOMMITTED",
  /** The server does not know of it yet. */
  PENDING: "PENDING",
  /** Its data is arriving. */
  BOOTSTRAPPING: "BOOTSTRAPPING",
  /** Its data has arrived. */
  COMPLETE: "COMPLETE",
  /** The server refused it: see `errorMessage`. */
  ERROR: "ERROR",
  /** A later set has taken its place. */
  SUPERSEDED: "SUPERSEDED",
  /** Its data is here; changes made meanwhile are arriving. */
  AWAITING_MARK: "AWAITING_MARK",
} as const;
export type SubscriptionSetState = (typeof SubscriptionSetState)[keyof typeof SubscriptionSetState];

const states: Readonly<Record<SubscriptionState, SubscriptionSetState>> = {
  pending: "PENDING",
  bootstrapping: "BOOTSTRAPPING",
  "awaiting-mark": "AWAITING_MARK",
  complete: "COMPLETE",
  error: "ERROR",
  superseded: "SUPERSEDED",
};

/** A query, or what it gave. */
export type Subscribable = RealmQuery<unknown> | RealmResults<unknown>;

function resultsOf(given: Subscribable): Results {
  return given instanceof RealmQuery ? given.internal : given[handleKey];
}

function instantOf(unixMs: number): RealmInstant {
  return RealmInstant.fromDate(new Date(unixMs));
}

/** A subscription of one version of a set. Never changes. */
export class Subscription {
  /** @internal */
  readonly internal: EngineSubscription;
  readonly #realm: Realm;
  readonly #version: number;

  /** @internal */
  constructor(internal: EngineSubscription, realm: Realm, version: number) {
    this.internal = internal;
    this.#realm = realm;
    this.#version = version;
  }

  /** Its id. A subscription that takes the place of another one of its name keeps it. */
  get id(): ObjectId {
    return new ObjectId(this.internal.id);
  }

  /** When it was made. */
  get createdAt(): RealmInstant {
    return instantOf(this.internal.createdAtMs);
  }

  /** When its query was given, or given another time. */
  get updatedAt(): RealmInstant {
    return instantOf(this.internal.updatedAtMs);
  }

  /** Null if it is known by its query. */
  get name(): string | null {
    return this.internal.name;
  }

  /** Name of the model. */
  get objectType(): string {
    return this.internal.className;
  }

  /** Its query in Realm Query Language; `TRUEPREDICATE` for all objects. */
  get queryDescription(): string {
    return this.internal.query;
  }

  /**
   * The query of the subscription, to be asked here.
   *
   * @throws {@link IllegalArgumentException} if the subscription is for another model.
   */
  asQuery<T extends BaseRealmObject>(type: ModelClass<T>): RealmQuery<T> {
    if (type.schema.name === this.objectType) return this.#realm.query(type, this.queryDescription);
    throw new IllegalArgumentException(
      `Wrong query type. This subscription is for objects of type: ${this.objectType}, but ${type.schema.name} was provided as input.`,
    );
  }

  /** Whether both are one subscription in one version of the set. */
  equals(other: unknown): boolean {
    return other instanceof Subscription && other.internal.id === this.internal.id && other.#version === this.#version;
  }
}

/** What reading a set offers. */
export abstract class BaseSubscriptionSet implements Iterable<Subscription> {
  /** @internal */
  protected readonly realm: Realm;

  /** @internal */
  constructor(realm: Realm) {
    this.realm = realm;
  }

  /** @internal */
  protected abstract list(): readonly EngineSubscription[];
  /** @internal Number of the version. */
  abstract get version(): number;
  /** How far the set is. */
  abstract get state(): SubscriptionSetState;
  /** What the server has against the set, in the state `ERROR`; null otherwise. */
  abstract get errorMessage(): string | null;

  /** How many subscriptions there are. */
  get size(): number {
    return this.list().length;
  }

  /** @internal */
  protected wrap(internal: EngineSubscription): Subscription {
    return new Subscription(internal, this.realm, this.version);
  }

  #find(predicate: (one: EngineSubscription) => boolean): Subscription | null {
    const found = this.list().find(predicate);
    return found === undefined ? null : this.wrap(found);
  }

  /** The subscription of a name; null if there is none. */
  findByName(name: string): Subscription | null {
    return this.#find((one) => one.name === name);
  }

  /** The subscription with the same query, named or not. */
  findByQuery(query: Subscribable): Subscription | null {
    const results = resultsOf(query);
    const text = call(() => results.describe());
    return this.#find((one) => one.className === results.layout.name && one.query === text);
  }

  /** The subscriptions in their order. */
  *[Symbol.iterator](): IterableIterator<Subscription> {
    for (const internal of this.list()) yield this.wrap(internal);
  }
}

/** The subscriptions of a realm: those of the moment it was made, changed, waited for or refreshed. */
export class SubscriptionSet extends BaseSubscriptionSet {
  readonly #file: RealmFile;
  readonly #sets: SubscriptionSets;
  #set: EngineSet;

  /** @internal */
  constructor(realm: Realm, file: RealmFile, sets: SubscriptionSets) {
    super(realm);
    this.#file = file;
    this.#sets = sets;
    this.#set = call(() => sets.latest());
  }

  protected override list(): readonly EngineSubscription[] {
    return this.#set.subscriptions;
  }

  /** @internal */
  get version(): number {
    return this.#set.version;
  }

  get state(): SubscriptionSetState {
    return states[this.#set.state];
  }

  get errorMessage(): string | null {
    return this.#set.state === "error" ? this.#set.error : null;
  }

  #requireOpen(): void {
    if (this.realm.isClosed()) {
      throw new IllegalStateException("This method is not available when the Realm has been closed.");
    }
  }

  /**
   * Changes the subscriptions: the block runs at once. Does not wait for the data: see {@link waitForSynchronization}.
   *
   * @returns this set, in its new version.
   * @throws what the block throws; nothing is changed then. {@link IllegalArgumentException} if it returns a promise;
   * {@link IllegalStateException} if the realm is closed, or inside of a write transaction.
   */
  async update(block: (subscriptions: MutableSubscriptionSet, realm: Realm) => void): Promise<this> {
    this.#requireOpen();
    this.#set = call(() =>
      this.#sets.update((draft) =>
        refuseAsync(block(this.#mutable(draft), this.realm), "The block of an update must not be async"),
      ),
    );
    return this;
  }

  #mutable(draft: SubscriptionDraft): MutableSubscriptionSet {
    return new MutableSubscriptionSet(this.realm, draft, this.#sets.latest().version + 1);
  }

  /**
   * Waits until the data of this set is here, or a later set has taken its place.
   *
   * @param timeout how long to wait; milliseconds if it is a number, for ever by default.
   * @returns false if the time is over. What is waited for goes on.
   * @throws {@link BadFlexibleSyncQueryException} if the server refuses the set; {@link SyncException} if the session
   * stops; {@link IllegalArgumentException} if the timeout is not positive; {@link IllegalStateException} if the realm
   * is closed.
   */
  async waitForSynchronization(timeout: Duration | number = Duration.INFINITE): Promise<boolean> {
    const timeoutMs = timeoutMsOf(timeout);
    this.#requireOpen();
    try {
      const wait = settle(this.#sets.waitForSynchronization(this.#set.version));
      return (await within(engine().host, wait, { timeoutMs })) !== undefined;
    } finally {
      if (!this.realm.isClosed()) {
        this.#file.onChanged();
        this.refresh();
      }
    }
  }

  /**
   * Reads the newest version.
   *
   * @returns this set.
   * @throws {@link IllegalStateException} if the realm is closed.
   */
  refresh(): this {
    this.#requireOpen();
    this.#set = call(() => this.#sets.latest());
    return this;
  }

  /** Of no effect: there is nothing to give back. */
  close(): void {
    // The original frees memory of its native part.
  }

  /** @internal Has results synchronised. */
  async subscribe(given: Results, options: SubscribeOptions): Promise<void> {
    this.#requireOpen();
    this.refresh();
    const { name, updateExisting, mode, timeoutMs, timeout } = options;
    const results = resolveHandle(this.#file.database, given) ?? given;
    const query = call(() => results.describe());
    const isSame = (one: EngineSubscription): boolean =>
      one.name === name && one.className === results.layout.name && one.query === query;
    const isThere = this.list().some(isSame);
    if (!isThere) {
      this.#set = call(() => this.#sets.update((draft) => addTo(draft, results, name, updateExisting)));
    }
    if (mode === WaitForSync.NEVER || (isThere && mode === WaitForSync.FIRST_TIME)) return;
    const isDone = isThere
      ? await this.#download(timeoutMs)
      : await this.waitForSynchronization(timeoutMs === undefined ? Duration.INFINITE : timeout);
    if (!isDone) throw new TimeoutCancellationException(`Timed out waiting for ${timeout.inWholeMilliseconds} ms`);
  }

  async #download(timeoutMs: number | undefined): Promise<boolean> {
    const wait = this.#file.sync?.session.waitForDownload() ?? Promise.resolve();
    const done = await within(engine().host, settle(wait), { timeoutMs });
    this.#file.onChanged();
    return done !== undefined;
  }
}

function addTo(
  draft: SubscriptionDraft,
  results: Results,
  name: string | null,
  updateExisting: boolean,
): EngineSubscription {
  try {
    return draft.add(results, { name, throwsOnUpdate: !updateExisting });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "duplicate-subscription") throw error;
    throw new IllegalStateException(
      `Existing query '${String(name)}' was found and could not be updated as \`updateExisting = false\``,
      { cause: error },
    );
  }
}

/** The subscriptions in the making, inside of `update`. */
export class MutableSubscriptionSet extends BaseSubscriptionSet {
  readonly #draft: SubscriptionDraft;
  readonly #version: number;

  /** @internal */
  constructor(realm: Realm, draft: SubscriptionDraft, version: number) {
    super(realm);
    this.#draft = draft;
    this.#version = version;
  }

  protected override list(): readonly EngineSubscription[] {
    return this.#draft.list();
  }

  /** @internal */
  get version(): number {
    return this.#version;
  }

  get state(): SubscriptionSetState {
    return SubscriptionSetState.UNCOMMITTED;
  }

  get errorMessage(): string | null {
    return null;
  }

  /**
   * Adds a subscription. The same one is kept as it is.
   *
   * @param name by which it is known; without one it is known by its query.
   * @param updateExisting whether another query of that name is replaced.
   * @throws {@link IllegalStateException} if the name has another query that is not to be replaced.
   */
  add(query: Subscribable, name: string | null = null, updateExisting: boolean = false): Subscription {
    return this.wrap(call(() => addTo(this.#draft, resultsOf(query), name, updateExisting)));
  }

  /**
   * Removes a subscription, or the one of a name.
   *
   * @returns false if it was not there.
   */
  remove(given: Subscription | string): boolean {
    const isMeant = (one: EngineSubscription): boolean =>
      typeof given === "string" ? one.name === given : one.id === given.internal.id;
    return this.#draft.remove(isMeant) > 0;
  }

  /**
   * Removes all subscriptions of a model, all that have no name, or simply all.
   *
   * @returns whether any was removed.
   * @throws {@link IllegalArgumentException} if the model is not one of this realm.
   */
  removeAll(objectType: ModelClass | string): boolean;
  /** Removes all subscriptions, or those without a name. @returns whether there were any. */
  removeAll(anonymousOnly?: boolean): boolean;
  removeAll(given: ModelClass | string | boolean = false): boolean {
    if (typeof given === "boolean") return this.#draft.remove((one) => !given || one.name === null) > 0;
    const name = typeof given === "string" ? given : given.schema.name;
    if (this.realm.schema().get(name) === null) {
      throw new IllegalArgumentException(
        `'${name}' is not part of the schema for this Realm: ${this.realm.configuration.path}`,
      );
    }
    return this.#draft.remove((one) => one.className === name) > 0;
  }
}
