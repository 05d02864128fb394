/**
 * From JSON Schema to classes: what the collections of an app are to its clients.
 *
 * @module
 */

import {
  type ClassInformation,
  classNameBytesMax,
  keyTypes,
  nameBytes,
  type PrimaryKeyInformation,
} from "./classes.js";
import { type JsonPath, realmTypes } from "./json-schema.js";
import { asObject, type CollectionSource, own, type ProblemReport, type SchemaProblem } from "./problem.js";
import { checkKeywords, type Reading, readProperties } from "./read-properties.js";
import { type LinkTarget, placeKey, Relationships } from "./relationships.js";

/** The classes of an app, and how they came about. */
export interface RealmSchema {
  /** Classes of collections in the order given, then embedded ones by name. Those with errors are left out. */
  readonly classes: readonly ClassInformation[];
  /** Collection of each class that has one. */
  readonly collections: ReadonlyMap<string, CollectionSource>;
  /** Defaults by class, then by property, as Extended JSON. */
  readonly defaults: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  /** What is wrong, or will not work. */
  readonly problems: readonly SchemaProblem[];
}

const primaryKeyName = "_id";

/** A collection whose schema has a class, while it is being read. */
interface Candidate {
  readonly source: CollectionSource;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly className: string;
  readonly key: PrimaryKeyInformation;
  readonly report: ProblemReport;
}

/** What the collections share. */
type Shared = Pick<Reading, "topLevelNames" | "embedded" | "references" | "defaults">;

/** A collection that was read. */
interface ReadCollection {
  readonly candidate: Candidate;
  readonly information: ClassInformation;
  readonly links: Reading["links"];
  readonly isExcluded: boolean;
}

/**
 * Reads the schemas of the collections of one data source.
 *
 * A collection without a class (no schema, no title, types that Realm does not have) is left out with a problem that
 * says so. Anything wrong is in {@link RealmSchema.problems} with its place; nothing is thrown.
 */
export function readRealmSchema(sources: readonly CollectionSource[]): RealmSchema {
  const problems: SchemaProblem[] = [];
  const candidates = findCandidates(sources, problems);
  const targets = new Map<string, LinkTarget>(
    candidates.map(({ source, className, key }) => [
      placeKey(source.service, source.database, source.collection),
      { className, keyType: key.type, isAsymmetric: source.isAsymmetric },
    ]),
  );
  const shared: Shared = {
    topLevelNames: new Set(candidates.map((one) => one.className)),
    embedded: new Map<string, ClassInformation>(),
    references: [],
    defaults: new Map<string, Map<string, unknown>>(),
  };
  const read = candidates.map((candidate) => readCollection(candidate, targets, shared));
  checkReferences(shared);
  const kept = withoutExcluded(read);
  const classes = kept.map((one) => one.information);
  const embedded = reachable(classes, shared.embedded);
  const all = [...classes, ...embedded];
  return {
    classes: all,
    collections: new Map(kept.map((one) => [one.information.name, one.candidate.source])),
    defaults: new Map(all.flatMap(({ name }) => entry(name, shared.defaults.get(name)))),
    problems,
  };
}

function entry<T>(name: string, value: T | undefined): readonly [string, T][] {
  return value === undefined ? [] : [[name, value]];
}

function findCandidates(sources: readonly CollectionSource[], problems: SchemaProblem[]): Candidate[] {
  const titles = new Map<string, CollectionSource>();
  return sources.flatMap((source) => {
    const report: ProblemReport = (severity, path, message, document = "schema") =>
      problems.push({ source, document, path, severity, message });
    const candidate = readCandidate(source, report);
    if (candidate === undefined) return [];
    const earlier = titles.get(candidate.className);
    if (earlier !== undefined) {
      const where = `collection "${earlier.collection}" of database "${earlier.database}"`;
      report("error", ["title"], `the title "${candidate.className}" is that of ${where} already`);
      return [];
    }
    titles.set(candidate.className, source);
    return [candidate];
  });
}

