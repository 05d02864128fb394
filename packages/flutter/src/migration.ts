/**
 * Migrations: what the callback of a local configuration works with.
 *
 * @module
 */

import {
  deleteClass,
  handleKey,
  type MigrationFiles,
  ObjectHandle,
  type OpenOptions,
  renameProperty,
  resolveHandle,
} from "@tidemark/engine";
import { Configuration, LocalConfiguration } from "./configuration.js";
import type { RealmObject } from "./data/object.js";
import type { RealmObjectBase } from "./data/object-base.js";
import { call, RealmStateError, UserCallbackException } from "./errors.js";
import type { ModelClass, ModelObject, RealmSchema } from "./model/schema.js";
import type { DynamicRealm, Realm } from "./realm.js";

/** The file as it was before a migration, with its own classes. It can only be read. */
export interface MigrationRealm extends DynamicRealm {
  /** The classes that the file had. */
  readonly schema: RealmSchema;
}

/** What a migration works with. Nothing of it is good for anything once the callback has returned. */
export interface Migration {
  /** The file as it was. */
  readonly oldRealm: MigrationRealm;
  /** The realm that is being opened, in the write transaction of the migration. */
  readonly newRealm: Realm;
  /** What an object of the old realm is in the new one; `null` if it is not there. */
  findInNewRealm<C extends ModelClass>(type: C, oldObject: RealmObjectBase): ModelObject<C> | null;
  /** Removes an object from the new realm. */
  delete(object: RealmObject): void;
  /**
   * Gives a property the values of one that is no longer declared.
   *
   * @throws `RealmException` if one of the two is not there, or the values do not fit.
   */
  renameProperty(className: string, oldPropertyName: string, newPropertyName: string): void;
  /** Removes a class that is no longer declared, with its objects. Whether there was one. */
  deleteType(className: string): boolean;
}

/** @internal Makes a realm over a file that is open. */
export type RealmOver = (configuration: Configuration, file: MigrationFiles["after"]) => Realm;

/** @internal How the version and a migration are to be dealt with. */
export function schemaOptions(configuration: Configuration, realmOver: RealmOver): Partial<OpenOptions> {
  if (!(configuration instanceof LocalConfiguration)) return {};
  const { schemaVersion, shouldDeleteIfMigrationNeeded } = configuration;
  return {
    schemaVersion: [...configuration.schema].length === 0 ? undefined : schemaVersion,
    schemaMode: shouldDeleteIfMigrationNeeded ? "soft-reset" : undefined,
    onMigration: (files) => runMigration(configuration, files, realmOver),
  };
}

/** Calls the callback of a configuration. */
function runMigration(configuration: LocalConfiguration, files: MigrationFiles, realmOver: RealmOver): void {
  const { migrationCallback, path } = configuration;
  if (migrationCallback === undefined) return;
  const oldRealm = realmOver(Configuration.local([], { path, isReadOnly: true }), files.before);
  const newRealm = realmOver(configuration, files.after);
  try {
    migrationCallback(migrationOf(oldRealm, newRealm, files), files.oldVersion);
  } catch (error) {
    throw new UserCallbackException(error);
  } finally {
    oldRealm.close();
    newRealm.close();
  }
}

function migrationOf(oldRealm: Realm, newRealm: Realm, { after: { database } }: MigrationFiles): Migration {
  return {
    oldRealm: { ...oldRealm.dynamic, schema: oldRealm.schema },
    newRealm,
    findInNewRealm: (_type, oldObject) => {
      const handle = oldObject[handleKey];
      if (!(handle instanceof ObjectHandle)) throw new RealmStateError("The object is not one of the old realm");
      const found = call(() => resolveHandle(database, handle));
      return (found === undefined ? null : newRealm.bound.wrap(found)) as never;
    },
    delete: (object) => newRealm.delete(object),
    renameProperty: (className, oldName, newName) =>
      call(() => renameProperty(database, className, oldName, storedName(database, className, newName))),
    deleteType: (className) => call(() => deleteClass(database, className)),
  };
}

/** The new name is the application's, the old one that of the file. */
function storedName(database: MigrationFiles["after"]["database"], className: string, name: string): string {
  return database.layout(className)?.columnByPublicName(name)?.name ?? name;
}
