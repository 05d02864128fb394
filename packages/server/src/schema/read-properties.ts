/**
 * Reads the properties of one object in a JSON Schema: which Realm property each is.
 *
 * @module
 */

import {
  type ClassInformation,
  classNameBytesMax,
  type ColumnInformation,
  impliedNullability,
  nameBytes,
  propertyNameBytesMax,
} from "./classes.js";
import { compareSchemas } from "./compare.js";
import { fitsType } from "./default-value.js";
import {
  annotationKeywords,
  bsonTypes,
  type JsonPath,
  realmTypes,
  unsyncedBsonTypes,
  validationKeywords,
} from "./json-schema.js";
import { asObject, own, type ProblemReport } from "./problem.js";
import type { LinkTarget, Relationships } from "./relationships.js";

type Keywords = Readonly<Record<string, unknown>>;
type Collection = ColumnInformation["collection"];
type Element = Pick<ColumnInformation, "type" | "nullable" | "target">;

/** Embedded objects nest so deep at most. */
const nestingMax = 64;

/** Where one object or property is, in the document and in the data. */
interface Place {
  readonly path: JsonPath;
  /** As relationships name it. */
  readonly field: string;
  readonly depth: number;
}

/** What reading a collection's schema fills in and looks up. */
export interface Reading {
  readonly report: ProblemReport;
  readonly relationships: Relationships;
  /** Titles of classes that have collections. */
  readonly topLevelNames: ReadonlySet<string>;
  /** Embedded classes by name, of all collections so far. */
  readonly embedded: Map<string, ClassInformation>;
  /** Embedded classes that are named without being described. */
  readonly references: { readonly className: string; readonly path: JsonPath; readonly report: ProblemReport }[];
  readonly defaults: Map<string, Map<string, unknown>>;
  readonly links: { readonly target: LinkTarget; readonly key: string }[];
  /** Says that the collection cannot be synchronised. */
  readonly exclude: () => void;
}

const schemaKeywords: ReadonlySet<string> = new Set(
  "title bsonType properties required items uniqueItems additionalProperties default".split(" "),
);

/** Reads an object's properties but its primary key. */
export function readProperties(
  reading: Reading,
  className: string,
  schema: Keywords,
  place: Place,
  keyName: string | undefined,
): readonly ColumnInformation[] {
  const properties = asObject(own(schema, "properties") ?? {});
  if (properties === undefined) {
    reading.report("error", [...place.path, "properties"], `class ${className}: properties must be an object`);
    return [];
  }
  const required = readRequired(reading, className, schema, place.path, properties);
  return Object.entries(properties).flatMap(([name, schemaOfProperty]) => {
    if (name === keyName) return [];
    const inner: Place = {
      path: [...place.path, "properties", name],
      field: place.field === "" ? name : `${place.field}.${name}`,
      depth: place.depth,
    };
    const column = new PropertyReader(reading, className, name, required.has(name)).read(schemaOfProperty, inner);
    return column === undefined ? [] : [column];
  });
}

/** Reports keywords that are unknown, or that synchronised writes are not checked against. */
export function checkKeywords(reading: Reading, subject: string, schema: Keywords, path: JsonPath): void {
  for (const name of Object.keys(schema)) {
    if (schemaKeywords.has(name) || annotationKeywords.has(name)) continue;
    if (validationKeywords.has(name)) {
      reading.report("information", [...path, name], `${subject}: what clients write is not checked against "${name}"`);
    } else {
      reading.report("warning", [...path, name], `${subject}: unknown keyword "${name}"`);
    }
  }
}

/** Names of the required properties. */
function readRequired(
  reading: Reading,
  className: string,
  schema: Keywords,
  path: JsonPath,
  properties: Keywords,
): ReadonlySet<string> {
  const required = own(schema, "required") ?? [];
  if (!Array.isArray(required) || required.some((name) => typeof name !== "string")) {
    reading.report("error", [...path, "required"], `class ${className}: required must be an array of names`);
    return new Set();
  }
  for (const [index, name] of (required as readonly string[]).entries()) {
    if (Object.hasOwn(properties, name)) continue;
    const message = `class ${className}: required names "${name}", which is no property`;
    reading.report("error", [...path, "required", index], message);
  }
  return new Set(required as readonly string[]);
}

/** Reads one property. */
class PropertyReader {
  readonly #reading: Reading;
  readonly #className: string;
  readonly #name: string;
  readonly #isRequired: boolean;
  readonly #subject: string;

  constructor(reading: Reading, className: string, name: string, isRequired: boolean) {
    this.#reading = reading;
    this.#className = className;
    this.#name = name;
    this.#isRequired = isRequired;
    this.#subject = `class ${className}, property ${name}`;
  }

