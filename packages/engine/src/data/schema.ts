/**
 * Classes: what the application declares, and how the file lays them out.
 *
 * @module
 */

import type { CoreStore, SchemaInformation, SnapshotId } from "../core.js";
import { EngineError, must } from "../errors.js";
import type { ValueType } from "../values/pack.js";

/** A second writer may hold the lock for some milliseconds at a time; longer means that something is wrong. */
export const writeTimeoutMs = 60_000;

/** How many values a property holds. */
export type CollectionKind = "single" | "list" | "dictionary" | "set";

/** A property as declared, the same for all SDKs. */
export interface PropertyDeclaration {
  /** Name in the file and on the wire. */
  readonly name: string;
  /** Name in the application; the same unless mapped. */
  readonly publicName: string;
  /** Type of the value, or of the elements. */
  readonly type: ValueType;
  /** Whether it is a collection, and which. */
  readonly collection: CollectionKind;
  /** Whether the value, or the elements, may be null. */
  readonly isNullable: boolean;
  /** Class of the targets, for links. */
  readonly target?: string;
  /** Value for objects created without one; a function makes a fresh one each time. */
  readonly default?: unknown;
  /** Whether queries find its values by an index. None is kept for full text. */
  readonly isIndexed: boolean | "full-text";
  /** The SDK shows the integer as a counter. */
  readonly isCounter?: boolean;
}

/** A property computed from the links of another class. */
export interface BacklinkDeclaration {
  /** Name in the application. */
  readonly publicName: string;
  /** The class whose objects link here. */
  readonly originClass: string;
  /** Its property. */
  readonly originProperty: string;
}

/** A class as declared. */
export interface ClassDeclaration {
  /** Name in the file and on the wire. */
  readonly name: string;
  /** Whether objects have keys, live inside others, or are only sent. */
  readonly kind: "top" | "embedded" | "asymmetric";
  /** Name in the file of the primary key's property. */
  readonly primaryKey?: string;
  /** Its properties, the primary key too. */
  readonly properties: readonly PropertyDeclaration[];
  /** Its computed properties. */
  readonly backlinks: readonly BacklinkDeclaration[];
}

/** A column of the file with what was declared for it. */
export interface Column {
  /** Index in the class; {@link primaryKeyColumn} for the primary key. */
  readonly index: number;
  /** Name in the file and on the wire. */
  readonly name: string;
  /** Name in the application. */
  readonly publicName: string;
  /** Type of the value, or of the elements. */
  readonly type: ValueType;
  /** Whether the value, or the elements, may be null. */
  readonly isNullable: boolean;
  /** Whether it is a collection, and which. */
  readonly collection: CollectionKind;
  /** Class of the targets, for links. */
  readonly target: string | undefined;
  /** Value for objects created without one. */
  readonly default: unknown;
  /** Whether values are single and of one type that is no link. */
  readonly isPlain: boolean;
}

/** Index that stands for the primary key among columns. */
export const primaryKeyColumn = -1;

/**
 * When objects of a class have changed. Handles compare `epoch` with the one they were loaded at; see `isFresh`.
 *
 * **Invariant**: any change to an object of the class raises `epoch`, and either notes the object in `changed` or
 * raises `floor`.
 */
class ClassEpochs {
  /** Grows with each change to an object of the class. */
  epoch = 1;
  /** Grows when objects come or go. */
  membershipEpoch = 1;
  /** Grows when objects go. */
  removalEpoch = 1;
  /** The epoch in which the open write transaction began. */
  writeEpoch = 0;
  /** What `removalEpoch` was then. */
  removalEpochBefore = 0;
  /** Handles loaded before this epoch are stale, whatever `changed` says. */
  #floor = 0;
  readonly #changed = new Map<number, number>();

  /** Whether what a handle loaded at an epoch still stands. */
  isFresh(object: number, loadedAt: number): boolean {
    if (loadedAt === this.epoch) return true;
    return loadedAt >= this.#floor && (this.#changed.get(object) ?? 0) <= loadedAt;
  }

