/**
 * Reads `data_sources/`: which there are, their collections, and the documents with the rules.
 *
 * @module
 */

import { z } from "zod";
import { asObject, own } from "../schema/problem.js";
import { type Directory, readObject } from "./directory.js";
import type { JsonDocument, PositionedJson } from "./json-document.js";

/** What `data_sources/` holds. */
export interface DataSources {
  /** Names of the folders. */
  readonly services: readonly string[];
  readonly collections: readonly CollectionFiles[];
  /** Documents of default roles by data source. */
  readonly defaultRoles: ReadonlyMap<string, PositionedJson>;
}

/** The files of one collection; `undefined` for those that are not there or cannot be read. */
export interface CollectionFiles {
  readonly service: string;
  readonly database: string;
  readonly collection: string;
  /** Folder, with `/` at the end. */
  readonly folder: string;
  readonly schema: JsonDocument | undefined;
  readonly relationships: JsonDocument | undefined;
  /** The array of roles, if the collection has one. */
  readonly roles: PositionedJson | null;
}

const text = z.string().optional();
const serviceShape = z.object({
  id: text,
  name: text,
  type: text,
  version: z.number().optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  secret_config: z.record(z.string(), z.unknown()).optional(),
});
const roleList = z.array(z.unknown(), "an array of roles is expected").optional();
const filterList = z.array(z.unknown(), "an array of filters is expected").optional();
const rulesShape = z.object({ id: text, database: text, collection: text, roles: roleList, filters: filterList });
const defaultRuleShape = z.object({ id: text, roles: roleList, filters: filterList });

const nameLengthMax = 64;

/** Reads all data sources. */
export function readDataSources(directory: Directory): DataSources {
  const services = new Set<string>();
  const folders = new Map<string, readonly [service: string, database: string, collection: string]>();
  for (const path of directory.paths) {
    const [root, service, database, collection, file] = path.split("/");
    if (root !== "data_sources" || service === undefined || database === undefined) continue;
    services.add(service);
    if (collection === undefined || file === undefined) continue;
    if (!collectionFiles.has(file)) continue;
    folders.set(`data_sources/${service}/${database}/${collection}/`, [service, database, collection]);
  }
  for (const service of services) readService(directory, service);
  return {
    services: [...services],
    collections: [...folders].map(([folder, [service, database, collection]]) => ({
      service,
      database,
      collection,
      folder,
      schema: directory.json(`${folder}schema.json`),
      relationships: directory.json(`${folder}relationships.json`),
      roles: readRules(directory, `${folder}rules.json`, database, collection),
    })),
    defaultRoles: new Map(
      [...services].flatMap((service) => {
        const roles = readDefaultRule(directory, `data_sources/${service}/default_rule.json`);
        return roles === null ? [] : [[service, roles]];
      }),
    ),
  };
}

/** Names of the files that a collection can have. */
export const collectionFiles: ReadonlySet<string> = new Set(["schema.json", "relationships.json", "rules.json"]);

function readService(directory: Directory, service: string): void {
  const file = `data_sources/${service}/config.json`;
  if (service.length > nameLengthMax || !/^[A-Za-z0-9_-]+$/.test(service)) {
    const message = `the name of a data source has up to ${nameLengthMax} letters, digits, "_" and "-"`;
    directory.findings.addFile("error", file, message);
  }
  const document = directory.json(file);
  if (document === undefined) {
    if (!directory.has(file))
      directory.findings.addFile("warning", file, `the data source "${service}" has no config.json`);
    return;
  }
  const config = readObject(document, [], document.value, serviceShape);
  if (config.name !== undefined && config.name !== service) {
    document.report(
      "error",
      ["name"],
      `name: "${service}" is expected as its folder is called, found "${config.name}"`,
    );
  }
  // The second is what servers of one's own have in the original.
  if (config.type !== undefined && !["mongodb-atlas", "mongodb"].includes(config.type)) {
    document.report("warning", ["type"], `data sources of type "${config.type}" cannot be synchronised`);
  }
}

function readRules(directory: Directory, file: string, database: string, collection: string): PositionedJson | null {
  const document = directory.json(file);
  if (document === undefined) return unreadable(directory, file);
  const rules = readObject(document, [], document.value, rulesShape);
  for (const [key, expected] of [
    ["database", database],
    ["collection", collection],
  ] as const) {
    const found = rules[key];
    if (found === undefined || found === expected) continue;
    document.report("error", [key], `${key}: "${expected}" is expected as its folder is called, found "${found}"`);
  }
  return takeRoles(document, rules);
}

function readDefaultRule(directory: Directory, file: string): PositionedJson | null {
  const document = directory.json(file);
  if (document === undefined) return unreadable(directory, file);
  return takeRoles(document, readObject(document, [], document.value, defaultRuleShape));
}

/** Rules that cannot be read are no absence of rules: whoever takes them as roles finds none that gives access. */
function unreadable(directory: Directory, file: string): PositionedJson | null {
  return directory.has(file) ? { value: undefined, locate: () => ({ file, line: 1, column: 1 }) } : null;
}

function takeRoles(document: JsonDocument, rules: z.output<typeof defaultRuleShape>): PositionedJson | null {
  reportFilters(document, rules.filters);
  const object = document.isBroken ? undefined : asObject(document.value);
  const isAbsent = object !== undefined && own(object, "roles") === undefined;
  return isAbsent ? null : document.part(["roles"], document.isBroken ? undefined : rules.roles);
}

function reportFilters(document: JsonDocument, filters: readonly unknown[] | undefined): void {
  if (filters === undefined || filters.length === 0) return;
  const message = "filters only matter for access to data past synchronisation, which is not offered yet";
  document.report("warning", ["filters"], message);
}
