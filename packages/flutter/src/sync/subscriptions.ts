/**
 * Subscriptions: what a synced realm syncs.
 *
 * @module
 */

import {
  EngineError,
  type Subscription as EngineSubscription,
  type SubscriptionDraft,
  type SubscriptionSet as EngineSet,
  type SubscriptionSets,
  withIndexes,
} from "@tidemark/engine";
import { ObjectId } from "../bson.js";
import { type Cancellation, throwIfCancelled, untilCancelled } from "../cancellation.js";
import type { RealmResults } from "../data/results.js";
import { engine } from "../engine.js";
import { SubscriptionSetState } from "../enums.js";
import { call, RealmClosedError, RealmError, RealmException, refuseAsync, settle } from "../errors.js";
import { type ModelClass, nameOf } from "../model/schema.js";

/** A subscription, as it was when it was read. */
export class Subscription {
  /** @internal */
  readonly internal: EngineSubscription;

  /** @internal */
  constructor(internal: EngineSubscription) {
    this.internal = internal;
  }

  /** Its id. A subscription that takes the place of another one of its name keeps it. */
  get id(): ObjectId {
    return new ObjectId(this.internal.id);
  }

  /** `null` if it has none. */
  get name(): string | null {
    return this.internal.name;
  }

  /** Name of the class that it is for. */
  get objectClassName(): string {
    return this.internal.className;
  }

  /** The query without arguments and order. */
  get queryString(): string {
    return this.internal.query;
  }

  /** When it was made. */
  get createdAt(): Date {
    return new Date(this.internal.createdAtMs);
  }

  /** When it was added or changed last. */
  get updatedAt(): Date {
    return new Date(this.internal.updatedAtMs);
  }

  /** Whether both are the same subscription: what `==` is in Dart. */
  equals(other: unknown): boolean {
    return other instanceof Subscription && other.internal.id === this.internal.id;
  }

  /** @internal Whether it is one of these results. */
  isOf<T>(results: RealmResults<T>): boolean {
    const { internal } = results;
    return this.internal.className === internal.layout.name && this.internal.query === call(() => internal.describe());
  }
}

const states = {
  pending: SubscriptionSetState.pending,
  bootstrapping: SubscriptionSetState.pending,
  "awaiting-mark": SubscriptionSetState.pending,
  complete: SubscriptionSetState.complete,
  error: SubscriptionSetState.error,
  superseded: SubscriptionSetState.superseded,
} as const;

/** What reading a set offers. `set[0]` is `set.elementAt(0)`. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
interface Subscriptions {
  /** The subscription at an index. */
  readonly [index: number]: Subscription;
}

/** What reading a set offers. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
abstract class Subscriptions implements Iterable<Subscription> {
  /** @internal */
  protected abstract list(): readonly EngineSubscription[];

  /** How many subscriptions there are. */
  get length(): number {
    return this.list().length;
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** @throws `RangeError` beyond the ends. What `set[index]` is in Dart. */
  elementAt(index: number): Subscription {
    const found = this.list()[index];
    if (found === undefined) throw new RangeError(`RangeError (index): Index out of range: ${index}`);
    return new Subscription(found);
  }

  /** The subscription of a query, whatever its name; `null` if there is none. */
  find<T>(query: RealmResults<T>): Subscription | null {
    return [...this].find((one) => one.isOf(query)) ?? null;
  }

  /** The subscription of a name; `null` if there is none. */
  findByName(name: string): Subscription | null {
    return [...this].find((one) => one.name === name) ?? null;
  }

  /** The subscriptions in their order. */
  *[Symbol.iterator](): Iterator<Subscription> {
    for (const subscription of this.list()) yield new Subscription(subscription);
  }
}

function indexed<S extends Subscriptions>(set: S): S {
  return withIndexes(set, {
    read: (index) => set.elementAt(index),
    write: () => {
      throw new RealmError("A set of subscriptions is changed by update()");
    },
  });
}

/** The set of a realm: always the newest, as {@link SubscriptionSet.update} and every wait leave it. */
export class SubscriptionSet extends Subscriptions {
  readonly #sets: SubscriptionSets;
  readonly #isClosed: () => boolean;
  #set: EngineSet;

  /** @internal @param isClosed whether the realm is; another one may keep the file open. */
  constructor(sets: SubscriptionSets, isClosed: () => boolean) {
    super();
    this.#sets = sets;
    this.#isClosed = isClosed;
    this.#set = call(() => sets.latest());
  }

  /** @internal With access by index. */
  static of(sets: SubscriptionSets, isClosed: () => boolean): SubscriptionSet {
    return indexed(new SubscriptionSet(sets, isClosed));
  }

  #requireOpen(): void {
    if (this.#isClosed()) throw new RealmClosedError("Cannot access realm that has been closed");
  }

