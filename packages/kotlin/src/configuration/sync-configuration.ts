/**
 * How a realm is opened that is synchronised.
 *
 * @module
 */

import { User } from "../app/user.js";
import { Duration, durationOf, timeoutMsOf } from "../duration.js";
import { engine } from "../engine.js";
import { IllegalArgumentException, UnsupportedOperationException } from "../errors.js";
import { log, LogLevel } from "../log.js";
import type { Realm } from "../realm.js";
import type { CheckedModels, ModelClass } from "../schema/model.js";
import { defaultStrategy, type SyncClientResetStrategy } from "../sync/client-reset.js";
import type { SyncException } from "../sync/exceptions.js";
import type { MutableSubscriptionSet } from "../sync/subscriptions.js";
import type { SyncSession } from "../sync/sync-session.js";
import { type CommonSettings, Configuration, defaultSettings, SharedBuilder } from "./configuration.js";

/**
 * Is told what goes wrong in a session. Client resets are told to the strategy instead.
 * What it throws, or rejects with, is logged.
 */
export type ErrorHandler = (session: SyncSession, error: SyncException) => void;

/** Subscribes when a realm is opened: at once, and not in an async function. */
export type InitialSubscriptionsCallback = (subscriptions: MutableSubscriptionSet, realm: Realm) => void;

/** Subscriptions made when a realm is opened. */
export interface InitialSubscriptionsConfiguration {
  /** What subscribes. */
  readonly callback: InitialSubscriptionsCallback;
  /** Whether it runs with every opening, and not with that of a new file alone. */
  readonly rerunOnOpen: boolean;
}

/** The realm is opened when its data is here. */
export interface InitialRemoteDataConfiguration {
  /** How long that may take. */
  readonly timeout: Duration;
}

/**
 * Kinds of synchronisation.
 *
 * @enum
 */
export const SyncMode = {
  /** By the value of a field: not supported. */
  PARTITION_BASED: "PARTITION_BASED",
  /** By subscriptions. */
  FLEXIBLE: "FLEXIBLE",
} as const;
export type SyncMode = (typeof SyncMode)[keyof typeof SyncMode];

interface SyncSettings extends CommonSettings {
  /** Who synchronises. */
  readonly user: User;
  /** Told what goes wrong. */
  readonly errorHandler: ErrorHandler;
  /** What happens when the server cannot go on with the file. */
  readonly syncClientResetStrategy: SyncClientResetStrategy;
  readonly initialSubscriptions: InitialSubscriptionsConfiguration | null;
  readonly initialRemoteData: InitialRemoteDataConfiguration | null;
}

/**
 * How a realm is opened that is synchronised. Made by {@link SyncConfiguration.create} or its `Builder`.
 *
 * @typeParam Waits whether opening waits for the server's data: `Realm.open` returns a promise then.
 */
export class SyncConfiguration<Waits extends boolean = boolean> extends Configuration {
  /** Who synchronises. */
  readonly user: User;
  /** Told what goes wrong. */
  readonly errorHandler: ErrorHandler;
  /** What happens when the server cannot go on with the file. */
  readonly syncClientResetStrategy: SyncClientResetStrategy;
  /** Always `FLEXIBLE`. */
  readonly syncMode: SyncMode = SyncMode.FLEXIBLE;
  /** What is subscribed to when the realm is opened. */
  readonly initialSubscriptions: InitialSubscriptionsConfiguration | null;
  /** Whether opening waits for the server's data, and how long; null if it does not. */
  readonly initialRemoteData: Waits extends true
    ? InitialRemoteDataConfiguration
    : Waits extends false
      ? null
      : InitialRemoteDataConfiguration | null;

  /** @internal */
  constructor(settings: SyncSettings) {
    super(settings);
    this.user = settings.user;
    this.errorHandler = settings.errorHandler;
    this.syncClientResetStrategy = settings.syncClientResetStrategy;
    this.initialSubscriptions = settings.initialSubscriptions;
    this.initialRemoteData = settings.initialRemoteData as this["initialRemoteData"];
  }

  /** `new SyncConfiguration.Builder(user, [Task])` */
  static get Builder(): SyncConfigurationBuilderClass {
    return SyncConfigurationBuilder;
  }

