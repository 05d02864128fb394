/**
 * From callbacks to one collection of a flow: values wait here until the collector takes them.
 *
 * @module
 */

/** What a source of values calls. Nothing happens after `complete` or `fail`. */
export interface Emitter<T> {
  /** Whether the collector has not taken what it was given: one more value ends the collection. */
  readonly isFull: boolean;
  emit(value: T): void;
  complete(): void;
  fail(error: unknown): void;
}

/** Begins to give values; returns what ends that. Called once per collection, when the first value is asked for. */
export type FlowSource<T> = (emitter: Emitter<T>) => () => void;

/** How many values may wait, and what the collection fails with if there are more. */
export interface ChannelOptions {
  readonly capacity?: number;
  readonly overflow: () => Error;
}

/** Values that may wait for a collector, as many as in realm-kotlin. */
const defaultCapacity = 64;

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T>) => void;
  readonly reject: (error: unknown) => void;
}

/** One collection. */
export class Channel<T> implements AsyncIterator<T>, Emitter<T> {
  readonly #source: FlowSource<T>;
  readonly #options: ChannelOptions;
  readonly #values: T[] = [];
  #waiting: Waiting<T>[] = [];
  #stop: (() => void) | undefined;
  #isStarted = false;
  #end: { readonly error?: unknown } | undefined;

  constructor(source: FlowSource<T>, options: ChannelOptions) {
    this.#source = source;
    this.#options = options;
  }

  next(): Promise<IteratorResult<T>> {
    if (!this.#isStarted) this.#start();
    if (this.#values.length > 0) return Promise.resolve({ done: false, value: this.#values.shift() as T });
    if (this.#end !== undefined) return this.#ended(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** The end of the collection. An error is told once. */
  #ended(end: { readonly error?: unknown }): Promise<IteratorResult<T>> {
    this.#end = {};
    return "error" in end ? Promise.reject(end.error) : Promise.resolve({ done: true, value: undefined });
  }

  return(): Promise<IteratorResult<T>> {
    this.#isStarted = true;
    this.#values.length = 0;
    this.#finish({});
    return Promise.resolve({ done: true, value: undefined });
  }

  #start(): void {
    this.#isStarted = true;
    try {
      this.#stop = this.#source(this);
    } catch (error) {
      this.fail(error);
    }
    // The source may have ended it before it returned.
    if (this.#end !== undefined) this.#release();
  }

  #release(): void {
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.();
  }

  get isFull(): boolean {
    return this.#values.length >= (this.#options.capacity ?? defaultCapacity);
  }

  emit(value: T): void {
    if (this.#end !== undefined) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting.resolve({ done: false, value });
    if (this.isFull) return this.fail(this.#options.overflow());
    this.#values.push(value);
  }

  complete(): void {
    this.#finish({});
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#release();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) void this.#ended(this.#end).then(resolve, reject);
  }
}
