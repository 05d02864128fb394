/**
 * What tells an application's classes from those of a file, and what each way of opening makes of it.
 *
 * @module
 */

import type { CoreStore, SchemaInformation } from "../core.js";
import { EngineError } from "../errors.js";
import { collectionNames, indexesDiffer, needsUpdate, writeTimeoutMs } from "./schema.js";

/**
 * What may happen to the classes of a file when it is opened with others.
 *
 * - `automatic`: classes are added; with a higher version anything is changed, after a migration. What local files do
 *   unless something else is said.
 * - `additive`: classes and properties are added, nothing else. What synced files do.
 * - `read-only`: nothing is changed; the file may have more than the application knows.
 * - `immutable`: the same, and the version is the same.
 * - `soft-reset`: a file that would have to be migrated, or has another version, is deleted and made anew.
 * - `hard-reset`: the file is deleted and made anew each time.
 * - `manual`: with a higher version the migration has to bring the file to the application's classes by itself.
 */
export type SchemaMode = "automatic" | "additive" | "read-only" | "immutable" | "soft-reset" | "hard-reset" | "manual";

/** A class as the core has it. */
export type StoredClass = SchemaInformation["classes"][number];

/** A property as the core has it, be it the primary key or another one. */
export type StoredProperty = StoredClass["columns"][number];

/** One difference between a file and the application's classes. */
export interface SchemaChange {
  /** Whether the application has something that the file lacks, the other way round, or both have it, not alike. */
  readonly kind: "added" | "removed" | "changed";
  /** What it is, as users are told. */
  readonly text: string;
}

/** All properties of a class, the primary key first. */
export function propertiesOf(stored: StoredClass): StoredProperty[] {
  const { primaryKey, columns } = stored;
  return primaryKey === undefined ? [...columns] : [{ ...primaryKey, collection: "single" }, ...columns];
}

const typeNames: Readonly<Record<string, string>> = {
  binary: "data",
  timestamp: "date",
  decimal: "decimal128",
  objectId: "object id",
};

/** The type of a property as users are told. */
export function typeText({ type, target, collection }: StoredProperty): string {
  if (collection === "single") return target === undefined ? (typeNames[type] ?? type) : `<${target}>`;
  return `${collectionNames[collection]}<${target ?? typeNames[type] ?? type}>`;
}

/** Whether the values of a property can be those of another: all but whether they may be null. */
export function hasSameType(one: StoredProperty, other: StoredProperty): boolean {
  return one.type === other.type && one.collection === other.collection && one.target === other.target;
}

/** Whether two properties are alike. Mixed values and links have one nullability each, whatever is declared. */
export function isAlike(one: StoredProperty, other: StoredProperty): boolean {
  if (!hasSameType(one, other)) return false;
  return one.nullable === other.nullable || one.type === "mixed" || one.type === "link";
}

const kindNames: Readonly<Record<StoredClass["kind"], string>> = {
  top: "TopLevel",
  embedded: "Embedded",
  asymmetric: "TopLevelAsymmetric",
};

/** How the application's classes differ from those that the file has of the same names. Other classes do not count. */
export function schemaChanges(stored: SchemaInformation, wanted: SchemaInformation["classes"]): SchemaChange[] {
  const classes = new Map(stored.classes.map((one) => [one.name, one]));
  return wanted.flatMap((declared) => {
    const known = classes.get(declared.name);
    return known === undefined ? [] : classChanges(known, declared);
  });
}

function classChanges(known: StoredClass, declared: StoredClass): SchemaChange[] {
  const { name } = declared;
  const changes: SchemaChange[] = [];
  const add = (kind: SchemaChange["kind"], text: string): void => void changes.push({ kind, text });
  if (known.kind !== declared.kind) {
    add("changed", `Class '${name}' has been changed from ${kindNames[known.kind]} to ${kindNames[declared.kind]}.`);
  }
  const before = new Map(propertiesOf(known).map((property) => [property.name, property]));
  const after = new Map(propertiesOf(declared).map((property) => [property.name, property]));
  for (const property of before.values()) {
    const where = `Property '${name}.${property.name}'`;
    const now = after.get(property.name);
    if (now === undefined) add("removed", `${where} has been removed.`);
    else if (!hasSameType(property, now)) {
      add("changed", `${where} has been changed from '${typeText(property)}' to '${typeText(now)}'.`);
    } else if (!isAlike(property, now)) {
      add("changed", `${where} has been made ${now.nullable ? "optional" : "required"}.`);
    }
  }
  for (const property of after.keys()) {
    if (!before.has(property)) add("added", `Property '${name}.${property}' has been added.`);
  }
  if (known.primaryKey?.name !== declared.primaryKey?.name) {
    add("changed", `Primary Key for class '${name}' has been ${keyChange(known, declared)}.`);
  }
  return changes;
}

