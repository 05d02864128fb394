/**
 * Subscription sets of a file: what is synced, by queries.
 *
 * @module
 */

import type { SubscriptionInformation, SubscriptionSetInformation } from "../core.js";
import { EngineError, simpleFailure, SyncFailure, syncStatusCode } from "../errors.js";
import type { Clock } from "../host.js";
import type { SyncSession } from "../sync/sync-session.js";
import type { Database } from "./database.js";
import type { Results } from "./results.js";

/** How far a set is. */
export type SubscriptionState = SubscriptionSetInformation["state"] | "superseded";

/** A subscription. */
export interface Subscription {
  /** 24 hexadecimal digits. */
  readonly id: string;
  /** Its name; `null` if it has none. */
  readonly name: string | null;
  /** The class that it is for. */
  readonly className: string;
  /** Its query, without parameters. */
  readonly query: string;
  /** When it was made, since 1970. */
  readonly createdAtMs: number;
  /** When it was added or changed last. */
  readonly updatedAtMs: number;
}

/** A set as it was at one moment. */
export interface SubscriptionSet {
  /** Number of the set: 0 at first, one more with each update. */
  readonly version: number;
  /** How far it is. */
  readonly state: SubscriptionState;
  /** Why the server has refused it. */
  readonly error: string | null;
  /** Its subscriptions in their order. */
  readonly subscriptions: readonly Subscription[];
}

/** How to add a subscription. */
export interface SubscriptionOptions {
  /** Its name; none by default. */
  readonly name?: string | null;
  /** Refuses to change what a name stands for. */
  readonly throwsOnUpdate?: boolean;
}

/** What waits for a set. */
interface Waiter {
  readonly version: number;
  readonly resolve: () => void;
  readonly fail: (error: Error) => void;
}

/** The sets of one file. */
export class SubscriptionSets {
  readonly #database: Database;
  readonly #session: SyncSession;
  readonly #waiters = new Set<Waiter>();
  /** Classes of the newest set, for the check of writes; read again after each change. */
  #classes: ReadonlySet<string> | undefined;

  constructor(database: Database, session: SyncSession) {
    this.#database = database;
    this.#session = session;
  }

  #read(): readonly SubscriptionSetInformation[] {
    return JSON.parse(this.#database.store.subscriptionSets()) as SubscriptionSetInformation[];
  }

  /** The newest set. */
  latest(): SubscriptionSet {
    this.#database.requireOpen();
    return asSet(this.#read().at(-1));
  }

  /** A set by its version; one that is gone was superseded. */
  byVersion(version: number): SubscriptionSet {
    const found = this.#read().find((set) => set.version === version);
    if (found !== undefined) return asSet(found);
    return { version, state: "superseded", error: null, subscriptions: [] };
  }

  /** Whether the newest set has a subscription of a class. */
  hasClass(name: string): boolean {
    this.#classes ??= new Set(
      this.#read()
        .at(-1)
        ?.subscriptions.map(({ className }) => className) ?? [],
    );
    return this.#classes.has(name);
  }

  /** Commits a new set. What the callback throws abandons it. @throws {@link EngineError} `already-in-write`. */
  update(change: (draft: SubscriptionDraft) => void): SubscriptionSet {
    if (this.#database.isInWrite) {
      throw new EngineError("already-in-write", "Subscriptions cannot be changed inside of a write transaction");
    }
    const latest = this.latest();
    const { clock } = this.#database;
    const draft = new SubscriptionDraft(latest, clock);
    change(draft);
    const subscriptions: SubscriptionInformation[] = draft.list();
    const version = this.#database.store.commitSubscriptionSet(
      JSON.stringify(subscriptions),
      this.#database.timestampMs(),
    );
    this.#classes = undefined;
    this.#database.advance();
    this.#database.onCommit();
    return this.byVersion(version);
  }

  /** Resolves when the set has arrived, or a later one has taken its place. */
  waitForSynchronization(version: number): Promise<void> {
    this.#database.requireOpen();
    const outcome = this.#outcome(version);
    if (outcome !== undefined) return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve();
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#session.subscriptionWaiters.delete(fail);
        if (this.#waiters.delete(waiter)) reject(error);
      };
      const waiter: Waiter = { version, resolve, fail };
      this.#waiters.add(waiter);
      this.#session.subscriptionWaiters.add(fail);
      const { state } = this.#session;
      if (state === "paused" || state === "inactive") this.#session.failSubscriptionWaiters();
    });
  }

  /** What a wait for the set comes to, if that is known: undefined goes on waiting. */
  #outcome(version: number): Error | true | undefined {
    const { state, error } = this.byVersion(version);
    switch (state) {
      case "complete":
      case "superseded":
        return true;
      case "error":
        return new SyncFailure(simpleFailure(syncStatusCode.subscriptionFailed, error ?? "Subscription failed", false));
      default:
        return undefined;
    }
  }

  /** States may have changed. */
  onChanged(): void {
    this.#classes = undefined;
    for (const waiter of Array.from(this.#waiters)) {
      const outcome = this.#outcome(waiter.version);
      if (outcome === undefined) continue;
      if (outcome !== true) {
        this.#database.clock.defer(() => waiter.fail(outcome));
        continue;
      }
      this.#waiters.delete(waiter);
      this.#session.subscriptionWaiters.delete(waiter.fail);
      this.#database.clock.defer(waiter.resolve);
    }
  }
}

