/**
 * Streams, as Dart has them: nothing happens until somebody listens, and only one may.
 *
 * @module
 */

import { StateError } from "./errors.js";

/** What a stream's source tells it. Nothing follows `close`. */
export interface StreamSink<T> {
  add(event: T): void;
  addError(error: unknown): void;
  close(): void;
}

/** Begins to feed a sink; the answer ends it. */
export type StreamSource<T> = (sink: StreamSink<T>) => () => void;

/** How to listen. */
export interface ListenOptions {
  /** Told of errors; without it they are thrown from a turn of their own. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Told of the end. */
  readonly onDone?: (() => void) | undefined;
  /** Whether the first error ends the subscription; not by default. */
  readonly cancelOnError?: boolean | undefined;
}

type Waiting<T> = { readonly event: T } | { readonly error: unknown } | "done";

/** A listener of a stream. */
export class StreamSubscription<T> {
  /** Takes events of this stream; their type stays out of the field, so that streams of more are streams of less. */
  #onData: ((event: never) => void) | undefined;
  #onError: ((error: unknown) => void) | undefined;
  #onDone: (() => void) | undefined;
  readonly #cancelsOnError: boolean;
  #end: (() => void) | undefined;
  #waiting: Waiting<unknown>[] = [];
  #pauses = 0;
  #isOver = false;

  /** @internal */
  constructor(source: StreamSource<T>, onData: ((event: T) => void) | undefined, options: ListenOptions) {
    this.#onData = onData;
    this.#onError = options.onError;
    this.#onDone = options.onDone;
    this.#cancelsOnError = options.cancelOnError ?? false;
    const end = source({
      add: (event) => this.#take({ event }),
      addError: (error) => this.#take({ error }),
      close: () => this.#take("done"),
    });
    if (this.#isOver) end();
    else this.#end = end;
  }

  /** Whether events are held back. */
  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** Replaces who is told of events. */
  onData(handler: ((event: T) => void) | undefined): void {
    this.#onData = handler;
  }

  /** Replaces who is told of errors. */
  onError(handler: ((error: unknown) => void) | undefined): void {
    this.#onError = handler;
  }

  /** Replaces who is told of the end. */
  onDone(handler: (() => void) | undefined): void {
    this.#onDone = handler;
  }

  /** Holds events back until {@link resume} is called as often. */
  pause(): void {
    if (!this.#isOver) this.#pauses += 1;
  }

  /** Takes back one {@link pause}; what was held back is delivered soon. */
  resume(): void {
    if (this.#pauses === 0) return;
    this.#pauses -= 1;
    if (this.#pauses === 0) queueMicrotask(() => this.#deliver());
  }

  /** Stops listening. No handler is called after this. */
  cancel(): Promise<void> {
    this.#finish();
    return Promise.resolve();
  }

  #finish(): void {
    this.#isOver = true;
    this.#waiting = [];
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }

  #take(one: Waiting<unknown>): void {
    if (this.#isOver) return;
    this.#waiting.push(one);
    if (!this.isPaused) this.#deliver();
  }

  #deliver(): void {
    while (!this.isPaused && !this.#isOver) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next === "done") {
        const onDone = this.#onDone;
        this.#finish();
        if (onDone !== undefined) guarded(onDone);
      } else if ("event" in next) {
        guarded(() => this.#onData?.(next.event as never));
      } else {
        const onError = this.#onError;
        if (this.#cancelsOnError) this.#finish();
        guarded(() => {
          if (onError === undefined) throw next.error;
          onError(next.error);
        });
      }
    }
  }
}

/** What a listener throws must not keep the others from being called, and must not be lost. */
function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** A stream of events. Also an `AsyncIterable`: `for await` listens, and stops listening when the loop is left. */
export class Stream<T> implements AsyncIterable<T> {
  readonly #source: StreamSource<T>;
  #isListened = false;

  /** @internal */
  constructor(source: StreamSource<T>) {
    this.#source = source;
  }

  /** Whether it may be listened to more than once. */
  get isBroadcast(): boolean {
    return false;
  }

  /**
   * Begins to listen.
   *
   * @throws {@link StateError} if somebody has listened before.
   */
  listen(onData?: (event: T) => void, options: ListenOptions = {}): StreamSubscription<T> {
    if (this.#isListened && !this.isBroadcast) throw new StateError("Stream has already been listened to.");
    this.#isListened = true;
    return new StreamSubscription(this.#source, onData, options);
  }

  /** The first event. Listens, and stops then. Rejects with {@link StateError} if there is none. */
  get first(): Promise<T> {
    return this.firstWhere(() => true);
  }

  /** The first event that passes a test. */
  async firstWhere(test: (event: T) => boolean): Promise<T> {
    let subscription: StreamSubscription<T> | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const onEvent = (event: T): void => {
          if (test(event)) resolve(event);
        };
        const onDone = (): void => reject(new StateError("No element"));
        subscription = this.listen(onEvent, { onError: reject, onDone, cancelOnError: true });
      });
    } finally {
      await subscription?.cancel();
    }
  }

  /** All events, once the stream has ended. */
  toList(): Promise<T[]> {
    return new Promise((resolve, reject) => {
      const events: T[] = [];
      const onDone = (): void => resolve(events);
      this.listen((event) => events.push(event), { onError: reject, onDone, cancelOnError: true });
    });
  }

  /** What a function makes of the events. */
  map<R>(convert: (event: T) => R): Stream<R> {
    return this.#derive(() => (event, sink) => sink.add(convert(event)));
  }

  /** The events that pass a test. */
  where(test: (event: T) => boolean): Stream<T> {
    return this.#derive(() => (event, sink) => {
      if (test(event)) sink.add(event);
    });
  }

