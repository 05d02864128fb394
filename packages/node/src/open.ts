/**
 * `Realm.open`: opens a realm, after downloading if the configuration says so.
 *
 * @module
 */

import { within } from "@tidemark/engine";
import type { Configuration, OpenRealmBehaviorConfiguration } from "./configuration.js";
import { OpenRealmBehaviorType, OpenRealmTimeOutBehavior } from "./enums.js";
import { engine } from "./engine.js";
import { settle, TimeoutError } from "./errors.js";
import type { ProgressNotificationCallback } from "./sync/sync-session.js";
import type { Realm } from "./realm.js";

/** What opening needs of the Realm class, which knows this module. */
export interface RealmOpener {
  /** @throws if the configuration is wrong. */
  check(given: Configuration | string | undefined): Configuration;
  open(configuration: Configuration): Realm;
  exists(configuration: Configuration): boolean;
  pathOf(configuration: Configuration): string;
}

const defaultBehavior: OpenRealmBehaviorConfiguration = {
  type: OpenRealmBehaviorType.DownloadBeforeOpen,
  timeOut: 30_000,
  timeOutBehavior: OpenRealmTimeOutBehavior.ThrowException,
};

/** Opens under way, by file: cancelling one cancels all of its file. */
const pending = new Map<string, Set<() => void>>();

function behaviorOf(opener: RealmOpener, configuration: Configuration): OpenRealmBehaviorConfiguration {
  const { sync } = configuration;
  if (sync === undefined || configuration.openSyncedRealmLocally === true) {
    return { type: OpenRealmBehaviorType.OpenImmediately };
  }
  const given = opener.exists(configuration) ? sync.existingRealmFileBehavior : sync.newRealmFileBehavior;
  return given ?? defaultBehavior;
}

/** The promise of a realm that is being opened: with the progress of its download, and to be cancelled. */
export class ProgressRealmPromise implements Promise<Realm> {
  readonly #promise: Promise<Realm>;
  readonly #callbacks = new Set<ProgressNotificationCallback>();
  #realm: Realm | undefined;
  #cancel: () => void = () => undefined;
  #cancelAll: () => void = () => undefined;

  /** @internal */
  constructor(opener: RealmOpener, given: Configuration | string | undefined) {
    this.#promise = this.#open(opener, given);
    // A cancelled open that nobody waits for is not worth the end of the process.
    this.#promise.catch(() => undefined);
  }

  /** The name of the class. */
  get [Symbol.toStringTag](): string {
    return "ProgressRealmPromise";
  }

  async #open(opener: RealmOpener, given: Configuration | string | undefined): Promise<Realm> {
    // Here, so that what is wrong rejects as everything else does.
    const configuration = opener.check(given);
    const behavior = behaviorOf(opener, configuration);
    if (behavior.type === OpenRealmBehaviorType.OpenImmediately) return opener.open(configuration);
    const { timeOut, timeOutBehavior } = behavior;
    if (timeOut !== undefined && timeOutBehavior === undefined) {
      throw new Error(
        `Invalid 'timeOutBehavior': '${String(timeOutBehavior)}'. Only 'throwException' and 'openLocalRealm' is allowed.`,
      );
    }
    const path = opener.pathOf(configuration);
    const realm = opener.open(configuration);
    this.#realm = realm;
    const removeProgress = this.#listen(realm);
    try {
      const download = Promise.race([settle(realm.internal.download()), this.#cancelled(path)]);
      const done = await within(engine().host, download, { timeoutMs: timeOut });
      if (done !== undefined || timeOutBehavior === OpenRealmTimeOutBehavior.OpenLocalRealm) return realm;
      throw new TimeoutError(`Timed out: Realm could not be downloaded in the allocated time: ${String(timeOut)} ms.`);
    } catch (error) {
      realm.close();
      throw error;
    } finally {
      removeProgress();
      this.#finish(path);
    }
  }

  #cancelled(path: string): Promise<never> {
    const opens = pending.get(path) ?? new Set();
    pending.set(path, opens);
    this.#cancelAll = () => {
      for (const cancel of Array.from(opens)) cancel();
    };
    return new Promise((_, reject) => {
      this.#cancel = () => reject(new Error("Async open canceled"));
      opens.add(this.#cancel);
    });
  }

  #finish(path: string): void {
    const opens = pending.get(path);
    opens?.delete(this.#cancel);
    if (opens?.size === 0) pending.delete(path);
    this.#callbacks.clear();
    this.#cancelAll = () => undefined;
  }

  #listen(realm: Realm): () => void {
    const session = realm.internal.sync?.session;
    if (session === undefined) return () => undefined;
    return session.addProgressListener("download", "indefinite", ({ transferred, transferable, estimate }) => {
      for (const callback of this.#callbacks) {
        if (callback.length === 1) (callback as (estimate: number) => void)(estimate);
        else callback(transferred, transferable);
      }
    });
  }

  /** Gives up, together with every other open of the same file that is under way. */
  cancel(): void {
    this.#cancelAll();
    this.#callbacks.clear();
  }

  /**
   * Has a callback told of the download. It is called once before this returns, with 1 or with 0 of 0 bytes, as in the
   * SDK.
   *
   * @returns the promise.
   */
  progress(callback: ProgressNotificationCallback): this {
    if (this.#realm !== undefined) this.#callbacks.add(callback);
    if (callback.length === 1) (callback as (estimate: number) => void)(1);
    else callback(0, 0);
    return this;
  }

  /** As of any promise. */
  // oxlint-disable-next-line unicorn/no-thenable
  then<A = Realm, B = never>(
    onfulfilled?: ((value: Realm) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise.then(onfulfilled, onrejected);
  }

  /** As of any promise. */
  catch<B = never>(onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Realm | B> {
    return this.#promise.catch(onrejected);
  }

  /** As of any promise. */
  finally(onfinally?: (() => void) | null): Promise<Realm> {
    return this.#promise.finally(onfinally);
  }
}