  /** With all defaults. @throws {@link IllegalArgumentException} if the user is not logged in. */
  static create<const S extends readonly ModelClass[]>(
    user: User,
    schema: S & CheckedModels<S>,
  ): SyncConfiguration<false>;
  /** @throws {@link UnsupportedOperationException}: partition-based synchronisation is not supported. */
  static create(user: User, partitionValue: unknown, schema: readonly ModelClass[]): never;
  static create(user: User, ...given: readonly unknown[]): SyncConfiguration<false> {
    return new SyncConfigurationBuilder<false>(user, ...given).build();
  }

  override get path(): string {
    const { internal } = this.user;
    return engine().host.files.join(internal.app.directory, internal.id, this.name);
  }
}

const warn: ErrorHandler = (_, error) => log("Realm.Sdk", LogLevel.WARN, error.message);

/** Sets how a realm is opened that is synchronised. */
export class SyncConfigurationBuilder<Waits extends boolean> extends SharedBuilder<SyncSettings> {
  /** @internal */
  constructor(user: User, ...given: readonly unknown[]) {
    if (!(user instanceof User) || !user.loggedIn) {
      throw new IllegalArgumentException("A valid, logged in user is required.");
    }
    if (given.length > 1) {
      throw new UnsupportedOperationException("Partition-based synchronisation is not supported: leave the value out");
    }
    super({
      ...defaultSettings(given[0] as readonly ModelClass[]),
      user,
      errorHandler: warn,
      syncClientResetStrategy: defaultStrategy,
      initialSubscriptions: null,
      initialRemoteData: null,
    });
  }

  /** Is told what goes wrong. By default a warning is logged. */
  errorHandler(errorHandler: ErrorHandler): this {
    return this.set({ errorHandler });
  }

  /**
   * What happens when the file has to start over. By default what was not uploaded is recovered, or discarded where
   * that cannot be.
   */
  syncClientResetStrategy(syncClientResetStrategy: SyncClientResetStrategy): this {
    return this.set({ syncClientResetStrategy });
  }

  /**
   * Opens when the server's data is here, that of the initial subscriptions too. `Realm.open` returns a promise then.
   *
   * @param timeout how long that may take, for ever by default; then opening fails with a
   * {@link DownloadingRealmTimeOutException}.
   */
  waitForInitialRemoteData(timeout: Duration | number = Duration.INFINITE): SyncConfigurationBuilder<true> {
    timeoutMsOf(timeout);
    this.set({ initialRemoteData: { timeout: durationOf(timeout) } });
    return this as unknown as SyncConfigurationBuilder<true>;
  }

  /** Subscribes when the file is new. */
  initialSubscriptions(callback: InitialSubscriptionsCallback): this;
  /** The same; with `rerunOnOpen` whenever the realm is opened. */
  initialSubscriptions(rerunOnOpen: boolean, callback: InitialSubscriptionsCallback): this;
  initialSubscriptions(first: boolean | InitialSubscriptionsCallback, second?: InitialSubscriptionsCallback): this {
    const [rerunOnOpen, callback] = typeof first === "function" ? [false, first] : [first, second];
    if (callback === undefined) throw new IllegalArgumentException("Initial subscriptions need a callback");
    return this.set({ initialSubscriptions: { callback, rerunOnOpen } });
  }

  /** @throws {@link UnsupportedOperationException} always: sessions need a file. */
  inMemory(): this {
    throw new UnsupportedOperationException("Synchronised realms in memory are not supported");
  }

  /** The configuration as it is set now. */
  build(): SyncConfiguration<Waits> {
    return new SyncConfiguration<Waits>(this.settings);
  }
}

/** Makes builders, whose models are checked. */
export interface SyncConfigurationBuilderClass {
  /** @throws {@link IllegalArgumentException} if the user is not logged in. */
  new <const S extends readonly ModelClass[]>(
    user: User,
    schema: S & CheckedModels<S>,
  ): SyncConfigurationBuilder<false>;
  /** @throws {@link UnsupportedOperationException}: partition-based synchronisation is not supported. */
  new (user: User, partitionValue: unknown, schema: readonly ModelClass[]): SyncConfigurationBuilder<false>;
}
