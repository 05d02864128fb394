/**
 * How a realm is opened that is not synchronised.
 *
 * @module
 */

import { engine } from "../engine.js";
import { UnsupportedOperationException } from "../errors.js";
import type { CheckedModels, ModelClass } from "../schema/model.js";
import { type CommonSettings, Configuration, defaultSettings, SharedBuilder } from "./configuration.js";

interface LocalSettings extends CommonSettings {
  readonly directory: string;
  /** Whether a file of another schema is deleted when it is opened. */
  readonly deleteRealmIfMigrationNeeded: boolean;
}

/** How a realm is opened that is not synchronised. Made by {@link RealmConfiguration.create} or its `Builder`. */
export class RealmConfiguration extends Configuration {
  /** Folder of the file. */
  readonly directory: string;
  /** Whether a file of another schema is deleted when it is opened. */
  readonly deleteRealmIfMigrationNeeded: boolean;

  /** @internal */
  constructor(settings: LocalSettings) {
    super(settings);
    this.directory = settings.directory;
    this.deleteRealmIfMigrationNeeded = settings.deleteRealmIfMigrationNeeded;
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
    super({ ...defaultSettings(schema), directory: ".", deleteRealmIfMigrationNeeded: false });
  }

  /** Folder of the file; the current one by default. */
  directory(directory: string): this {
    return this.set({ directory });
  }

  /** Keeps the data in memory. The name tells realms apart. */
  inMemory(): this {
    return this.set({ inMemory: true });
  }

  /** A file of another schema is deleted when it is opened. */
  deleteRealmIfMigrationNeeded(): this {
    return this.set({ deleteRealmIfMigrationNeeded: true });
  }

  /** @throws {@link UnsupportedOperationException} always. */
  migration(_migration: unknown): this {
    throw new UnsupportedOperationException("Migrations are not supported");
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
