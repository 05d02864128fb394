/**
 * Migrations: what is done to a file before and after the application's callback.
 *
 * Before it everything that the application declares is there: added properties with their defaults, changed ones with
 * what could be kept. What it no longer declares is still there too, out of sight, until the callback has returned. A
 * primary key that changes is an ordinary property meanwhile.
 *
 * @module
 */

import type { CoreStore, SchemaInformation, SchemaOperation, SnapshotId } from "../core.js";
import { EngineError, errorCodeOf, messageOf } from "../errors.js";
import type { Database } from "./database.js";
import { readSchema } from "./schema.js";
import {
  hasSameType,
  isAlike,
  propertiesOf,
  type SchemaChange,
  schemaChanges,
  schemaMismatch,
  type StoredClass,
  type StoredProperty,
  typeText,
} from "./schema-changes.js";

type Classes = SchemaInformation["classes"];

/** What the application does when a file gets a higher version of its classes. */
export interface DatabaseMigration {
  /**
   * Called in the write transaction of the migration. What it throws undoes all of it.
   *
   * @param before the file as it was, closed afterwards.
   * @param after the file that is being opened.
   * @param oldVersion the version that the file had.
   */
  run?(before: Database, after: Database, oldVersion: number): void;
  /** Of classes that become embedded: removes objects that nothing links to, and copies those with several links. */
  readonly resolvesEmbedded?: boolean | undefined;
}

/** What goes on while a file is being migrated. */
export interface Migration {
  /** The application's classes. */
  readonly wanted: Classes;
  /** Classes that go when the callback has returned. */
  readonly removed: Set<string>;
}

/** The error for ending the transaction of a migration by hand. */
export function migrationRuns(): EngineError {
  return refusal("The write transaction of a migration ends when the migration does.");
}

/**
 * In a migration: gives a property the values of one that is no longer declared.
 *
 * @param from names in the file.
 * @throws {@link EngineError} where the values do not fit, or outside of a migration.
 */
export function renameProperty(database: Database, className: string, from: string, to: string): void {
  database.requireOpen();
  const { migration, store } = database;
  if (migration === undefined) throw refusal("Properties can only be renamed in a migration");
  const declared = migration.wanted.find(({ name }) => name === className);
  database.flush();
  changeSchema(store, [renaming(readSchema(store, database.view), declared, className, from, to)]);
  database.onSchemaChanged();
}

/**
 * Removes a class and its objects, in a write transaction. In a migration that happens when the callback has returned;
 * of a class that is still declared nothing goes then.
 *
 * @returns whether there was such a class.
 * @throws {@link EngineError} for a class that is declared, outside of a migration; for one of a synced file.
 */
export function deleteClass(database: Database, name: string): boolean {
  database.requireWrite();
  if (database.storedLayout(name) === undefined) return false;
  const isDeclared = database.isDeclared(name);
  if (database.migration !== undefined) {
    if (!isDeclared) database.migration.removed.add(name);
    return true;
  }
  if (isDeclared) throw refusal(`Class '${name}' is part of the schema and cannot be deleted.`);
  database.flush();
  changeSchema(database.store, [{ operation: "removeClass", class: name }]);
  database.batch.noteChange();
  database.onSchemaChanged();
  return true;
}

/** What remains to be done when the callback has returned. */
export interface Completion {
  /** The application's classes. */
  readonly wanted: Classes;
  /** Classes that go. */
  readonly removed: ReadonlySet<string>;
  /** Whether the callback had to do everything. */
  readonly isManual: boolean;
  /** Whether objects that nothing links to are removed, and those with several links copied, to be embedded. */
  readonly resolves: boolean;
}

/** Does operations in the open write transaction. */
function changeSchema(store: CoreStore, operations: readonly SchemaOperation[]): void {
  if (operations.length === 0) return;
  try {
    store.migrateSchema(JSON.stringify(operations));
  } catch (error) {
    const code = errorCodeOf(error);
    if (code !== "duplicate-keys" && code !== "schema-mismatch") throw error;
    throw new EngineError("schema-mismatch", messageOf(error), { cause: error });
  }
}

/** Does what comes before the callback, in the open write transaction. */
export function prepareMigration(store: CoreStore, stored: SchemaInformation, wanted: Classes): void {
  const refused = refusedKinds(stored, wanted);
  if (refused.length > 0) throw schemaMismatch("migration", refused);
  store.updateSchema(JSON.stringify(newClasses(stored, wanted)));
  changeSchema(store, preparation(stored, wanted));
  store.updateSchema(JSON.stringify(interimClasses(stored, wanted)));
}

/** Does what comes after the callback, in the write transaction that the view is of. */
export function completeMigration(store: CoreStore, view: SnapshotId, completion: Completion): void {
  const { wanted, isManual } = completion;
  if (!isManual) {
    changeSchema(store, conclusion(readSchema(store, view), completion));
    store.updateSchema(JSON.stringify(wanted));
  }
  const left = schemaChanges(readSchema(store, view), wanted);
  if (left.length > 0) throw schemaMismatch("migration", left);
}

/** Kinds that no migration makes of each other. */
function refusedKinds(stored: SchemaInformation, wanted: Classes): readonly SchemaChange[] {
  const kinds = new Map(stored.classes.map(({ name, kind }) => [name, kind]));
  const refused = wanted.filter(({ name, kind }) => {
    const before = kinds.get(name) ?? kind;
    return before !== kind && (before === "asymmetric" || kind === "asymmetric");
  });
  return schemaChanges(stored, refused).filter(({ text }) => text.startsWith("Class "));
}

function byName(classes: Classes): Map<string, StoredClass> {
  return new Map(classes.map((one) => [one.name, one]));
}

