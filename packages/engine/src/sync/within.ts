/**
 * Waits that end early: after a time, or when the application wishes it. What is waited for goes on.
 *
 * @module
 */

import type { Clock } from "../host.js";

/** When to stop waiting. */
export interface WaitLimits {
  /** Milliseconds; absent: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait when it is aborted, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a promise has given. */
export interface Waited<T> {
  /** What it resolved with. */
  readonly value: T;
}

/**
 * Waits for a promise, or for the end of patience.
 *
 * @returns `undefined` if the time is over.
 * @throws what the promise rejects with, or the signal's reason.
 */
export async function within<T>(
  clock: Clock,
  promise: Promise<T>,
  { timeoutMs, signal }: WaitLimits,
): Promise<Waited<T> | undefined> {
  const waits: Promise<Waited<T> | undefined>[] = [promise.then((value) => ({ value }))];
  const ends: (() => void)[] = [];
  if (timeoutMs !== undefined) {
    const timeout = new Promise<undefined>((resolve) => {
      const timer = clock.setTimer(timeoutMs, () => resolve(undefined));
      ends.push(() => clock.clearTimer(timer));
    });
    waits.push(timeout);
  }
  if (signal !== undefined) {
    const cancelled = new Promise<never>((_, reject) => {
      const onAbort = (): void => reject(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort);
      ends.push(() => signal.removeEventListener("abort", onAbort));
    });
    waits.push(cancelled);
  }
  try {
    return await Promise.race(waits);
  } finally {
    for (const end of ends) end();
  }
}
