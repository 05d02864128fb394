/**
 * Flows: streams that begin anew with every collection, as Kotlin's cold `Flow`.
 *
 * @module
 */

import { IllegalStateException, NoSuchElementException } from "../errors.js";
import { Channel, type ChannelOptions, type Emitter, type FlowSource } from "./channel.js";
import { DerivedIterator, type Passed } from "./derived.js";

/**
 * Values over time. Nothing happens before somebody collects: by {@link collect}, another method that returns a
 * promise, or `for await`. Leaving the loop, or a callback that throws, ends the collection; the flow may be collected
 * again, by several at once too.
 */
export class Flow<T> implements AsyncIterable<T> {
  readonly #iterate: () => AsyncIterator<T>;

  /** @internal */
  constructor(iterate: () => AsyncIterator<T>) {
    this.#iterate = iterate;
  }

  /** @internal A flow whose values come from callbacks. */
  static from<T>(source: FlowSource<T>, options: ChannelOptions): Flow<T> {
    return new Flow(() => new Channel(source, options));
  }

  /** Begins to collect, for `for await`. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#iterate();
  }

  /** Calls back with each value, waiting for the promise if one is returned. Resolves when the flow completes. */
  async collect(collector: (value: T) => void | Promise<void>): Promise<void> {
    for await (const value of this) await collector(value);
  }

  /**
   * The first value, or the first that satisfies.
   *
   * @throws {@link NoSuchElementException} if the flow completes before.
   */
  async first(predicate: (value: T) => boolean = () => true): Promise<T> {
    for await (const value of this) if (predicate(value)) return value;
    throw new NoSuchElementException("Expected at least one element matching the predicate");
  }

  /** The first value, or null if the flow completes before. */
  async firstOrNull(predicate: (value: T) => boolean = () => true): Promise<T | null> {
    for await (const value of this) if (predicate(value)) return value;
    return null;
  }

  /**
   * The last value, when the flow has completed.
   *
   * @throws {@link NoSuchElementException} if there was none.
   */
  async last(): Promise<T> {
    const values = await this.toArray();
    const last = values.at(-1);
    if (values.length === 0) throw new NoSuchElementException("Expected at least one element");
    return last as T;
  }

  /** All values, when the flow has completed. Kotlin's `toList`. */
  async toArray(): Promise<T[]> {
    const values: T[] = [];
    for await (const value of this) values.push(value);
    return values;
  }

  /** The first so many values; then the flow completes. */
  take(count: number): Flow<T> {
    if (count <= 0) return nothing;
    return this.#derive(() => {
      let left = count;
      return (value) => {
        left -= 1;
        return { values: [value], isLast: left <= 0 };
      };
    });
  }

  /** Values until one does not satisfy; that one is left out. */
  takeWhile(predicate: (value: T) => boolean): Flow<T> {
    return this.#derive(() => (value) => (predicate(value) ? { values: [value] } : { values: [], isLast: true }));
  }

  /** What a function makes of the values, waiting for the promise if it returns one. */
  map<R>(transform: (value: T) => R | Promise<R>): Flow<R> {
    return this.#derive<R>(() => async (value) => ({ values: [await transform(value)] }));
  }

  /** The values that satisfy. */
  filter<S extends T>(predicate: (value: T) => value is S): Flow<S>;
  /** The values that satisfy. */
  filter(predicate: (value: T) => boolean): Flow<T>;
  filter(predicate: (value: T) => boolean): Flow<T> {
    return this.#derive(() => (value) => ({ values: predicate(value) ? [value] : [] }));
  }

  /** @param begin makes for each collection what becomes of its values. */
  #derive<R>(begin: () => (value: T) => Passed<R> | Promise<Passed<R>>): Flow<R> {
    return new Flow(() => new DerivedIterator(this.#iterate(), begin()));
  }

  /**
   * Takes values out of the flow as they come, so that more of them may wait for a slow collector.
   *
   * @param capacity how many; without end by default. One more fails with an {@link IllegalStateException}.
   */
  buffer(capacity: number = Number.POSITIVE_INFINITY): Flow<T> {
    return Flow.from<T>((emitter) => pump(this, emitter), {
      capacity,
      overflow: () => new IllegalStateException(`More than ${capacity} values wait for the collector of a flow`),
    });
  }

  /** Calls back with each value on its way. */
  onEach(action: (value: T) => void | Promise<void>): Flow<T> {
    return this.map(async (value) => {
      await action(value);
      return value;
    });
  }
}

/** A flow that completes at once. */
const nothing: Flow<never> = new Flow<never>(() => ({ next: async () => ({ done: true, value: undefined }) }));

/** Hands all values of a flow on; returns what ends that. */
function pump<T>(flow: Flow<T>, emitter: Emitter<T>): () => void {
  const iterator = flow[Symbol.asyncIterator]();
  const run = async (): Promise<void> => {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) emitter.emit(next.value);
  };
  void run().then(
    () => emitter.complete(),
    (error: unknown) => emitter.fail(error),
  );
  return () => void iterator.return?.();
}