  /** @internal Takes in what others did to the set. */
  refresh(): this {
    this.#set = call(() => this.#sets.latest());
    return this;
  }

  #current(): EngineSet {
    this.#requireOpen();
    return call(() => this.#sets.byVersion(this.#set.version));
  }

  /** @internal */
  protected override list(): readonly EngineSubscription[] {
    this.#current();
    return this.#set.subscriptions;
  }

  /** Grows with each update; 0 before the first. */
  get version(): number {
    this.#current();
    return this.#set.version;
  }

  /** How far the set is. */
  get state(): SubscriptionSetState {
    return states[this.#current().state];
  }

  /** Why the server refused the set; `null` if it did not. */
  get error(): RealmException | null {
    const { state, error } = this.#current();
    return state === "error" ? new RealmException(error ?? "Subscription failed", { code: subscriptionFailed }) : null;
  }

  /**
   * Changes the set. Does not wait for the server: {@link SubscriptionSet.waitForSynchronization} does.
   *
   * @param action runs at once; what it throws leaves the set as it was.
   * @throws {@link RealmError} if the action returns a promise; {@link RealmException} inside of a write transaction.
   */
  update(action: (mutableSubscriptions: MutableSubscriptionSet) => void): void {
    this.#requireOpen();
    const change = (draft: SubscriptionDraft): void => {
      const result: unknown = action(indexed(new MutableSubscriptionSet(draft, this)));
      refuseAsync(result, "The action of an update must not be asynchronous");
    };
    this.#set = call(() => this.#sets.update(change));
  }

  /**
   * Resolves when the data of the set is here.
   *
   * @throws `RealmException` if the server refuses the set, or the session becomes inactive meanwhile; what the token
   * holds.
   */
  async waitForSynchronization(cancellationToken?: Cancellation): Promise<void> {
    this.#requireOpen();
    throwIfCancelled(cancellationToken);
    const { version } = this.#set;
    await untilCancelled(
      engine().host,
      settle(() => this.#sets.waitForSynchronization(version)),
      cancellationToken,
    );
    if (!this.#isClosed()) this.refresh();
  }
}

/** Code of a set that the server refused. */
const subscriptionFailed = 1016;

/** How to add a subscription. */
export interface AddOptions {
  /** Its name, by which it can be found and replaced; none by default. */
  readonly name?: string | undefined;
  /** Whether the name may be given to another query; not by default. */
  readonly update?: boolean | undefined;
}

/** A set that is being changed, inside {@link SubscriptionSet.update}. */
export class MutableSubscriptionSet extends Subscriptions {
  readonly #draft: SubscriptionDraft;
  readonly #base: SubscriptionSet;

  /** @internal */
  constructor(draft: SubscriptionDraft, base: SubscriptionSet) {
    super();
    this.#draft = draft;
    this.#base = base;
  }

  /** @internal */
  protected override list(): readonly EngineSubscription[] {
    return this.#draft.list();
  }

  /** The version of the set that is being changed. */
  get version(): number {
    return this.#base.version;
  }

  /** Always `pending`: the server does not know of it yet. */
  get state(): SubscriptionSetState {
    return SubscriptionSetState.pending;
  }

  /** Always `null`: nobody has refused it yet. */
  get error(): RealmException | null {
    return null;
  }

  /**
   * Adds the query of results. The same query without a name is there only once.
   *
   * @throws `RealmException` if the name stands for another query, unless `update` is given.
   */
  add<T>(results: RealmResults<T>, { name, update = false }: AddOptions = {}): Subscription {
    const options = { throwsOnUpdate: !update, ...(name === undefined ? {} : { name }) };
    try {
      return new Subscription(this.#draft.add(results.internal, options));
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== "duplicate-subscription") throw error;
      const text = `Duplicate subscription with name: ${name ?? ""}`;
      throw new RealmException(text, { code: error.code, cause: error });
    }
  }

  /** Whether there was such a subscription. */
  remove(subscription: Subscription): boolean {
    return this.#draft.remove((one) => one.id === subscription.internal.id) > 0;
  }

  /** Removes the subscriptions of a query, whatever their names. */
  removeByQuery<T>(results: RealmResults<T>): boolean {
    return this.#draft.remove((one) => new Subscription(one).isOf(results)) > 0;
  }

  /** Removes the subscription of a name. @returns whether there was one. */
  removeByName(name: string): boolean {
    return this.#draft.remove((one) => one.name === name) > 0;
  }

  /** Removes the subscriptions of a class, given as class or by its name. */
  removeByType(type: ModelClass | string): boolean {
    const className = nameOf(typeof type === "string" ? type : () => type);
    return this.#draft.remove((one) => one.className === className) > 0;
  }

  /** Removes all, or those without a name. */
  clear({ unnamedOnly = false }: { readonly unnamedOnly?: boolean } = {}): void {
    this.#draft.remove((one) => !unnamedOnly || one.name === null);
  }
}