  touch(object: number): void {
    this.epoch += 1;
    if (this.#changed.size >= changedObjectsMax) return this.touchAll(false);
    this.#changed.set(object, this.epoch);
  }

  touchAll(membership: boolean): void {
    this.epoch += 1;
    this.#floor = this.epoch;
    this.#changed.clear();
    if (membership) this.noteRemoval();
  }

  noteRemoval(): void {
    this.membershipEpoch += 1;
    this.removalEpoch += 1;
  }

  beginWrite(): void {
    this.writeEpoch = this.epoch;
    this.removalEpochBefore = this.removalEpoch;
  }
}

/** A class of the file, as it is laid out until it gets other columns. */
export class ClassLayout {
  /** Index in the file. */
  readonly index: number;
  /** Name in the file and on the wire. */
  readonly name: string;
  /** Whether objects have keys, live inside others, or are only sent. */
  readonly kind: "top" | "embedded" | "asymmetric";
  /** The primary key, if objects have one. */
  readonly primaryKey: Column | undefined;
  /** The other columns, in the order of their indexes. */
  readonly columns: readonly Column[];
  /** Whether objects have keys that the application knows, and hold plain values only. */
  readonly isFlat: boolean;
  /** What the application declared. */
  readonly declaration: ClassDeclaration;
  /** Whether objects hold collections, or what may be one: their rows may be long. */
  readonly hasCollections: boolean;
  /** Shared by all layouts that the class has had: handles hold on to theirs. */
  readonly #epochs: ClassEpochs;
  /** In a write transaction: no primary key is a greater integer; ∞ as long as nobody has looked. */
  greatestKey: number = Infinity;
  /** The view of the transaction that it was looked up in. */
  greatestKeyView: number = -1;
  readonly #byPublicName = new Map<string, Column>();
  readonly #byName = new Map<string, Column>();

  /** @param before the layout that the class had until now. */
  constructor(
    index: number,
    stored: SchemaInformation["classes"][number],
    declaration: ClassDeclaration,
    before?: ClassLayout,
  ) {
    this.#epochs = before === undefined ? new ClassEpochs() : before.#epochs;
    this.index = index;
    this.name = stored.name;
    this.kind = stored.kind;
    this.declaration = declaration;
    const declared = new Map(declaration.properties.map((property) => [property.name, property]));
    const makeColumn = (
      position: number,
      name: string,
      rest: Omit<Column, "index" | "name" | "publicName" | "default" | "isPlain">,
    ) => {
      const property = declared.get(name);
      const column: Column = {
        index: position,
        name,
        publicName: property?.publicName ?? name,
        default: property?.default,
        isPlain: rest.collection === "single" && rest.type !== "link" && rest.type !== "mixed",
        ...rest,
        // What the application does not know it cannot be asked for; the core gives the column's default.
        isNullable: rest.isNullable || property === undefined,
      };
      this.#byPublicName.set(column.publicName, column);
      this.#byName.set(name, column);
      return column;
    };
    this.primaryKey =
      stored.primaryKey === undefined
        ? undefined
        : makeColumn(primaryKeyColumn, stored.primaryKey.name, {
            type: stored.primaryKey.type as ValueType,
            isNullable: stored.primaryKey.nullable,
            collection: "single",
            target: undefined,
          });
    this.columns = stored.columns.map((column, position) =>
      makeColumn(position, column.name, {
        type: column.type as ValueType,
        isNullable: column.nullable,
        collection: column.collection,
        target: column.target,
      }),
    );
    this.hasCollections = this.columns.some(({ collection, type }) => collection !== "single" || type === "mixed");
    this.isFlat =
      this.kind === "top" && this.primaryKey !== undefined && this.columns.every((column) => column.isPlain);
  }

  /** The column of a name in the application. */
  columnByPublicName(name: string): Column | undefined {
    return this.#byPublicName.get(name);
  }

  /** The column of a name in the file. */
  columnByName(name: string): Column | undefined {
    return this.#byName.get(name);
  }

  /** Grows with each change to an object of the class. */
  get epoch(): number {
    return this.#epochs.epoch;
  }

  /** Grows when objects come or go. */
  get membershipEpoch(): number {
    return this.#epochs.membershipEpoch;
  }

  /** Notes that objects came or went. */
  touchMembership(): void {
    this.#epochs.membershipEpoch += 1;
  }

  /** Whether what a handle loaded at an epoch still stands. */
  isFresh(object: number, loadedAt: number): boolean {
    return this.#epochs.isFresh(object, loadedAt);
  }

  /** Grows when objects go. */
  get removalEpoch(): number {
    return this.#epochs.removalEpoch;
  }

  /** A write transaction begins. */
  beginWrite(): void {
    this.#epochs.beginWrite();
  }

  /** Whether the open write transaction has, or may have, changed an object. */
  isChangedInWrite(object: number): boolean {
    return !this.#epochs.isFresh(object, this.#epochs.writeEpoch);
  }

  /** Whether the open write transaction has removed objects. */
  get hasRemovalInWrite(): boolean {
    return this.#epochs.removalEpoch !== this.#epochs.removalEpochBefore;
  }

  /** Notes that objects have gone. */
  noteRemoval(): void {
    this.#epochs.noteRemoval();
  }

  /** Notes a change of one object. */
  touch(object: number): void {
    this.#epochs.touch(object);
  }

