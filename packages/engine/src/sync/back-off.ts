/**
 * How long to wait before the next attempt.
 *
 * @module
 */

/** Delays of one kind of attempt. */
export interface BackOffSettings {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly multiplier: number;
}

/** The part of a delay that chance may take away, so that clients do not come back all at once. */
const jitterShare = 0.25;

/** Grows while the reason stays the same, and begins anew with another reason. */
export class BackOff {
  #settings: BackOffSettings;
  #reason: string | undefined;
  #delayMs = 0;

  constructor(settings: BackOffSettings) {
    this.#settings = settings;
  }

  /** The delay after a failure. `overrides` are what the server asks for. */
  next(reason: string, random: () => number, overrides?: BackOffSettings): number {
    const { initialMs, maxMs, multiplier } = overrides ?? this.#settings;
    this.#delayMs = reason === this.#reason ? Math.min(this.#delayMs * multiplier, maxMs) : Math.min(initialMs, maxMs);
    this.#reason = reason;
    return Math.round(this.#delayMs * (1 - jitterShare * random()));
  }

  /** Forgets all failures. */
  reset(): void {
    this.#reason = undefined;
    this.#delayMs = 0;
  }
}
