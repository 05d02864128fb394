/**
 * How a realm is opened that is not synchronised.
 *
 * @module
 */

import { engine } from "../engine.js";
import type { MigrationBlock, RealmMigration } from "../migration.js";
import type { CheckedModels, ModelClass } from "../schema/model.js";
import { type CommonSettings, Configuration, defaultSettings, SharedBuilder } from "./configuration.js";

interface LocalSettings extends CommonSettings {
  readonly directory: string;
  /** Whether a file that would have to be migrated, or has another version, is deleted when it is opened. */
  readonly deleteRealmIfMigrationNeeded: boolean;
  /** Brings the objects of a file to a new version of the schema. */
  readonly migration: RealmMigration | null;
  /** Of models that become embedded: whether objects without and with several links are removed and copied. */
  readonly resolvesEmbeddedConstraints: boolean;
}

/** How a realm is opened that is not synchronised. Made by {@link RealmConfiguration.create} or its `Builder`. */
export class RealmConfiguration extends Configuration {
  /** Folder of the file. */
  readonly directory: string;
  /** Whether a file that would have to be migrated, or has another version, is deleted when it is opened. */
  readonly deleteRealmIfMigrationNeeded: boolean;
  /** Brings the objects of a file to a new version of the schema. */
  readonly migration: RealmMigration | null;
  /** Of models that become embedded: whether objects without and with several links are removed and copied. */
  readonly resolvesEmbeddedConstraints: boolean;

  /** @internal */
  constructor(settings: LocalSettings) {
    super(settings);
    this.directory = settings.directory;
    this.deleteRealmIfMigrationNeeded = settings.deleteRealmIfMigrationNeeded;
    this.migration = settings.migration;
    this.resolvesEmbeddedConstraints = settings.resolvesEmbeddedConstraints;
  }

  /** `new RealmConfiguration.Builder([Task])` */
  static get Builder(): RealmConfigurationBuilderClass {
    return RealmConfigurationBuilder;
  }

  /** With all defaults. */
  static create<const S extends readonly ModelClass[]>(schema: S & CheckedModels<S>): RealmConfiguration {
    return new RealmConfigurationBuilder(schema).build();
  }

  override get path(): string {
    const { files } = engine().host;
    return files.resolve(files.join(this.directory, this.name));
  }
}

/** Sets how a realm is opened that is not synchronised. */
export class RealmConfigurationBuilder extends SharedBuilder<LocalSettings> {
  /** @internal */
  constructor(schema: readonly ModelClass[]) {
    super({
      ...defaultSettings(schema),
      directory: ".",
      deleteRealmIfMigrationNeeded: false,
      migration: null,
      resolvesEmbeddedConstraints: false,
    });
  }

  /** Folder of the file; the current one by default. */
  directory(directory: string): this {
    return this.set({ directory });
  }

  /** Keeps the data in memory. The name tells realms apart. */
  inMemory(): this {
    return this.set({ inMemory: true });
  }

  /** A file that would have to be migrated, or has another version, is deleted when it is opened. */
  deleteRealmIfMigrationNeeded(): this {
    return this.set({ deleteRealmIfMigrationNeeded: true });
  }

  /**
   * What is done when the file has a lower version, in one write transaction with the change of its models. What it
   * throws undoes all of it and is thrown by the opening.
   *
   * @param resolveEmbeddedObjectConstraints of models that become embedded: whether objects that nothing links to are
   * removed, and those with several links copied. Else the migration fails for them.
   */
  migration(migration: RealmMigration | MigrationBlock, resolveEmbeddedObjectConstraints: boolean = false): this {
    return this.set({
      migration: typeof migration === "function" ? { migrate: migration } : migration,
      resolvesEmbeddedConstraints: resolveEmbeddedObjectConstraints,
    });
  }

  /** The configuration as it is set now. */
  build(): RealmConfiguration {
    return new RealmConfiguration(this.settings);
  }
}

/** Makes builders, whose models are checked. */
export interface RealmConfigurationBuilderClass {
  new <const S extends readonly ModelClass[]>(schema: S & CheckedModels<S>): RealmConfigurationBuilder;
}
