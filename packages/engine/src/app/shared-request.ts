/**
 * One request for all who want its answer at a time.
 *
 * @module
 */

/** A request under way. It is given up when the last of those who wait for it has gone. */
export class SharedRequest<T> {
  readonly #controller = new AbortController();
  readonly #answer: Promise<T>;
  #waiting = 0;

  constructor(begin: (signal: AbortSignal) => Promise<T>) {
    this.#answer = begin(this.#controller.signal);
  }

  /** @param signal tells that the caller wants the answer no more; if not given, it always does. */
  join(signal?: AbortSignal): Promise<T> {
    this.#waiting += 1;
    if (signal === undefined) return this.#answer;
    const leave = (): void => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#controller.abort(signal.reason);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave);
    return this.#answer.finally(() => signal.removeEventListener("abort", leave));
  }
}
