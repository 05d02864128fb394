/**
 * Futures: promises with the members of `std::future`.
 *
 * @module
 */

import { within } from "@tidemark/engine";
import { engine } from "./engine.js";
import { exception, mapError, okStatus, type status, statusOfError } from "./errors.js";

/** How waiting for a future ended, as `std::future_status`. */
export const future_status: Readonly<{
  /** There is a value, or a failure. */
  ready: "ready";
  /** There is none yet. */
  timeout: "timeout";
}> = Object.freeze({
  ready: "ready",
  timeout: "timeout",
});
/** How waiting for a future ended. */
export type future_status = "ready" | "timeout";

/**
 * A promise that can be asked as `std::future` is. As there, a failure that nobody asks for is nobody's concern: it
 * does not end the process.
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

/**
 * @internal Calls back with how work ended, from a turn of the event loop of its own, so that what the callback throws
 * is not taken for a failure of the work.
 */
export async function callWithStatus(work: Promise<unknown>, callback: (result: status) => void): Promise<void> {
  let result = okStatus;
  try {
    await work;
  } catch (error) {
    result = statusOfError(error);
  }
  engine().host.defer(() => callback(result));
}

/** @internal Calls back with a value, or with the error; as {@link callWithStatus}. */
export async function callWithResult<T>(
  work: Promise<T>,
  callback: (value: T | undefined, error: exception | undefined) => void,
): Promise<void> {
  let value: T | undefined;
  let failure: exception | undefined;
  try {
    value = await work;
  } catch (error) {
    const mapped = mapError(error);
    failure = mapped instanceof exception ? mapped : new exception("UnknownError", String(mapped), { cause: mapped });
  }
  engine().host.defer(() => callback(value, failure));
}
