/**
 * Giving up a wait.
 *
 * @module
 */

import { type Clock, within } from "@tidemark/engine";
import { type Duration, millisecondsOf } from "./duration.js";
import { CancelledException, TimeoutException } from "./errors.js";

/** Ends the waits that were given it. One token may serve many waits. */
export class CancellationToken {
  readonly #controller = new AbortController();

  /** Ends the waits with an exception, {@link CancelledException} if none is given. Later calls do nothing. */
  cancel(exception: Error = new CancelledException()): void {
    this.#controller.abort(exception);
  }

  /** Whether it was cancelled. */
  get isCancelled(): boolean {
    return this.#controller.signal.aborted;
  }

  /** What the waits end with; `null` before. */
  get exception(): Error | null {
    return this.isCancelled ? (this.#controller.signal.reason as Error) : null;
  }

  /** The same as the platform's own signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
}

const timerMsMax = 2 ** 31 - 1;

/** A token that cancels itself after a time, with a {@link TimeoutException}. It does not keep the process alive. */
export class TimeoutCancellationToken extends CancellationToken {
  /** @param duration a number counts milliseconds. */
  constructor(duration: Duration, { timeoutException }: { readonly timeoutException?: Error } = {}) {
    super();
    const timeoutMs = Math.ceil(Math.max(0, millisecondsOf(duration)));
    // The platform's timers count no further: such a token is cancelled by hand alone.
    if (timeoutMs > timerMsMax) return;
    const timeout = AbortSignal.timeout(timeoutMs);
    timeout.addEventListener("abort", () => this.cancel(timeoutException ?? new TimeoutException()), { once: true });
  }
}

/** What ends a wait: a token, or the platform's own signal. */
export type Cancellation = CancellationToken | AbortSignal;

/** What a cancelled wait ends with. */
function exceptionOf(cancellation: Cancellation): unknown {
  if (cancellation instanceof CancellationToken) return cancellation.exception;
  const reason: unknown = cancellation.reason;
  // A signal's own reasons say no more than that it was aborted, or that its time was over.
  if (!(reason instanceof DOMException)) return reason;
  if (reason.name === "TimeoutError") return new TimeoutException();
  return reason.name === "AbortError" ? new CancelledException() : reason;
}

/** @throws what a token that is cancelled already holds. */
export function throwIfCancelled(cancellation: Cancellation | undefined): void {
  const signal = cancellation instanceof CancellationToken ? cancellation.signal : cancellation;
  if (cancellation !== undefined && signal?.aborted === true) throw exceptionOf(cancellation);
}

/** Waits for a promise until a token is cancelled. What is waited for goes on. */
export async function untilCancelled<T>(
  clock: Clock,
  promise: Promise<T>,
  cancellation: Cancellation | undefined,
): Promise<T> {
  if (cancellation === undefined) return promise;
  const signal = cancellation instanceof CancellationToken ? cancellation.signal : cancellation;
  const settled = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  let done;
  try {
    done = await within(clock, settled, { signal });
  } catch {
    // Only the signal rejects.
    throw exceptionOf(cancellation);
  }
  if (done === undefined) throw new TimeoutException();
  if ("error" in done.value) throw done.value.error;
  return done.value.value;
}
