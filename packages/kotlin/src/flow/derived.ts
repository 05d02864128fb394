/**
 * Flows made of other flows: what becomes of each value on its way to one collection.
 *
 * @module
 */

/** What becomes of a value: another one, or nothing; and whether the collection ends with it. */
export interface Passed<R> {
  readonly values: readonly [R] | readonly [];
  readonly isLast?: boolean;
}

/**
 * One collection of a flow that is made of another one. Unlike a generator it can be left while it waits: the
 * collection of the other flow ends at once, instead of with its next value.
 */
export class DerivedIterator<T, R> implements AsyncIterator<R> {
  readonly #source: AsyncIterator<T>;
  readonly #pass: (value: T) => Passed<R> | Promise<Passed<R>>;
  #running: Promise<unknown> | undefined;
  #isOver = false;

  constructor(source: AsyncIterator<T>, pass: (value: T) => Passed<R> | Promise<Passed<R>>) {
    this.#source = source;
    this.#pass = pass;
  }

  /** One value after the other, also for a collector that asks for many at once. */
  next(): Promise<IteratorResult<R>> {
    const before = this.#running;
    const next = before === undefined ? this.#next() : before.then(() => this.#next());
    const onEnd = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    const running: Promise<void> = next.then(onEnd, onEnd);
    this.#running = running;
    return next;
  }

  async #next(): Promise<IteratorResult<R>> {
    while (!this.#isOver) {
      const given = await this.#source.next();
      if (given.done === true) break;
      const { values, isLast } = await this.#passed(given.value);
      if (this.#isOver) break;
      if (isLast === true) await this.return();
      for (const value of values) return { done: false, value };
    }
    this.#isOver = true;
    return { done: true, value: undefined };
  }

  async #passed(value: T): Promise<Passed<R>> {
    try {
      return await this.#pass(value);
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<R>> {
    this.#isOver = true;
    await this.#source.return?.();
    return { done: true, value: undefined };
  }
}
