/**
 * Callbacks that must be through when they return.
 *
 * @module
 */

/** Whether a function that was called was async. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/**
 * Refuses what an async callback returned where the rest of it would come too late.
 *
 * @throws what is made, if the result is a promise. What that rejects with follows from it, and is not told again.
 */
export function refuseAsync(result: unknown, makeError: () => Error): void {
  if (!isPromiseLike(result)) return;
  void Promise.resolve(result).catch(() => undefined);
  throw makeError();
}