function keyChange(known: StoredClass, declared: StoredClass): string {
  if (known.primaryKey === undefined) return "added";
  if (declared.primaryKey === undefined) return "removed";
  return `changed from '${known.primaryKey.name}' to '${declared.primaryKey.name}'`;
}

const headings = {
  migration: "Migration is required due to the following errors:",
  additive: "The following changes cannot be made in additive-only schema mode:",
  readOnly: "The following changes cannot be made in read-only schema mode:",
} as const;

/** An error about a file whose classes are not the application's. */
export function schemaMismatch(heading: keyof typeof headings, changes: readonly SchemaChange[]): EngineError {
  const lines = changes.map(({ text }) => `- ${text}`).join("\n");
  return new EngineError("schema-mismatch", `${headings[heading]}\n${lines}`);
}

/** What is known when a file is opened with classes. */
export interface SchemaQuestion {
  /** What may happen. */
  readonly mode: SchemaMode;
  /** Classes of the file. */
  readonly stored: SchemaInformation;
  /** Version that the file has; −1 if it has none. */
  readonly storedVersion: number;
  /** The application's classes. */
  readonly wanted: SchemaInformation["classes"];
  /** The application's version; the file's is taken if it gives none. */
  readonly version: number | undefined;
}

/** What is to be done: nothing, what is missing added, or a migration. */
export type SchemaAction = "none" | "add" | "migrate";

/** Decides what opening a file with classes does. @throws {@link EngineError} where it is refused. */
export function schemaAction(question: SchemaQuestion): SchemaAction {
  const { mode, stored, storedVersion, wanted, version } = question;
  const changes = schemaChanges(stored, wanted);
  switch (mode) {
    case "immutable":
    case "read-only": {
      requireVersion(question, mode === "immutable");
      const known = new Set(stored.classes.map(({ name }) => name));
      const added = wanted.filter(({ name }) => !known.has(name));
      const classes = added.map(({ name }): SchemaChange => ({
        kind: "added",
        text: `Class '${name}' has been added.`,
      }));
      const refused = [...classes, ...changes.filter(({ kind }) => kind !== "removed")];
      if (refused.length > 0) throw schemaMismatch("readOnly", refused);
      return "none";
    }
    case "additive": {
      const refused = changes.filter(({ kind }) => kind === "changed");
      if (refused.length > 0) throw schemaMismatch("additive", refused);
      return "add";
    }
    case "automatic":
    case "manual":
      requireVersion(question, false);
      if (storedVersion >= 0 && version !== undefined && version > storedVersion) return "migrate";
      if (changes.length > 0) throw schemaMismatch("migration", changes);
      return "add";
    case "soft-reset":
    case "hard-reset":
      requireVersion(question, true);
      if (changes.length > 0) throw schemaMismatch("migration", changes);
      return "add";
  }
}

function requireVersion({ storedVersion, version }: SchemaQuestion, isExact: boolean): void {
  if (version === undefined || storedVersion < 0 || version === storedVersion) return;
  if (version > storedVersion && !isExact) return;
  const relation = isExact ? "does not equal" : "is less than";
  throw new EngineError(
    "schema-version",
    `Provided schema version ${version} ${relation} last set version ${storedVersion}.`,
  );
}

/** Adds what a file lacks, in a write transaction of its own. Says whether there was anything. */
export function addMissing(store: CoreStore, question: SchemaQuestion, timestampMs: number): boolean {
  const { stored, storedVersion, wanted, version = storedVersion } = question;
  const isNewer = version > storedVersion;
  if (!isNewer && !needsUpdate(stored, wanted) && !indexesDiffer(stored, wanted)) return false;
  store.beginWrite(writeTimeoutMs);
  try {
    store.updateSchema(JSON.stringify(wanted));
    if (isNewer) store.setDeclaredVersion(version);
    store.commitWrite(timestampMs);
  } catch (error) {
    store.abortWrite();
    throw error;
  }
  return true;
}