function hasSameKey({ primaryKey: one }: StoredClass, { primaryKey: other }: StoredClass): boolean {
  return one?.name === other?.name && one?.type === other?.type && one?.nullable === other?.nullable;
}

/** Whether the class goes through the migration without a primary key. */
function isKeyless(known: StoredClass | undefined, declared: StoredClass): boolean {
  return known !== undefined && !hasSameKey(known, declared);
}

/**
 * Classes as they are during the migration: with keys that change as ordinary properties, not embedded yet, no longer
 * embedded.
 */
function interimClasses(stored: SchemaInformation, wanted: Classes): StoredClass[] {
  const classes = byName(stored.classes);
  return wanted.map((declared) => {
    const known = classes.get(declared.name);
    if (known === undefined) return declared;
    const { primaryKey, ...rest } = declared;
    const kind = known.kind === "top" && declared.kind === "embedded" ? "top" : declared.kind;
    return isKeyless(known, declared)
      ? { ...rest, kind, columns: propertiesOf(declared) }
      : { ...rest, kind, ...(primaryKey === undefined ? {} : { primaryKey }) };
  });
}

/** Classes that the file lacks, without properties: what new links lead to. */
function newClasses(stored: SchemaInformation, wanted: Classes): StoredClass[] {
  const classes = byName(stored.classes);
  return wanted.filter(({ name }) => !classes.has(name)).map((declared) => ({ ...declared, columns: [] }));
}

/** What is done once there are the new classes; what is missing is added afterwards. */
function preparation(stored: SchemaInformation, wanted: Classes): SchemaOperation[] {
  const classes = byName(stored.classes);
  return wanted.flatMap((declared) => {
    const known = classes.get(declared.name);
    return known === undefined ? [] : prepareClass(known, declared);
  });
}

function prepareClass(known: StoredClass, declared: StoredClass): SchemaOperation[] {
  const operations: SchemaOperation[] = [];
  if (known.kind === "embedded" && declared.kind === "top") {
    operations.push({ operation: "promote", class: known.name });
  }
  let before: StoredProperty[] = [...known.columns];
  if (isKeyless(known, declared) && known.primaryKey !== undefined) {
    operations.push({ operation: "releaseKey", class: known.name });
    before = [...before, { ...known.primaryKey, collection: "single" }];
  }
  const after = new Map(propertiesOf(declared).map((property) => [property.name, property]));
  const columns = before.map((column) => ({ ...(after.get(column.name) ?? column), from: column.name }));
  const isChanged = columns.some((column, index) => !isAlike(column, before[index] as StoredProperty));
  if (isChanged) operations.push({ operation: "reshape", class: known.name, columns });
  return operations;
}

function conclusion(stored: SchemaInformation, { wanted, removed, resolves }: Completion): SchemaOperation[] {
  const classes = byName(stored.classes);
  const gone = stored.classes.filter(({ name }) => removed.has(name));
  const emptied = gone.map(({ name }): SchemaOperation => ({ operation: "reshape", class: name, columns: [] }));
  const kept = wanted.flatMap((declared) => {
    const known = classes.get(declared.name);
    return known === undefined ? [] : completeClass(known, declared, resolves);
  });
  const erased = gone.map(({ name }): SchemaOperation => ({ operation: "removeClass", class: name }));
  return [...emptied, ...kept, ...erased];
}

function completeClass(known: StoredClass, declared: StoredClass, resolves: boolean): SchemaOperation[] {
  const operations: SchemaOperation[] = [];
  const names = new Set(propertiesOf(declared).map(({ name }) => name));
  const columns = known.columns.filter(({ name }) => names.has(name));
  if (columns.length < known.columns.length) {
    const kept = columns.map((column) => ({ ...column, from: column.name }));
    operations.push({ operation: "reshape", class: known.name, columns: kept });
  }
  if (declared.primaryKey !== undefined && known.primaryKey === undefined) {
    operations.push({ operation: "makeKey", class: known.name, name: declared.primaryKey.name });
  }
  if (known.kind === "top" && declared.kind === "embedded") {
    operations.push({ operation: "embed", class: known.name, resolves });
  }
  return operations;
}

/**
 * Gives a property the values of one that is no longer declared, and takes that one away.
 *
 * @throws {@link EngineError} where the values do not fit, or one of the two is not there.
 */
function renaming(
  stored: SchemaInformation,
  declared: StoredClass | undefined,
  className: string,
  from: string,
  to: string,
): SchemaOperation {
  const known = stored.classes.find(({ name }) => name === className);
  if (known === undefined || declared === undefined) {
    throw refusal(`Cannot rename properties for type '${className}' because it does not exist.`);
  }
  const where = `Cannot rename property '${className}.${from}'`;
  const before = known.columns.find(({ name }) => name === from);
  if (before === undefined) throw refusal(`${where} because it does not exist.`);
  const properties = propertiesOf(declared);
  if (properties.some(({ name }) => name === from)) {
    throw refusal(`${where} to '${to}' because the source property still exists.`);
  }
  const after = properties.find(({ name }) => name === to);
  if (after === undefined || !known.columns.some(({ name }) => name === to)) {
    throw refusal(`Renamed property '${className}.${to}' does not exist.`);
  }
  if (!hasSameType(before, after)) {
    throw refusal(
      `${where} to '${to}' because it would change from type '${typeText(before)}' to '${typeText(after)}'.`,
    );
  }
  if (before.nullable && !after.nullable && after.type !== "link") {
    throw refusal(`${where} to '${to}' because it would change from optional to required.`);
  }
  const columns = known.columns
    .filter(({ name }) => name !== from)
    .map((column) => ({ ...column, from: column.name === to ? from : column.name }));
  return { operation: "reshape", class: className, columns };
}

function refusal(message: string): EngineError {
  return new EngineError("invalid-argument", message);
}
