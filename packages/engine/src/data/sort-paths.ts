/**
 * Orders by properties that an SDK takes as names, and not as a part of a query: what they may name, with the texts of
 * the original's errors.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import type { Order, Results } from "./results.js";
import type { Column } from "./schema.js";
import type { ValueResults } from "./value-results.js";

/** What elements that are no objects are sorted by. */
const ownValue = "self";

/** Types by the names of the original's errors. */
const typeNames: Readonly<Record<string, string>> = {
  link: "object",
  binary: "data",
  timestamp: "date",
  decimal: "decimal128",
  objectId: "object id",
};

function typeName({ type, collection }: Column): string {
  if (collection === "list") return "array";
  if (collection !== "single") return collection;
  return typeNames[type] ?? type;
}

/**
 * Objects in an order: by the first key path, where that is equal by the next.
 *
 * @throws {@link EngineError} `invalid-argument` for a path that names what is not there or has no order.
 */
export function sortedByPaths(results: Results, orders: readonly Order[]): Results {
  for (const { keyPath } of orders) checkSortPath(results, keyPath);
  return results.sorted(orders);
}

function checkSortPath({ database, layout }: Results, keyPath: string): void {
  const refuse = (reason: string): never => {
    throw new EngineError("invalid-argument", `Cannot sort on key path '${keyPath}': ${reason}.`);
  };
  const names = keyPath.split(".");
  let current = layout;
  names.forEach((name, index) => {
    if (name === "") refuse("missing property name");
    const column = current.columnByPublicName(name);
    const full = `property '${current.name}.${name}'`;
    if (column === undefined) {
      const isComputed = current.declaration.backlinks.some(({ publicName }) => publicName === name);
      return refuse(isComputed ? `${full} is of unsupported type 'linking objects'` : `${full} does not exist`);
    }
    if (column.collection !== "single") return refuse(`${full} is of unsupported type '${typeName(column)}'`);
    const isLast = index === names.length - 1;
    const target = column.type === "link" ? database.storedLayout(column.target ?? "") : undefined;
    if (isLast && target !== undefined) {
      return refuse(`${full} of type 'object' cannot be the final property in the key path`);
    }
    if (!isLast && target === undefined) {
      return refuse(`${full} of type '${typeName(column)}' may only be the final property in the key path`);
    }
    current = target ?? current;
  });
}

/**
 * Values in an order of their own, which goes by the name `self`.
 *
 * @throws {@link EngineError} `invalid-argument` for any other name, and for several.
 */
export function sortedByThemselves(values: ValueResults, orders: readonly Order[]): ValueResults {
  const [order] = orders;
  if (order === undefined) return values;
  const type = typeName({ ...values.column, collection: "single" });
  if (orders.length > 1) {
    throw new EngineError("invalid-argument", `Cannot sort array of '${type}' on more than one key path`);
  }
  if (order.keyPath !== ownValue) {
    throw new EngineError(
      "invalid-argument",
      `Cannot sort on key path '${order.keyPath}': arrays of '${type}' can only be sorted on '${ownValue}'`,
    );
  }
  return values.sorted(order.isDescending);
}