  /** Notes that any object may have changed. */
  touchAll(membership: boolean): void {
    this.#epochs.touchAll(membership);
    this.greatestKeyView = -1;
  }
}

/** More changed objects of one class than this are not remembered one by one. */
const changedObjectsMax = 200_000;

/** Reads the schema of a snapshot. The key of classes without a primary key is the core's own affair. */
export function readSchema(store: CoreStore, snapshot: SnapshotId): SchemaInformation {
  const { version, classes } = JSON.parse(store.schema(snapshot)) as SchemaInformation;
  const shown = classes.map(({ primaryKey, ...rest }) =>
    primaryKey === undefined || primaryKey.type === "globalKey" ? rest : { ...rest, primaryKey },
  );
  return { version, classes: shown };
}

/** Pairs the file's classes with the application's. */
export function layOut(
  stored: SchemaInformation,
  declarations: readonly ClassDeclaration[],
  before: readonly ClassLayout[] = [],
): ClassLayout[] {
  const byName = new Map(declarations.map((declaration) => [declaration.name, declaration]));
  const layouts = new Map(before.map((layout) => [layout.name, layout]));
  return stored.classes.map((information, index) => {
    const declaration = byName.get(information.name) ?? declarationOf(information);
    return new ClassLayout(index, information, declaration, layouts.get(information.name));
  });
}

/** Whether two layouts are of one class, with the same columns at the same places. */
export function isSameLayout(one: ClassLayout, other: ClassLayout): boolean {
  if (one.name !== other.name || one.kind !== other.kind || one.columns.length !== other.columns.length) return false;
  const pairs = [one.primaryKey, ...one.columns].map(
    (column, index) => [column, index === 0 ? other.primaryKey : other.columns[index - 1]] as const,
  );
  return pairs.every(
    ([before, after]) =>
      before?.name === after?.name &&
      before?.type === after?.type &&
      before?.isNullable === after?.isNullable &&
      before?.collection === after?.collection &&
      before?.target === after?.target,
  );
}

/**
 * What the file does not know of the application's properties, for `setQueryNames`: names that differ, linking objects,
 * and which are full-text ones. Undefined if that is nothing.
 */
export function queryNamesOf(declarations: readonly ClassDeclaration[]): string | undefined {
  const byName = new Map(declarations.map((declaration) => [declaration.name, declaration]));
  const originOf = ({ originClass, originProperty }: BacklinkDeclaration): readonly [string, string] => {
    const origin = byName.get(originClass)?.properties.find(({ publicName }) => publicName === originProperty);
    return [originClass, origin?.name ?? originProperty];
  };
  const classes = declarations.flatMap(({ name, properties, backlinks }) => {
    const mapped = properties.filter((property) => property.publicName !== property.name);
    const fullText = properties.filter(({ isIndexed }) => isIndexed === "full-text").map((property) => property.name);
    if (mapped.length + backlinks.length + fullText.length === 0) return [];
    const stored = Object.fromEntries(mapped.map((property) => [property.publicName, property.name]));
    const linking = Object.fromEntries(backlinks.map((backlink) => [backlink.publicName, originOf(backlink)]));
    return [[name, { stored, linking, fullText }] as const];
  });
  return classes.length === 0 ? undefined : JSON.stringify(Object.fromEntries(classes));
}

/** What an application would have declared to get a class of the file. */
export function declarationOf(stored: SchemaInformation["classes"][number]): ClassDeclaration {
  const key = stored.primaryKey;
  const properties: PropertyDeclaration[] = stored.columns.map((column) => ({
    name: column.name,
    publicName: column.name,
    type: column.type as ValueType,
    collection: column.collection,
    isNullable: column.nullable,
    isIndexed: column.indexed ?? false,
    ...(column.target === undefined ? {} : { target: column.target }),
  }));
  if (key !== undefined) {
    properties.unshift({
      name: key.name,
      publicName: key.name,
      type: key.type as ValueType,
      collection: "single",
      isNullable: key.nullable,
      isIndexed: true,
    });
  }
  return {
    name: stored.name,
    kind: stored.kind,
    ...(key === undefined ? {} : { primaryKey: key.name }),
    properties,
    backlinks: [],
  };
}

/** The declared classes in the form that the core takes. */
export function toSchemaInformation(declarations: readonly ClassDeclaration[]): SchemaInformation["classes"] {
  return declarations.map((declaration) => {
    const key = declaration.properties.find((property) => property.name === declaration.primaryKey);
    return {
      name: declaration.name,
      kind: declaration.kind,
      ...(key === undefined ? {} : { primaryKey: { name: key.name, type: key.type, nullable: key.isNullable } }),
      columns: declaration.properties
        .filter((property) => property !== key)
        .map((property) => ({
          name: property.name,
          type: property.type,
          nullable: property.isNullable,
          collection: property.collection,
          ...(property.target === undefined ? {} : { target: property.target }),
          ...(property.isIndexed === true ? { indexed: true } : {}),
        })),
    };
  });
}

/** Whether the file lacks a declared class or property. */
export function needsUpdate(stored: SchemaInformation, wanted: SchemaInformation["classes"]): boolean {
  const classes = new Map(stored.classes.map((one) => [one.name, one]));
  return wanted.some((declared) => {
    const known = classes.get(declared.name);
    if (known === undefined) return true;
    const names = new Set(known.columns.map((column) => column.name));
    return declared.columns.some((column) => !names.has(column.name));
  });
}

/** Whether a declared property has an index in the file and is to have none, or the other way round. */
export function indexesDiffer(stored: SchemaInformation, wanted: SchemaInformation["classes"]): boolean {
  const classes = new Map(stored.classes.map((one) => [one.name, one]));
  return wanted.some((declared) => {
    const known = classes.get(declared.name)?.columns ?? [];
    const indexed = new Set(known.filter((column) => column.indexed === true).map((column) => column.name));
    return declared.columns.some((column) => indexed.has(column.name) !== (column.indexed ?? false));
  });
}

/** How errors call the kinds of collections. */
export const collectionNames: Readonly<Record<CollectionKind, string>> = {
  single: "",
  list: "array",
  set: "set",
  dictionary: "dictionary",
};

/** Refuses declarations that contradict themselves. */
export function checkDeclarations(declarations: readonly ClassDeclaration[], isSynced: boolean): void {
  const byName = new Map<string, ClassDeclaration>();
  for (const declaration of declarations) {
    if (byName.has(declaration.name)) {
      throw schemaError(`Type '${declaration.name}' appears more than once in the schema.`);
    }
    byName.set(declaration.name, declaration);
  }
  for (const declaration of declarations) checkDeclaration(declaration, byName, isSynced);
}

/** Types with an index that agrees with the order of queries. */
const indexableTypes: readonly ValueType[] = ["int", "bool", "string", "timestamp", "objectId", "uuid", "mixed"];

function typeNameOf({ type, collection }: PropertyDeclaration): string {
  if (collection !== "single") return collectionNames[collection];
  return type === "link" ? "object" : type;
}

function checkDeclaration(
  declaration: ClassDeclaration,
  byName: ReadonlyMap<string, ClassDeclaration>,
  isSynced: boolean,
): void {
  const { name, primaryKey } = declaration;
  if (declaration.kind !== "embedded" && isSynced && primaryKey !== "_id") {
    throw schemaError(
      primaryKey === undefined
        ? `There must be a primary key property named '_id' on a synchronized Realm but none was found for type '${name}'`
        : `The primary key property on a synchronized Realm must be named '_id' but found '${primaryKey}' for type '${name}'`,
    );
  }
  if (declaration.kind === "embedded" && primaryKey !== undefined) {
    throw schemaError(`Embedded object type '${name}' cannot have a primary key.`);
  }
  if (primaryKey !== undefined) {
    const key = declaration.properties.find((property) => property.name === primaryKey);
    if (key === undefined) {
      throw schemaError(`Specified primary key '${name}.${primaryKey}' does not exist.`);
    }
    const allowed: readonly ValueType[] = ["int", "string", "objectId", "uuid"];
    if (key.collection !== "single" || !allowed.includes(key.type)) {
      throw schemaError(`Property '${name}.${key.publicName}' of type '${key.type}' cannot be made the primary key.`);
    }
  }
  for (const property of declaration.properties) {
    const isIndexable = property.collection === "single" && indexableTypes.includes(property.type);
    if (property.isIndexed === true && !isIndexable) {
      throw schemaError(
        `Property '${name}.${property.publicName}' of type '${typeNameOf(property)}' cannot be indexed.`,
      );
    }
    if (property.type !== "link") continue;
    const target = must(property.target, "links have a target");
    const found = byName.get(target);
    if (found === undefined) {
      throw schemaError(
        `Property '${name}.${property.publicName}' of type 'object' has unknown object type '${target}'`,
      );
    }
    if (property.collection === "set" && found.kind === "embedded") {
      throw schemaError(
        `Set property '${name}.${property.publicName}' cannot contain embedded object type '${target}'.`,
      );
    }
    if (found.kind === "asymmetric") {
      throw schemaError(
        `Property '${name}.${property.publicName}' of type 'object' cannot be a link to an asymmetric object.`,
      );
    }
  }
}

/** An error about declarations, worded as the original words them. */
export function schemaError(...lines: string[]): EngineError {
  return new EngineError(
    "invalid-schema",
    `Schema validation failed due to the following errors:\n${lines.map((line) => `- ${line}`).join("\n")}`,
  );
}
