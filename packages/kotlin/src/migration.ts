/**
 * Migrations: what is done when a file has a lower version of the schema.
 *
 * @module
 */

import {
  Binding as EngineBinding,
  type ClassLayout,
  type MigrationFiles,
  type OpenOptions,
  type RealmFile,
} from "@tidemark/engine";
import { type Binding, type BoundModel, type Owner, type Scope, wrappers } from "./binding.js";
import type { Configuration } from "./configuration/configuration.js";
import { RealmConfiguration } from "./configuration/realm-configuration.js";
import { DynamicMutableRealmObject, DynamicRealmObject } from "./dynamic/dynamic-object.js";
import { DynamicMutableRealm, DynamicRealm } from "./dynamic/dynamic-realm.js";
import { IllegalStateException } from "./errors.js";

/** What a migration works with. Nothing of it is good for anything afterwards. */
export interface MigrationContext {
  /** The realm as it was, with its own models. It can only be read. */
  readonly oldRealm: DynamicRealm;
  /** The realm as it is to be, in the write transaction of the migration. */
  readonly newRealm: DynamicMutableRealm;
  /**
   * Calls back for each object of a model that the file had.
   *
   * @param block gets the object as it was and as it is now; null if the model is no longer declared, or the object
   * was deleted.
   */
  enumerate(
    className: string,
    block: (oldObject: DynamicRealmObject, newObject: DynamicMutableRealmObject | null) => void,
  ): void;
}

/** What a migration does. */
export type MigrationBlock = (context: MigrationContext) => void;

/** A migration. */
export interface RealmMigration {
  /** Brings the objects to the new version. Models have changed already; what they lose is in the old realm alone. */
  migrate(context: MigrationContext): void;
}

/** A migration before which the models are changed by themselves: all that there are. */
export type AutomaticSchemaMigration = RealmMigration;

/** Makes a migration of a function, as Kotlin does of a lambda. */
export function AutomaticSchemaMigration(migrate: MigrationBlock): AutomaticSchemaMigration {
  return { migrate };
}

/** How the version and a migration are to be dealt with. */
export function schemaOptions(configuration: Configuration): Partial<OpenOptions> {
  if (!(configuration instanceof RealmConfiguration)) return {};
  const { schemaVersion, deleteRealmIfMigrationNeeded, migration, resolvesEmbeddedConstraints } = configuration;
  return {
    schemaVersion,
    schemaMode: deleteRealmIfMigrationNeeded ? "soft-reset" : undefined,
    resolvesEmbedded: resolvesEmbeddedConstraints,
    onMigration: migration === null ? undefined : (files) => runMigration(configuration, migration, files),
  };
}

function runMigration(configuration: Configuration, migration: RealmMigration, files: MigrationFiles): void {
  const before = bindDynamic(files.before, "frozen");
  const after = bindDynamic(files.after, "live");
  const oldRealm = new DynamicRealm(configuration, before.binding);
  const newRealm = new DynamicMutableRealm(configuration, after.binding);
  try {
    migration.migrate({
      oldRealm,
      newRealm,
      enumerate: (className, block) => {
        const isKnown = files.after.database.layout(className) !== undefined;
        for (const old of oldRealm.query(className).find()) block(old, isKnown ? newRealm.findLatest(old) : null);
      },
    });
  } finally {
    before.scope.isOver = true;
    after.scope.isOver = true;
  }
}

function bindDynamic(file: RealmFile, kind: Scope["kind"]): { readonly binding: Binding; readonly scope: Scope } {
  const refuse = (): never => {
    throw new IllegalStateException("Objects of a migration cannot be followed or subscribed to");
  };
  const owner: Owner = { path: file.path, file, current: () => binding, flow: refuse, subscribe: refuse };
  const scope: Scope = { owner, kind, isOver: false };
  const { prototype } = kind === "live" ? DynamicMutableRealmObject : DynamicRealmObject;
  const makeClass = (layout: ClassLayout): BoundModel => ({ layout, prototype, ignored: [] });
  const binding: Binding = new EngineBinding<BoundModel>({ realm: scope, file, wrappers, makeClass });
  return { binding, scope };
}
