/**
 * From an app's configuration to the rules of its sessions, and what is wrong with them by file and line.
 *
 * @module
 */

import type { AppConfiguration, CollectionConfiguration, SyncConfiguration } from "./app-directory/configuration.js";
import { type AppFiles, defaultAppDirectoryLimits } from "./app-directory/files.js";
import { type Finding, Findings } from "./app-directory/findings.js";
import type { PositionedJson } from "./app-directory/json-document.js";
import { type AppDirectoryOptions, readAppDirectory, type ReadAppDirectory } from "./app-directory/read.js";
import type { QueryableFields } from "./ledger.js";
import { type RuleSet, syncIncompatibility } from "./rules/effective-role.js";
import { parseRoles, type RoleDocument } from "./rules/parse-roles.js";
import { type RuleSchema, ruleSchema } from "./rules/schema.js";
import { asObject } from "./schema/problem.js";

/** The rules of an app, and what is wrong with them. */
export interface AppRules {
  /** The rules. */
  readonly rules: RuleSet;
  /** By file, line and column: errors in roles, and warnings of those that give no access. */
  readonly findings: readonly Finding[];
}

/**
 * Reads an app's directory with its rules: {@link readAppDirectory}, and whether the roles of what is synchronised can
 * be used. Nothing that the files hold makes it throw.
 */
export function readApp(files: AppFiles, options: AppDirectoryOptions = {}): ReadAppDirectory {
  const { configuration, findings } = readAppDirectory(files, options);
  const all = new Findings(options.limits?.findingsMax ?? defaultAppDirectoryLimits.findingsMax);
  for (const one of [...findings, ...readAppRules(configuration).findings]) all.add(one.severity, one, one.message);
  return { configuration, findings: all.sorted() };
}

/** Reads the roles of the synchronised data source. A role that is wrong is kept, and gives no access. */
export function readAppRules(configuration: AppConfiguration): AppRules {
  const { collections, defaultRoles, sync } = configuration;
  const findings = new Findings(defaultAppDirectoryLimits.findingsMax);
  const schema = ruleSchema(configuration.classes, queryableTest(queryableFields(configuration)));
  const read = (json: PositionedJson, classNames: readonly string[]): readonly RoleDocument[] => {
    const roles = parseRoles(json.value, (path, message) => findings.add("error", json.locate(path), message));
    roles.forEach((role, index) => {
      for (const message of roleProblems(role, classNames, schema)) {
        findings.add("warning", json.locate([index]), message);
      }
    });
    return roles;
  };
  const classes = new Map<string, readonly RoleDocument[]>();
  for (const collection of collections) {
    const className = classNameOf(collection, sync);
    if (className === null || collection.roles === null) continue;
    classes.set(className, read(collection.roles, [className]));
  }
  const defaults = sync.serviceName === null ? undefined : own(defaultRoles, sync.serviceName);
  const others = configuration.classes.filter((one) => one.kind !== "embedded" && !classes.has(one.name));
  return {
    rules: {
      classes,
      defaults:
        defaults === undefined
          ? []
          : read(
              defaults,
              others.map((one) => one.name),
            ),
    },
    findings: findings.sorted(),
  };
}

/** Why a role gives no access to some of the classes that it is for, or to any class if none is known yet. */
function roleProblems(role: RoleDocument, classNames: readonly string[], schema: RuleSchema): readonly string[] {
  const found = new Map<string, string[]>();
  for (const className of classNames.length > 0 ? classNames : [null]) {
    const problem = syncIncompatibility(role, className, schema);
    if (problem !== null) found.set(problem, [...(found.get(problem) ?? []), className ?? "any class"]);
  }
  return [...found].map(([problem, names]) => `role "${role.name}" gives no access to ${names.join(", ")}: ${problem}`);
}

/** Without a schema a collection is that of the class of its name, once Development Mode has made it. */
function classNameOf(collection: CollectionConfiguration, sync: SyncConfiguration): string | null {
  if (collection.service !== sync.serviceName) return null;
  if (collection.className !== null) return collection.className;
  const hasSchema = Object.keys(asObject(collection.schema) ?? {}).length > 0;
  return hasSchema || collection.database !== sync.databaseName ? null : collection.collection;
}

/** The queryable fields by class. The configuration may name a collection or its class. */
export function queryableFields({ sync, collections }: AppConfiguration): QueryableFields {
  const classNames = new Map(
    collections.flatMap((one): [string, string][] =>
      one.service === sync.serviceName && one.className !== null ? [[one.collection, one.className]] : [],
    ),
  );
  const classes = new Map<string, readonly string[]>();
  for (const [name, fields] of Object.entries(sync.collectionQueryableFields)) {
    const className = classNames.get(name) ?? name;
    classes.set(className, [...new Set([...(classes.get(className) ?? []), ...fields])]);
  }
  const indexed = sync.indexedQueryableField;
  return { global: sync.queryableFields, classes: Object.fromEntries(classes), indexed };
}

/** Whether rules may look at a field of a class; `null` for one that is not known yet. */
export function queryableTest(fields: QueryableFields): RuleSchema["isQueryable"] {
  const global = new Set(["_id", ...fields.global]);
  return (className, field) =>
    global.has(field) || (className !== null && (own(fields.classes, className)?.includes(field) ?? false));
}

/** Whether fields could be used that no longer can. */
export function losesFields(before: QueryableFields, after: QueryableFields): boolean {
  const isQueryable = queryableTest(after);
  return (
    before.global.some((field) => !isQueryable(null, field)) ||
    Object.entries(before.classes).some(([name, fields]) => fields.some((field) => !isQueryable(name, field)))
  );
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
