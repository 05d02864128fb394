/**
 * Futures: promises with the members of `std::future`.
 *
 * @module
 */

import { within } from "@tidemark/engine";
import { engine } from "./engine.js";
import { exception, mapError, okStatus, type status, statusOfError } from "./errors.js";

/** How waiting for a future ended, as `std::future_status`. */
export const future_status: Readonly<{ ready: "ready"; timeout: "timeout" }> = Object.freeze({
  ready: "ready",
  timeout: "timeout",
});
export type future_status = "ready" | "timeout";

/**
 * A promise that can be asked as `std::future` is. As there, a failure that nobody asks for is nobody's concern: it does
 * not end the process.
 */
export class future<T> extends Promise<T> {
  /** What `then` makes is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** The value; `await` it. Rejects with what went wrong. */
  get(): Promise<T> {
    return this.then((value) => value);
  }

  /** Resolves when the future has a value or a failure. */
  async wait(): Promise<void> {
    await this.then(
      () => undefined,
      () => undefined,
    );
  }

  /** The same, but not longer than some milliseconds. What is waited for goes on. */
  async wait_for(timeoutMs: number): Promise<future_status> {
    const done = await within(engine().host, this.wait(), { timeoutMs });
    return done === undefined ? future_status.timeout : future_status.ready;
  }
}

/** @internal A future for work that begins now; errors are mapped to the SDK's. */
export function futureOf<T>(begin: () => Promise<T>): future<T> {
  const made = new future<T>((resolve, reject) => {
    const fail = (error: unknown): void => reject(mapError(error));
    try {
      begin().then(resolve, fail);
    } catch (error) {
      fail(error);
    }
  });
  made.catch(() => undefined);
  return made;
}

/** @internal Calls back from a turn of the event loop of its own, so that what is thrown there is not swallowed. */
function callLater(call: () => void): void {
  engine().host.defer(call);
}

/** @internal Calls back with how work ended. */
export function callWithStatus(work: Promise<unknown>, callback: (result: status) => void): void {
  work.then(
    () => callLater(() => callback(okStatus)),
    (error: unknown) => callLater(() => callback(statusOfError(error))),
  );
}

/** @internal Calls back with a value, or with the error. */
export function callWithResult<T>(
  work: Promise<T>,
  callback: (value: T | undefined, error: exception | undefined) => void,
): void {
  work.then(
    (value) => callLater(() => callback(value, undefined)),
    (error: unknown) => {
      const mapped = mapError(error);
      const failure =
        mapped instanceof exception ? mapped : new exception("UnknownError", String(mapped), { cause: mapped });
      callLater(() => callback(undefined, failure));
    },
  );
}
