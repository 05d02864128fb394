/**
 * Listeners of one object or collection of the SDK.
 *
 * @module
 */

import type { KeyPaths } from "@tidemark/engine";

/** Callbacks with what ends them. */
export class ListenerMap<Callback> {
  readonly #ends = new Map<Callback, () => void>();

  /** @throws if the callback is registered already. */
  add(callback: Callback, begin: () => () => void): void {
    if (this.#ends.has(callback)) throw new Error("Remove callback before adding it again");
    this.#ends.set(callback, begin());
  }

  has(callback: Callback): boolean {
    return this.#ends.has(callback);
  }

  remove(callback: Callback): void {
    this.#ends.get(callback)?.();
    this.#ends.delete(callback);
  }

  clear(): void {
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
  }
}

/** Key paths as the engine takes them: one may come alone. */
export function keyPathsOf(keyPaths: string | readonly string[] | undefined): KeyPaths {
  return typeof keyPaths === "string" ? [keyPaths] : keyPaths;
}
