/**
 * App directories in memory.
 *
 * @module
 */

import type { AppFiles } from "../app-directory/files.js";
import { formatFinding } from "../app-directory/findings.js";
import { type AppDirectoryOptions, readAppDirectory } from "../app-directory/read.js";

/** Files by path: a text as it is, anything else as JSON, `undefined` for a file that is not there after all. */
export type FileContents = Readonly<Record<string, unknown>>;

/** The files, with what they hold. */
export function memoryFiles(contents: FileContents): AppFiles {
  const bytes = new Map<string, Uint8Array>();
  for (const [path, content] of Object.entries(contents)) {
    if (content === undefined) continue;
    const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    bytes.set(path, content instanceof Uint8Array ? content : new TextEncoder().encode(text));
  }
  return {
    list: () => [...bytes].map(([path, { length }]) => ({ path, bytes: length })),
    read: (path) => {
      const content = bytes.get(path);
      if (content === undefined) throw new Error(`no file ${path}`);
      return content;
    },
  };
}

/** What is found in a directory, as lines. */
export function findingsIn(contents: FileContents, options?: AppDirectoryOptions): readonly string[] {
  return readAppDirectory(memoryFiles(contents), options).findings.map(formatFinding);
}

const sync = {
  type: "flexible",
  state: "enabled",
  development_mode_enabled: false,
  service_name: "mongodb-atlas",
  database_name: "shop",
  client_max_offline_days: 30,
  is_recovery_mode_disabled: false,
  queryable_fields_names: ["owner_id"],
  collection_queryable_fields_names: { tasks: ["done"] },
  indexed_queryable_fields_names: ["owner_id"],
  asymmetric_tables: [],
};

/** Folder of the collection that {@link app} has. */
export const tasks = "data_sources/mongodb-atlas/shop/tasks/";

const filters = { read: { owner_id: "%%user.id" }, write: { owner_id: "%%user.id" } };
const role = { name: "owner", apply_when: {}, document_filters: filters, read: true, write: true };

/** A small app without a finding, with some files replaced or added. */
export function app(changes: FileContents = {}): FileContents {
  return {
    "root_config.json": { name: "todo", environment: "" },
    "environments/no-environment.json": { values: {} },
    "auth/providers.json": { "anon-user": { name: "anon-user", type: "anon-user", disabled: false } },
    "auth/custom_user_data.json": { enabled: false },
    "data_sources/mongodb-atlas/config.json": { name: "mongodb-atlas", type: "mongodb-atlas", config: {} },
    [`${tasks}schema.json`]: {
      title: "Task",
      bsonType: "object",
      properties: { _id: { bsonType: "objectId" }, owner_id: { bsonType: "string" }, done: { bsonType: "bool" } },
      required: ["_id", "owner_id"],
    },
    [`${tasks}rules.json`]: { database: "shop", collection: "tasks", roles: [role] },
    "sync/config.json": sync,
    ...changes,
  };
}

/** The app with another configuration of synchronisation. */
export function appWithSync(changes: object, others: FileContents = {}): FileContents {
  return app({ "sync/config.json": { ...sync, ...changes }, ...others });
}