function asSet(information: SubscriptionSetInformation | undefined): SubscriptionSet {
  if (information === undefined) return { version: 0, state: "pending", error: null, subscriptions: [] };
  const { version, state, error, subscriptions } = information;
  return { version, state, error, subscriptions };
}

/** A set in the making. */
export class SubscriptionDraft {
  readonly #clock: Clock;
  #subscriptions: Subscription[];

  constructor(base: SubscriptionSet, clock: Clock) {
    this.#clock = clock;
    this.#subscriptions = [...base.subscriptions];
  }

  /** The subscriptions as they are in the draft. */
  list(): Subscription[] {
    return [...this.#subscriptions];
  }

  /** The subscription of a name. */
  findByName(name: string): Subscription | undefined {
    return this.#subscriptions.find((subscription) => subscription.name === name);
  }

  /** The subscription with a query, named or not. */
  findByQuery(className: string, query: string): Subscription | undefined {
    return this.#subscriptions.find((one) => one.className === className && one.query === query);
  }

  /** Adds a subscription, or changes the one of the same name; the same query without a name is kept as it is. */
  add(results: Results, options: SubscriptionOptions = {}): Subscription {
    const className = results.layout.name;
    const query = results.describe();
    const name = options.name ?? null;
    const existing =
      name === null
        ? this.#subscriptions.find((one) => one.name === null && one.className === className && one.query === query)
        : this.findByName(name);
    if (existing === undefined) return this.#append(className, query, name);
    const isSame = existing.className === className && existing.query === query;
    if (!isSame && options.throwsOnUpdate === true) {
      throw new EngineError(
        "duplicate-subscription",
        `A subscription with the name '${name ?? ""}' already exists but has a different query. ` +
          "If you meant to update it, remove 'throwOnUpdate: true' from the subscription options.",
      );
    }
    const updated: Subscription = { ...existing, className, query, updatedAtMs: this.#clock.nowMs() };
    this.#subscriptions = this.#subscriptions.map((one) => (one === existing ? updated : one));
    return updated;
  }

  #append(className: string, query: string, name: string | null): Subscription {
    const nowMs = this.#clock.nowMs();
    const id = makeObjectId(this.#clock);
    const subscription: Subscription = { id, name, className, query, createdAtMs: nowMs, updatedAtMs: nowMs };
    this.#subscriptions.push(subscription);
    return subscription;
  }

  /** Removes those that a test picks; returns how many. */
  remove(isRemoved: (subscription: Subscription) => boolean): number {
    const before = this.#subscriptions.length;
    this.#subscriptions = this.#subscriptions.filter((subscription) => !isRemoved(subscription));
    return before - this.#subscriptions.length;
  }
}

/** An object id as 24 hex digits: seconds of the clock, then chance. */
export function makeObjectId(clock: Clock): string {
  const hex = (value: number): string => Math.floor(value).toString(16).padStart(8, "0");
  const seconds = (clock.nowMs() / 1000) % 2 ** 32;
  return `${hex(seconds)}${hex(clock.random() * 2 ** 32)}${hex(clock.random() * 2 ** 32)}`;
}