  read(value: unknown, place: Place): ColumnInformation | undefined {
    if (!this.#checkName(place.path)) return undefined;
    const schema = asObject(value);
    if (schema === undefined) return this.#wrong(place.path, "must be an object with a bsonType");
    checkKeywords(this.#reading, this.#subject, schema, place.path);
    const [collection, element] = this.#readType(schema, place);
    if (element === undefined) return undefined;
    const column = this.#column(collection, element, place.path);
    this.#readDefault(schema, column, place.path);
    return column;
  }

  #wrong(path: JsonPath, message: string): undefined {
    this.#reading.report("error", path, `${this.#subject}: ${message}`);
  }

  /** There is nothing like it in Realm, so that the collection stays out of synchronisation. */
  #unsynced(path: JsonPath, what: string): undefined {
    this.#reading.exclude();
    const message = `${this.#subject}: no Realm property is ${what}; the collection is not synchronised`;
    this.#reading.report("warning", path, message);
  }

  #checkName(path: JsonPath): boolean {
    const bytes = nameBytes(this.#name);
    if (bytes > 0 && bytes <= propertyNameBytesMax && !this.#name.includes(".")) return true;
    this.#wrong(path, `a name has 1 to ${propertyNameBytesMax} bytes and no dot; this one has ${bytes} bytes`);
    return false;
  }

  #readType(schema: Keywords, place: Place): readonly [Collection, Element | undefined] {
    const type = own(schema, "bsonType");
    if (type === "array") return this.#readArray(schema, place);
    if (type === "object" && isDictionary(schema)) return ["dictionary", this.#readDictionary(schema, place)];
    return ["single", this.#readElement(schema, place, "single")];
  }

  #readArray(schema: Keywords, place: Place): readonly [Collection, Element | undefined] {
    const isSet = own(schema, "uniqueItems") ?? false;
    const collection = isSet === true ? "set" : "list";
    if (typeof isSet !== "boolean") {
      return [collection, this.#wrong([...place.path, "uniqueItems"], "uniqueItems must be true or false")];
    }
    const items = own(schema, "items");
    const path = [...place.path, "items"];
    if (items === undefined) return [collection, this.#unsynced(place.path, "an array without items")];
    if (Array.isArray(items))
      return [collection, this.#unsynced(path, "an array with items of different types by place")];
    return [collection, this.#readInner(items, { ...place, path }, collection)];
  }

  #readDictionary(schema: Keywords, place: Place): Element | undefined {
    const values = own(schema, "additionalProperties");
    if (values === true) return { type: "mixed", nullable: true };
    return this.#readInner(values, { ...place, path: [...place.path, "additionalProperties"] }, "dictionary");
  }

  /** The elements of a collection. */
  #readInner(value: unknown, place: Place, collection: Collection): Element | undefined {
    const schema = asObject(value);
    if (schema === undefined) return this.#wrong(place.path, "must be an object with a bsonType");
    checkKeywords(this.#reading, this.#subject, schema, place.path);
    const type = own(schema, "bsonType");
    if (type === "array" || (type === "object" && isDictionary(schema))) {
      return this.#unsynced(place.path, `a ${collection} of collections`);
    }
    return this.#readElement(schema, place, collection);
  }

  #readElement(schema: Keywords, place: Place, collection: Collection): Element | undefined {
    const relationship = this.#reading.relationships.take(place.field);
    const bsonType = own(schema, "bsonType");
    const path = [...place.path, "bsonType"];
    if (bsonType === undefined) return this.#wrong(place.path, "bsonType is missing");
    if (bsonType === "object") return this.#readEmbedded(schema, place, collection);
    const scalar = this.#readScalar(bsonType, path, collection);
    if (scalar === undefined || relationship === undefined) return scalar;
    if (relationship === "wrong") return undefined;
    const { target, isList, key } = relationship;
    if (scalar.type !== target.keyType) {
      const wanted = bsonTypes.get(target.keyType) ?? target.keyType;
      const message = `is a link to ${target.className}, whose _id is ${wanted}; found ${describe(bsonType)}`;
      return this.#wrong(path, message);
    }
    const isMany = collection === "list" || collection === "set";
    // What the original wrote for dictionaries of links differs; both are meant.
    if (collection !== "dictionary" && isList !== isMany) {
      const message = `${this.#subject}: is_list must be ${String(isMany)} for a ${isMany ? collection : "single value"}`;
      this.#reading.report("error", [key, "is_list"], message, "relationships");
      return undefined;
    }
    this.#reading.links.push({ target, key });
    return { type: "link", nullable: impliedNullability("link", collection) ?? false, target: target.className };
  }

  #readScalar(bsonType: unknown, path: JsonPath, collection: Collection): Element | undefined {
    if (Array.isArray(bsonType)) {
      const [type, second] = bsonType as readonly unknown[];
      const isElement = collection !== "single" && bsonType.length === 2 && second === "null";
      const realmType = isElement && typeof type === "string" ? realmTypes.get(type) : undefined;
      if (realmType !== undefined) return { type: realmType, nullable: true };
      return this.#unsynced(path, "of several types");
    }
    if (typeof bsonType !== "string") return this.#wrong(path, "bsonType must be a string");
    const realmType = realmTypes.get(bsonType);
    if (realmType !== undefined) {
      return { type: realmType, nullable: impliedNullability(realmType, collection) ?? false };
    }
    if (unsyncedBsonTypes.has(bsonType)) return this.#unsynced(path, `of bsonType "${bsonType}"`);
    return this.#wrong(path, `there is no bsonType "${bsonType}"`);
  }

  #readEmbedded(schema: Keywords, place: Place, collection: Collection): Element | undefined {
    if (collection === "set") return this.#unsynced(place.path, "a set of objects");
    const title = own(schema, "title") ?? `${this.#className}_${this.#name}`;
    const element = (name: string): Element => ({
      type: "link",
      nullable: impliedNullability("link", collection) ?? false,
      target: name,
    });
    if (typeof title !== "string") return this.#wrong([...place.path, "title"], "title must be a string");
    if (own(schema, "properties") === undefined) {
      if (own(schema, "title") === undefined) {
        return this.#unsynced(place.path, "an object without properties and additionalProperties");
      }
      this.#reading.references.push({ className: title, path: place.path, report: this.#reading.report });
      return element(title);
    }
    if (place.depth >= nestingMax) return this.#wrong(place.path, `objects nest at most ${nestingMax} deep`);
    if (!this.#checkTitle(title, schema, place.path)) return undefined;
    const field = collection === "single" ? place.field : `${place.field}.[]`;
    const inner: Place = { path: place.path, field, depth: place.depth + 1 };
    const columns = readProperties(this.#reading, title, schema, inner, undefined);
    return this.#isSameEverywhere({ name: title, kind: "embedded", columns }, place.path) ? element(title) : undefined;
  }

  #checkTitle(title: string, schema: Keywords, objectPath: JsonPath): boolean {
    const path = own(schema, "title") === undefined ? objectPath : [...objectPath, "title"];
    const bytes = nameBytes(title);
    if (bytes === 0 || bytes > classNameBytesMax) {
      this.#wrong(path, `the name of a class has 1 to ${classNameBytesMax} bytes; "${title}" has ${bytes}`);
      return false;
    }
    if (!this.#reading.topLevelNames.has(title)) return true;
    this.#wrong(path, `"${title}" is the class of a collection; an embedded object needs another title`);
    return false;
  }

  /** A class that is embedded in several places must be described in the same way in each. */
  #isSameEverywhere(found: ClassInformation, path: JsonPath): boolean {
    const known = this.#reading.embedded.get(found.name);
    if (known === undefined) {
      this.#reading.embedded.set(found.name, found);
      return true;
    }
    const [difference] = compareSchemas([known], [found]);
    if (difference === undefined) return true;
    this.#wrong(path, `${found.name} is described in another way elsewhere: ${difference.message}`);
    return false;
  }

  #column(collection: Collection, element: Element, path: JsonPath): ColumnInformation {
    const isSingle = collection === "single";
    const isAlwaysNullable = isSingle && (element.type === "link" || element.type === "mixed");
    const isToCollection = element.type === "link" && this.#reading.topLevelNames.has(element.target ?? "");
    if (this.#isRequired && isSingle && isToCollection) {
      this.#wrong(path, "a link cannot be required: its target may not exist");
    } else if (this.#isRequired && (!isSingle || isAlwaysNullable)) {
      const reason = isSingle ? "the value can be null at any time" : `a ${collection} is never null`;
      this.#reading.report("warning", path, `${this.#subject}: to be required has no meaning here: ${reason}`);
    }
    const nullable = isSingle && !isAlwaysNullable ? !this.#isRequired : element.nullable;
    const target = element.target === undefined ? {} : { target: element.target };
    return { name: this.#name, type: element.type, nullable, collection, ...target };
  }

  #readDefault(schema: Keywords, column: ColumnInformation, path: JsonPath): void {
    const value = own(schema, "default");
    if (value === undefined) return;
    const where = [...path, "default"];
    if (column.collection !== "single" || column.type === "link") {
      this.#reading.report("warning", where, `${this.#subject}: only scalar properties can have a default`);
    } else if (!fitsType(value, column.type)) {
      this.#wrong(where, `the default is no value of type ${column.type}`);
    } else {
      const ofClass = this.#reading.defaults.get(this.#className) ?? new Map<string, unknown>();
      this.#reading.defaults.set(this.#className, ofClass.set(this.#name, value));
    }
  }
}

/** An object is a dictionary if it says what its values are and names none. */
function isDictionary(schema: Keywords): boolean {
  const values = own(schema, "additionalProperties") ?? false;
  const properties = asObject(own(schema, "properties") ?? {});
  return values !== false && properties !== undefined && Object.keys(properties).length === 0;
}

function describe(bsonType: unknown): string {
  return typeof bsonType === "string" ? bsonType : JSON.stringify(bsonType);
}
