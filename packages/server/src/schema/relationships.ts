/**
 * Reads `relationships.json`: which fields are links, and to which collection.
 *
 * @module
 */

import { asObject, type CollectionSource, own, type ProblemReport } from "./problem.js";

/** A class that links can lead to. */
export interface LinkTarget {
  readonly className: string;
  /** Realm's type of its primary key. */
  readonly keyType: string;
  readonly isAsymmetric: boolean;
}

/** A relationship whose form is right. */
export interface ReadRelationship {
  readonly target: LinkTarget;
  readonly isList: boolean;
  /** Key in `relationships.json`. */
  readonly key: string;
}

const knownKeys: ReadonlySet<string> = new Set(["ref", "source_key", "foreign_key", "is_list"]);
const refPattern = /^#\/relationship\/([^/]+)\/([^/]+)\/(.+)$/;

/** What a collection is known by among all collections. */
export function placeKey(service: string, database: string, collection: string): string {
  return JSON.stringify([service, database, collection]);
}

/** The relationships of one collection; each is taken once by the property it belongs to. */
export class Relationships {
  readonly #byPath = new Map<string, ReadRelationship>();
  /** Fields whose relationship is wrong: they are reported, and are no plain values either. */
  readonly #wrong = new Set<string>();

  constructor(source: CollectionSource, targets: ReadonlyMap<string, LinkTarget>, report: ProblemReport) {
    if (source.relationships === undefined) return;
    const document = asObject(source.relationships);
    if (document === undefined) {
      report("error", [], "relationships must be an object", "relationships");
      return;
    }
    for (const [key, value] of Object.entries(document)) {
      const path = fieldPath(key);
      const relationship = readRelationship(key, value, source, targets, report);
      if (relationship === undefined) this.#wrong.add(path);
      else this.#byPath.set(path, relationship);
    }
  }

  /** The relationship of a field: dots into embedded objects, `[]` for elements of a collection on the way. */
  take(path: string): ReadRelationship | "wrong" | undefined {
    if (this.#wrong.has(path)) return "wrong";
    const found = this.#byPath.get(path);
    this.#byPath.delete(path);
    return found;
  }

  /** Reports what no property took. */
  reportRest(report: ProblemReport): void {
    for (const { key } of this.#byPath.values()) {
      const message =
        key === "_id"
          ? "_id cannot be a link"
          : `there is no property at "${key}" whose value can be a key of another document`;
      report("error", [key], message, "relationships");
    }
  }
}

/** The `[]` at the end says of a list of links what `is_list` says already. */
function fieldPath(key: string): string {
  return key.endsWith(".[]") ? key.slice(0, -3) : key;
}

function readRelationship(
  key: string,
  value: unknown,
  source: CollectionSource,
  targets: ReadonlyMap<string, LinkTarget>,
  report: ProblemReport,
): ReadRelationship | undefined {
  const say = (name: string | undefined, message: string): undefined => {
    report("error", name === undefined ? [key] : [key, name], `relationship "${key}": ${message}`, "relationships");
  };
  const object = asObject(value);
  if (object === undefined) return say(undefined, "must be an object");
  for (const name of Object.keys(object)) {
    if (knownKeys.has(name)) continue;
    report("warning", [key, name], `relationship "${key}": unknown key "${name}"`, "relationships");
  }
  const target = readTarget(object, source, targets, say);
  const sourceKey = own(object, "source_key");
  if (sourceKey !== undefined && typeof sourceKey !== "string") return say("source_key", "source_key must be a string");
  const isList = own(object, "is_list") ?? false;
  if (typeof isList !== "boolean") return say("is_list", "is_list must be true or false");
  const foreignKey = own(object, "foreign_key");
  if (foreignKey === undefined) return say(undefined, 'foreign_key is missing; links lead to "_id"');
  if (foreignKey !== "_id") {
    const given = JSON.stringify(foreignKey);
    return say("foreign_key", `foreign_key must be "_id" where the collection is synchronised, not ${given}`);
  }
  return target === undefined ? undefined : { target, isList, key };
}

function readTarget(
  object: Readonly<Record<string, unknown>>,
  source: CollectionSource,
  targets: ReadonlyMap<string, LinkTarget>,
  say: (name: string | undefined, message: string) => undefined,
): LinkTarget | undefined {
  const ref = own(object, "ref");
  if (ref === undefined) return say(undefined, "ref is missing");
  const [, service, database, collection] = (typeof ref === "string" ? refPattern.exec(ref) : null) ?? [];
  if (service === undefined || database === undefined || collection === undefined) {
    return say("ref", 'ref must have the form "#/relationship/<data source>/<database>/<collection>"');
  }
  if (service !== source.service) {
    return say("ref", `the target is in another data source, "${service}"; links stay in "${source.service}"`);
  }
  const target = targets.get(placeKey(service, database, collection));
  if (target === undefined) {
    return say("ref", `there is no collection "${collection}" with a class in database "${database}"`);
  }
  if (target.isAsymmetric)
    return say("ref", `objects of class ${target.className} are only written; nothing links there`);
  return target;
}
