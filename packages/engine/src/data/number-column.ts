/**
 * What the numbers of a column come to, straight from their packed bytes.
 *
 * @module
 */

import { tag } from "../values/tags.js";
import type { Page } from "../values/unpack.js";
import type { Aggregate } from "./results.js";

const two32 = 4_294_967_296;

/** What numbers come to, one after the other. */
class Running {
  #count = 0;
  #sum = 0;
  #least = 0;
  #greatest = 0;

  add(value: number): void {
    if (this.#count === 0) {
      this.#least = value;
      this.#greatest = value;
    } else {
      if (value < this.#least) this.#least = value;
      if (value > this.#greatest) this.#greatest = value;
    }
    this.#count += 1;
    this.#sum += value;
  }

  result(kind: Aggregate): number | undefined {
    if (kind === "sum") return this.#sum;
    if (this.#count === 0) return undefined;
    if (kind === "avg") return this.#sum / this.#count;
    return kind === "min" ? this.#least : this.#greatest;
  }
}

/**
 * What packed numbers come to, nulls left out: the same as of their values one by one.
 *
 * @returns `undefined` if there is anything but numbers that JavaScript's hold exactly; otherwise the result, which is
 * `undefined` if there is no number.
 */
export function aggregateOfNumbers(
  kind: Aggregate,
  { bytes, view }: Page,
): { readonly value: number | undefined } | undefined {
  const running = new Running();
  for (let offset = 0; offset < bytes.length;) {
    const start = offset + 1;
    switch (bytes[offset]) {
      case tag.null:
        offset += 1;
        break;
      case tag.int: {
        const value = view.getInt32(start + 4, true) * two32 + view.getUint32(start, true);
        if (!Number.isSafeInteger(value)) return undefined;
        running.add(value);
        offset += 9;
        break;
      }
      case tag.float:
        running.add(view.getFloat32(start, true));
        offset += 5;
        break;
      case tag.double:
        running.add(view.getFloat64(start, true));
        offset += 9;
        break;
      default:
        return undefined;
    }
  }
  return { value: running.result(kind) };
}
