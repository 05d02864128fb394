/**
 * Collections of objects that no realm manages yet: the same calls as those of the engine, over memory.
 *
 * @module
 */

import { isSame } from "./same.js";

/** A list in memory. */
export class MemoryList {
  readonly #values: unknown[];

  constructor(values: Iterable<unknown>) {
    this.#values = [...values];
  }

  get length(): number {
    return this.#values.length;
  }

  isValid(): boolean {
    return true;
  }

  get(index: number): unknown {
    return this.#values[index];
  }

  set(index: number, value: unknown): void {
    this.#values[index] = value;
  }

  insert(index: number, value: unknown): void {
    this.#values.splice(index, 0, value);
  }

  erase(index: number): void {
    this.#values.splice(index, 1);
  }

  move(from: number, to: number): void {
    this.#values.splice(to, 0, ...this.#values.splice(from, 1));
  }

  clear(): void {
    this.#values.length = 0;
  }
}

/** A set in memory. */
export class MemorySet {
  #values: unknown[] = [];

  constructor(values: Iterable<unknown>) {
    for (const value of values) this.add(value);
  }

  get length(): number {
    return this.#values.length;
  }

  isValid(): boolean {
    return true;
  }

  get(index: number): unknown {
    return this.#values[index];
  }

  has(value: unknown): boolean {
    return this.#values.some((one) => isSame(one, value));
  }

  add(value: unknown): void {
    if (!this.has(value)) this.#values.push(value);
  }

  erase(value: unknown): boolean {
    const before = this.#values.length;
    this.#values = this.#values.filter((one) => !isSame(one, value));
    return this.#values.length < before;
  }

  clear(): void {
    this.#values = [];
  }
}

/** The entries of what a map can be made of. */
export function entriesOf(value: unknown): Iterable<readonly [string, unknown]> {
  if (value === null || value === undefined) return [];
  if (typeof value === "object" && Symbol.iterator in value) return value as Iterable<readonly [string, unknown]>;
  return Object.entries(value);
}

/** A map in memory. */
export class MemoryMap {
  readonly #values: Map<string, unknown>;

  constructor(entries: Iterable<readonly [string, unknown]>) {
    this.#values = new Map(entries);
  }

  get size(): number {
    return this.#values.size;
  }

  isValid(): boolean {
    return true;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  set(key: string, value: unknown): void {
    this.#values.set(key, value);
  }

  erase(key: string): boolean {
    return this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }
}