function readCandidate(source: CollectionSource, report: ProblemReport): Candidate | undefined {
  const subject = `collection "${source.collection}"`;
  if (source.schema === undefined) return undefined;
  const schema = asObject(source.schema);
  if (schema === undefined) {
    report("error", [], `${subject}: the schema must be an object`);
    return undefined;
  }
  const className = own(schema, "title");
  if (className === undefined) {
    report("warning", [], `${subject} is not synchronised: its schema has no title, which is the name of the class`);
    return undefined;
  }
  if (typeof className !== "string") {
    report("error", ["title"], `${subject}: title must be a string`);
    return undefined;
  }
  const bytes = nameBytes(className);
  if (bytes === 0 || bytes > classNameBytesMax) {
    const message = `${subject}: the name of a class has 1 to ${classNameBytesMax} bytes; "${className}" has ${bytes}`;
    report("error", ["title"], message);
    return undefined;
  }
  if ((own(schema, "bsonType") ?? "object") !== "object") {
    report("error", ["bsonType"], `class ${className}: the bsonType of a collection's schema is "object"`);
    return undefined;
  }
  const key = readPrimaryKey(className, schema, report);
  return key === undefined ? undefined : { source, schema, className, key, report };
}

function readPrimaryKey(
  className: string,
  schema: Readonly<Record<string, unknown>>,
  report: ProblemReport,
): PrimaryKeyInformation | undefined {
  const say = (path: JsonPath, message: string): undefined => {
    report("error", path, `class ${className}: ${message}`);
  };
  const properties = asObject(own(schema, "properties") ?? {});
  if (properties === undefined) return say(["properties"], "properties must be an object");
  const property = asObject(own(properties, primaryKeyName));
  if (property === undefined) return say(["properties"], "there must be a property _id: it is the primary key");
  const bsonType = own(property, "bsonType");
  const type = typeof bsonType === "string" ? realmTypes.get(bsonType) : undefined;
  if (type === undefined || !keyTypes.includes(type)) {
    const found = bsonType === undefined ? "nothing" : JSON.stringify(bsonType);
    const path = ["properties", primaryKeyName, ...(bsonType === undefined ? [] : ["bsonType"])];
    return say(path, `the bsonType of _id is string, int, long, objectId or uuid; found ${found}`);
  }
  const required = own(schema, "required");
  const isRequired = Array.isArray(required) && required.includes(primaryKeyName);
  return { name: primaryKeyName, type, nullable: !isRequired };
}

function readCollection(
  candidate: Candidate,
  targets: ReadonlyMap<string, LinkTarget>,
  shared: Shared,
): ReadCollection {
  const { source, schema, className, key, report } = candidate;
  let isExcluded = false;
  const relationships = new Relationships(source, targets, report);
  const reading: Reading = {
    ...shared,
    report,
    relationships,
    links: [],
    exclude: () => {
      isExcluded = true;
    },
  };
  checkKeywords(reading, `class ${className}`, schema, []);
  const keySchema = asObject(own(asObject(own(schema, "properties")) ?? {}, primaryKeyName)) ?? {};
  checkKeywords(reading, `class ${className}, property _id`, keySchema, ["properties", primaryKeyName]);
  const columns = readProperties(reading, className, schema, { path: [], field: "", depth: 0 }, primaryKeyName);
  relationships.reportRest(report);
  const kind = source.isAsymmetric ? "asymmetric" : "top";
  return {
    candidate,
    information: { name: className, kind, primaryKey: key, columns },
    links: reading.links,
    isExcluded,
  };
}

/** A class that is only named must be described somewhere. */
function checkReferences(shared: Shared): void {
  for (const { className, path, report } of shared.references) {
    if (shared.embedded.has(className)) continue;
    report("error", path, `there is no embedded class ${className}: an object with this title needs properties`);
  }
}

/** Leaves out what cannot be synchronised, and reports links that lead there. */
function withoutExcluded(collections: readonly ReadCollection[]): readonly ReadCollection[] {
  const excluded = new Set(collections.filter((one) => one.isExcluded).map((one) => one.information.name));
  const kept = collections.filter((one) => !one.isExcluded);
  for (const { candidate, links } of kept) {
    for (const { target, key } of links) {
      if (!excluded.has(target.className)) continue;
      const message = `relationship "${key}": the collection of class ${target.className} is not synchronised`;
      candidate.report("error", [key, "ref"], message, "relationships");
    }
  }
  return kept;
}

/** Embedded classes that objects of the classes can hold, by name. */
function reachable(
  classes: readonly ClassInformation[],
  embedded: ReadonlyMap<string, ClassInformation>,
): readonly ClassInformation[] {
  const found = new Map<string, ClassInformation>();
  const waiting = [...classes];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { target } of next.columns) {
      const information = embedded.get(target ?? "");
      if (information === undefined || found.has(information.name)) continue;
      found.set(information.name, information);
      waiting.push(information);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
