/**
 * Access by index, `list[0]`, for ordered collections of facades.
 *
 * @module
 */

/** What an index stands for. */
export interface IndexAccess {
  /**
   * What is at an index.
   *
   * @param index may be beyond the end, or negative.
   */
  read(index: number): unknown;
  /** Assigns; may throw. */
  write(index: number, value: unknown): void;
}

/** What has a length. */
export interface Counted {
  /** How many elements there are. */
  readonly length: number;
}

const proxied = new WeakMap<object, object>();
const boundMethods = new WeakMap<object, Map<unknown, unknown>>();
const indexPattern = /^-?\d+$/;

/** The collection with access by index: what the application holds. */
export function withIndexes<C extends Counted>(collection: C, access: IndexAccess): C {
  const proxy = new Proxy(collection, {
    get(target, key) {
      if (typeof key === "string" && indexPattern.test(key)) return access.read(Number(key));
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" && key !== "constructor" ? bound(target, proxy, value) : value;
    },
    set(target, key, value) {
      if (typeof key === "string" && indexPattern.test(key)) {
        access.write(Number(key), value);
        return true;
      }
      return Reflect.set(target, key, value, target);
    },
    has: (target, key) =>
      typeof key === "string" && indexPattern.test(key)
        ? Number(key) >= 0 && Number(key) < target.length
        : Reflect.has(target, key),
    ownKeys: (target) => Array.from({ length: target.length }, (_, index) => String(index)),
    getOwnPropertyDescriptor: (target, key) =>
      typeof key === "string" && indexPattern.test(key) && Number(key) < target.length
        ? { configurable: true, enumerable: true, writable: true, value: access.read(Number(key)) }
        : Reflect.getOwnPropertyDescriptor(target, key),
  });
  proxied.set(collection, proxy);
  return proxy;
}

/** What the application holds of a collection that {@link withIndexes} was made for. */
export function indexedForm<C extends object>(collection: C): C {
  return (proxied.get(collection) ?? collection) as C;
}

/** Methods run on the collection itself, since private fields do not go through a proxy. */
function bound(target: object, proxy: object, method: unknown): unknown {
  let methods = boundMethods.get(target);
  if (methods === undefined) {
    methods = new Map();
    boundMethods.set(target, methods);
  }
  let made = methods.get(method);
  if (made === undefined) {
    made = (...values: unknown[]): unknown => {
      const result: unknown = (method as (...values: unknown[]) => unknown).apply(target, values);
      return result === target ? proxy : result;
    };
    methods.set(method, made);
  }
  return made;
}
