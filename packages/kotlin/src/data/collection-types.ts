/**
 * Which kind of collection a value is, for the module of values of whatever type: the modules of the collections know
 * it, so that it cannot know them.
 *
 * @module
 */

/** Kinds of collections. */
export type CollectionType = "LIST" | "DICTIONARY" | "SET";

const knownTypes: ((value: object) => CollectionType | undefined)[] = [];

/** Makes a kind of collections known. */
export function declareCollection(type: CollectionType, isOfType: (value: object) => boolean): void {
  knownTypes.push((value) => (isOfType(value) ? type : undefined));
}

/** The kind of a collection; `undefined` for all other values. */
export function collectionTypeOf(value: object): CollectionType | undefined {
  for (const typeOf of knownTypes) {
    const type = typeOf(value);
    if (type !== undefined) return type;
  }
  return undefined;
}
