/**
 * Reads `sync/config.json`, with the roles that it held before February 2023.
 *
 * @module
 */

import { z } from "zod";
import { asObject, own } from "../schema/problem.js";
import type { JsonPath } from "../schema/json-schema.js";
import type { SyncConfiguration } from "./configuration.js";
import { type Directory, readObject } from "./directory.js";
import type { JsonDocument, PositionedJson } from "./json-document.js";

/** The file of the synchronisation, read on its own. */
export interface SyncFile {
  readonly document: JsonDocument | undefined;
  readonly configuration: SyncConfiguration;
  /** Roles in the deprecated form, as roles of today: of collections, and default ones. */
  readonly migratedRoles: ReadonlyMap<string, PositionedJson>;
  readonly migratedDefaultRoles: PositionedJson | null;
}

/** Where the file is. */
export const syncFilePath = "sync/config.json";

const fieldNames = z.array(z.string(), "an array of names is expected");
const syncShape = z.object({
  type: z.enum(["flexible", "partition"]).optional(),
  state: z.enum(["enabled", "disabled", ""]).optional(),
  development_mode_enabled: z.boolean().optional(),
  service_name: z.string().optional(),
  cluster_name: z.string().optional(),
  database_name: z.string().optional(),
  client_max_offline_days: z.int("a whole number is expected").min(1, "at least 1 day is expected").optional(),
  is_recovery_mode_disabled: z.boolean().optional(),
  // The original writes null for what is empty.
  queryable_fields_names: fieldNames.nullish(),
  collection_queryable_fields_names: z.record(z.string(), fieldNames).nullish(),
  indexed_queryable_fields_names: fieldNames.max(1, "at most one name is allowed").nullish(),
  asymmetric_tables: fieldNames.nullish(),
  last_disabled: z.number().optional(),
  permissions: z.unknown().optional(),
  partition: z.unknown().optional(),
});

/** Reads the file. What it says of fields and collections is checked once the schema is known. */
export function readSyncFile(directory: Directory): SyncFile {
  const document = directory.json(syncFilePath);
  const file = document === undefined ? {} : readObject(document, [], document.value, syncShape);
  const type = file.type ?? (file.partition === undefined ? "flexible" : "partition");
  const [indexedQueryableField = null] = file.indexed_queryable_fields_names ?? [];
  const queryableFields = file.queryable_fields_names ?? [];
  if (document !== undefined) checkKind(document, type, file);
  if (indexedQueryableField !== null && !queryableFields.includes(indexedQueryableField)) {
    const message = `"${indexedQueryableField}" must be one of queryable_fields_names too`;
    document?.report("error", ["indexed_queryable_fields_names", 0], message);
  }
  return {
    document,
    configuration: {
      type,
      // Neither a file with nothing but `development_mode_enabled` nor none at all switches it on.
      state: file.state === undefined || file.state === "" ? "off" : file.state,
      isDevelopmentMode: file.development_mode_enabled ?? false,
      serviceName: file.service_name === undefined || file.service_name === "" ? null : file.service_name,
      databaseName: file.database_name === undefined || file.database_name === "" ? null : file.database_name,
      maxOfflineDays: file.client_max_offline_days ?? null,
      isRecoveryModeDisabled: file.is_recovery_mode_disabled ?? false,
      queryableFields,
      collectionQueryableFields: file.collection_queryable_fields_names ?? {},
      indexedQueryableField,
      asymmetricTables: file.asymmetric_tables ?? [],
    },
    ...migratePermissions(document, file.permissions),
  };
}

function checkKind(document: JsonDocument, type: SyncConfiguration["type"], file: z.output<typeof syncShape>): void {
  if (type === "partition") {
    const key = file.type === undefined ? "partition" : "type";
    const message = "partition-based synchronisation is not offered: its clients are refused; flexible is";
    document.report("warning", [key], message);
  } else if (file.partition !== undefined) {
    document.report("warning", ["partition"], "partition is ignored: the type of synchronisation is flexible");
  }
}

const permissionsShape = z.object({
  rules: z.record(z.string(), z.array(z.unknown(), "an array of roles is expected")).optional(),
  defaultRoles: z.array(z.unknown(), "an array of roles is expected").optional(),
});

function migratePermissions(
  document: JsonDocument | undefined,
  value: unknown,
): Pick<SyncFile, "migratedRoles" | "migratedDefaultRoles"> {
  if (document === undefined || value === undefined) return { migratedRoles: new Map(), migratedDefaultRoles: null };
  const permissions = readObject(document, ["permissions"], value, permissionsShape);
  const message = "permissions are rules in the form from before February 2023; they are read as roles";
  document.report("information", ["permissions"], message);
  const rules = Object.entries(permissions.rules ?? {});
  return {
    migratedRoles: new Map(
      rules.map(([name, roles]) => [name, migrateRoles(document, ["permissions", "rules", name], roles)]),
    ),
    migratedDefaultRoles:
      permissions.defaultRoles === undefined
        ? null
        : migrateRoles(document, ["permissions", "defaultRoles"], permissions.defaultRoles),
  };
}

const oldRoleKeys: ReadonlySet<string> = new Set(["name", "applyWhen", "read", "write"]);

function migrateRoles(document: JsonDocument, path: JsonPath, roles: readonly unknown[]): PositionedJson {
  const value = roles.map((role, index) => {
    const old = asObject(role);
    if (old === undefined) return role;
    for (const key of Object.keys(old)) {
      if (!oldRoleKeys.has(key)) document.report("warning", [...path, index, key], `unknown key "${key}"`);
    }
    return migrateRole(old);
  });
  return { value, locate: (inner) => document.locate([...path, ...oldPath(inner)]) };
}

function migrateRole(old: Readonly<Record<string, unknown>>): unknown {
  const present = (name: string, oldName: string): object => {
    const value = own(old, oldName);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    ...present("name", "name"),
    ...present("apply_when", "applyWhen"),
    document_filters: { ...present("read", "read"), ...present("write", "write") },
    read: true,
    write: true,
    insert: true,
    delete: true,
    search: true,
  };
}

/** Where something in a role of today stands in the old one. */
function oldPath([index, key, ...rest]: JsonPath): JsonPath {
  if (index === undefined) return [];
  if (key === "document_filters") return [index, ...rest];
  if (key === "apply_when") return [index, "applyWhen", ...rest];
  return key === "name" ? [index, key, ...rest] : [index];
}
