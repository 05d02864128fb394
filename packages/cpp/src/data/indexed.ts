/**
 * Access by index, `[0]`, as `operator[]`.
 *
 * @module
 */

const indexPattern = /^\d+$/;

/** What can be read, and perhaps written, by index. */
export interface Indexed {
  size(): number;
  at(index: number): unknown;
  set?(index: number, value: never): void;
}

/** The same with access by index. Its own members must not use private fields, which do not go through a proxy. */
export function withIndexes<C extends Indexed>(collection: C): C {
  return new Proxy(collection, {
    get: (target, key, receiver) =>
      typeof key === "string" && indexPattern.test(key) ? target.at(Number(key)) : Reflect.get(target, key, receiver),
    set: (target, key, value, receiver) => {
      if (typeof key !== "string" || !indexPattern.test(key)) return Reflect.set(target, key, value, receiver);
      if (target.set === undefined) return false;
      target.set(Number(key), value as never);
      return true;
    },
    has: (target, key) =>
      typeof key === "string" && indexPattern.test(key) ? Number(key) < target.size() : Reflect.has(target, key),
  });
}
