/**
 * Where users, refresh sessions and the server's key are kept.
 *
 * @module
 */

/** One change: a value, or `null` to remove the key. */
export interface KeyValueChange {
  /** The key. */
  readonly key: string;
  /** The new value; `null` removes it. */
  readonly value: Uint8Array | null;
}

/** A key with its value. */
export interface KeyValueEntry {
  /** The key. */
  readonly key: string;
  /** Its value. */
  readonly value: Uint8Array;
}

/** A small ordered store of bytes by text keys. */
export interface KeyValue {
  /** The value of a key; `null` if there is none. */
  get(key: string): Promise<Uint8Array | null>;
  /** Entries whose key begins with a prefix, in order of the keys. */
  list(prefix: string): Promise<readonly KeyValueEntry[]>;
  /** Makes all changes or none; they are durable when it resolves. */
  write(changes: readonly KeyValueChange[]): Promise<void>;
  /** Lets go of the store. */
  close(): Promise<void>;
}

/** Keeps everything in memory: for tests and for servers without a data directory. */
export class MemoryKeyValue implements KeyValue {
  readonly #entries = new Map<string, Uint8Array>();

  get(key: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.#entries.get(key)?.slice() ?? null);
  }

  list(prefix: string): Promise<readonly KeyValueEntry[]> {
    const found = [...this.#entries]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value: value.slice() }));
    return Promise.resolve(found);
  }

  write(changes: readonly KeyValueChange[]): Promise<void> {
    for (const { key, value } of changes) {
      if (value === null) this.#entries.delete(key);
      else this.#entries.set(key, value.slice());
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads a value that was written by {@link jsonChange}. */
export async function getJson<T>(store: KeyValue, key: string): Promise<T | null> {
  const value = await store.get(key);
  return value === null ? null : (JSON.parse(decoder.decode(value)) as T);
}

/** Reads all such values below a prefix. */
export async function listJson<T>(store: KeyValue, prefix: string): Promise<{ key: string; value: T }[]> {
  const found = await store.list(prefix);
  return found.map(({ key, value }) => ({ key, value: JSON.parse(decoder.decode(value)) as T }));
}

/** A change that stores a value as JSON. */
export function jsonChange(key: string, value: unknown): KeyValueChange {
  return { key, value: encoder.encode(JSON.stringify(value)) };
}