  /** The first so many events. */
  take(count: number): Stream<T> {
    return this.#derive((derived) => {
      let left = count;
      if (left <= 0) derived.close();
      return (event, sink) => {
        left -= 1;
        sink.add(event);
        if (left <= 0) sink.close();
      };
    });
  }

  /** The events before the first that does not pass a test. */
  takeWhile(test: (event: T) => boolean): Stream<T> {
    return this.#derive(() => (event, sink) => {
      if (test(event)) sink.add(event);
      else sink.close();
    });
  }

  /** The events without the first so many. */
  skip(count: number): Stream<T> {
    return this.#derive(() => {
      let left = count;
      return (event, sink) => {
        left -= 1;
        if (left < 0) sink.add(event);
      };
    });
  }

  /** The events without those that equal the one before. */
  distinct(equals: (previous: T, next: T) => boolean = Object.is): Stream<T> {
    return this.#derive(() => {
      let previous: { readonly event: T } | undefined;
      return (event, sink) => {
        if (previous !== undefined && equals(previous.event, event)) return;
        previous = { event };
        sink.add(event);
      };
    });
  }

  /** The same events for any number of listeners, each from when it begins to listen. */
  asBroadcastStream(): Stream<T> {
    const sinks = new Set<StreamSink<T>>();
    let subscription: StreamSubscription<T> | undefined;
    let isOver = false;
    const each = (tell: (sink: StreamSink<T>) => void): void => {
      for (const sink of Array.from(sinks)) tell(sink);
    };
    return new BroadcastStream((sink) => {
      if (isOver) sink.close();
      else sinks.add(sink);
      subscription ??= this.listen((event) => each((one) => one.add(event)), {
        onError: (error) => each((one) => one.addError(error)),
        onDone: () => {
          isOver = true;
          each((one) => one.close());
        },
      });
      return () => sinks.delete(sink);
    });
  }

  /** @param begin makes for each listener what becomes of an event; what that throws is an error of the new stream. */
  #derive<R>(begin: (sink: StreamSink<R>) => (event: T, sink: StreamSink<R>) => void): Stream<R> {
    const source: StreamSource<R> = (sink) => {
      const take = begin(sink);
      const subscription = this.listen(
        (event) => {
          try {
            take(event, sink);
          } catch (error) {
            sink.addError(error);
          }
        },
        { onError: (error) => sink.addError(error), onDone: () => sink.close() },
      );
      return () => void subscription.cancel();
    };
    return this.isBroadcast ? new BroadcastStream(source) : new Stream(source);
  }

  /** Listens, for `for await`. */
  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined> {
    return new StreamIterator((onData, options) => this.listen(onData, options));
  }
}

interface Wanted<T> {
  readonly resolve: (result: IteratorResult<T, void>) => void;
  readonly reject: (error: unknown) => void;
}

/** One iteration. It listens with the first call of `next`, and unlike a generator can be left while it waits. */
class StreamIterator<T> implements AsyncIterator<T, void, undefined> {
  readonly #listen: Stream<T>["listen"];
  readonly #events: Waiting<T>[] = [];
  readonly #wanted: Wanted<T>[] = [];
  #subscription: StreamSubscription<T> | undefined;
  #isBegun = false;
  #isOver = false;

  constructor(listen: Stream<T>["listen"]) {
    this.#listen = listen;
  }

  next(): Promise<IteratorResult<T, void>> {
    if (!this.#isBegun) {
      try {
        this.#begin();
      } catch (error) {
        this.#leave();
        return Promise.reject(error);
      }
    }
    return new Promise((resolve, reject) => {
      this.#wanted.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<T, void>> {
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  #begin(): void {
    this.#isBegun = true;
    const push = (one: Waiting<T>): void => {
      this.#events.push(one);
      this.#serve();
    };
    this.#subscription = this.#listen((event) => push({ event }), {
      onError: (error) => push({ error }),
      onDone: () => push("done"),
    });
  }

  #leave(): void {
    this.#isBegun = true;
    this.#isOver = true;
    this.#events.length = 0;
    void this.#subscription?.cancel();
    this.#serve();
  }

  #serve(): void {
    while (this.#wanted.length > 0) {
      const next = this.#isOver ? "done" : this.#events.shift();
      if (next === undefined) return;
      if (next === "done") this.#isOver = true;
      const wanted = this.#wanted.shift();
      if (next === "done") wanted?.resolve({ done: true, value: undefined });
      else if ("event" in next) wanted?.resolve({ done: false, value: next.event });
      else {
        wanted?.reject(next.error);
        this.#leave();
      }
    }
  }
}

/** A stream that any number may listen to, each from when it begins. */
export class BroadcastStream<T> extends Stream<T> {
  /** Always true. */
  override get isBroadcast(): boolean {
    return true;
  }
}
