/**
 * The objects that a dictionary's values lead to, as results see them.
 *
 * @module
 */

import type { Database } from "./database.js";
import type { Dictionary } from "./dictionary.js";
import { ObjectHandle } from "./object.js";

/** The linked objects of a dictionary, in the order of its keys; values that are null are left out. */
export class DictionaryTargets {
  /** Where they come from. */
  readonly dictionary: Dictionary;

  constructor(dictionary: Dictionary) {
    this.dictionary = dictionary;
  }

  /** The open file. */
  get database(): Database {
    return this.dictionary.database;
  }

  /** Whether the dictionary still exists. */
  isValid(): boolean {
    return this.dictionary.isValid();
  }

  /** Keys of the objects. */
  keys(): Float64Array {
    this.database.flush();
    const { dictionary } = this;
    const objects = dictionary.keys().map((key) => dictionary.get(key));
    return Float64Array.from(objects.flatMap((object) => (object instanceof ObjectHandle ? [object.key] : [])));
  }
}
