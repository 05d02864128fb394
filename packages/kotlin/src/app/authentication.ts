/**
 * Users that come and go, as a flow shared by all who collect it.
 *
 * @module
 */

import { IllegalStateException } from "../errors.js";
import type { Emitter } from "../flow/channel.js";
import { Flow } from "../flow/flow.js";
import type { User } from "./user.js";

/** A user has logged in. */
export class LoggedIn {
  /** Tells the changes apart. */
  readonly kind = "LoggedIn" as const;
  /** Who it is. */
  readonly user: User;

  /** @internal */
  constructor(user: User) {
    this.user = user;
  }
}

/** A user has logged out, or was logged out by the server. */
export class LoggedOut {
  /** Tells the changes apart. */
  readonly kind = "LoggedOut" as const;
  /** Who it is. */
  readonly user: User;

  /** @internal */
  constructor(user: User) {
    this.user = user;
  }
}

/** A user was forgotten on this device. */
export class Removed {
  /** Tells the changes apart. */
  readonly kind = "Removed" as const;
  /** Who it was. */
  readonly user: User;

  /** @internal */
  constructor(user: User) {
    this.user = user;
  }
}

/** What became of a user. */
export type AuthenticationChange = LoggedIn | LoggedOut | Removed;

/** Changes that may wait for a collector, as many as in realm-kotlin. */
const capacity = 8;

const blocked =
  "It wasn't possible to emit authentication changes because a consuming flow was blocked. Increase dispatcher " +
  "processing resources or buffer `App.authenticationChangeAsFlow()` with buffer(...).";

/** Hands changes to all collectors. */
export class AuthenticationChanges {
  readonly #emitters = new Set<Emitter<AuthenticationChange>>();
  #isBlocked = false;
  #isComplete = false;

  /** Without the past: a collector hears of what comes after it began. */
  readonly flow: Flow<AuthenticationChange> = Flow.from<AuthenticationChange>(
    (emitter) => {
      if (this.#isComplete) emitter.complete();
      else this.#emitters.add(emitter);
      return () => {
        this.#emitters.delete(emitter);
      };
    },
    { capacity, overflow: () => new IllegalStateException(blocked) },
  );

  /** Hands a change to all collectors; to none if one of them could not be told. */
  emit(change: AuthenticationChange): void {
    if (Array.from(this.#emitters).some(({ isFull }) => isFull)) {
      this.#isBlocked = true;
      return;
    }
    for (const emitter of Array.from(this.#emitters)) emitter.emit(change);
  }

  /** @throws {@link IllegalStateException} if a collector has not taken what it was to be told. */
  requireTaken(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    throw new IllegalStateException(blocked);
  }

  /** Ends all collections, those that begin later too. */
  complete(): void {
    this.#isComplete = true;
    for (const emitter of Array.from(this.#emitters)) emitter.complete();
  }
}
