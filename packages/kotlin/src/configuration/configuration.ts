/**
 * What configurations of realms have in common.
 *
 * @module
 */

import { IllegalArgumentException, UnsupportedOperationException } from "../errors.js";
import type { MutableRealm } from "../mutable-realm.js";
import type { ModelClass } from "../schema/model.js";
import { checkKey } from "./app-configuration.js";

/** Writes the first data of a realm. */
export type InitialDataCallback = (realm: MutableRealm) => void;

/** Says whether a file is to be made smaller when it is opened. */
export type CompactOnLaunchCallback = (totalBytes: number, usedBytes: number) => boolean;

/** Settings of any realm. */
export interface CommonSettings {
  /** The models. */
  readonly schema: readonly ModelClass[];
  /** Name of the file, or of the realm in memory. */
  readonly name: string;
  /** Version of the schema; a synchronised realm tells the server. */
  readonly schemaVersion: number;
  /** How many versions may be in use when a write begins; infinite by default. */
  readonly maxNumberOfActiveVersions: number;
  /** Whether the data is gone when the realm is closed. */
  readonly inMemory: boolean;
  /** Writes the first data of a file that is new. */
  readonly initialDataCallback: InitialDataCallback | null;
  /** The 64 bytes that the file is encrypted with; `null` if it is not. */
  readonly encryptionKey: Uint8Array | null;
  /** Says at opening whether the file is to be made smaller. */
  readonly compactOnLaunchCallback: CompactOnLaunchCallback | null;
}

/** What `compactOnLaunch` without a callback asks: more than 50 MB, less than half of it in use. */
const defaultCompactOnLaunch: CompactOnLaunchCallback = (totalBytes, usedBytes) =>
  totalBytes > 50 * 1024 * 1024 && usedBytes / totalBytes < 0.5;

/** How a realm is opened. */
export abstract class Configuration implements CommonSettings {
  readonly schema: readonly ModelClass[];
  readonly name: string;
  readonly schemaVersion: number;
  readonly maxNumberOfActiveVersions: number;
  readonly inMemory: boolean;
  readonly initialDataCallback: InitialDataCallback | null;
  readonly encryptionKey: Uint8Array | null;
  readonly compactOnLaunchCallback: CompactOnLaunchCallback | null;

  /** @internal */
  constructor(settings: CommonSettings) {
    this.schema = settings.schema;
    this.name = settings.name;
    this.schemaVersion = settings.schemaVersion;
    this.maxNumberOfActiveVersions = settings.maxNumberOfActiveVersions;
    this.inMemory = settings.inMemory;
    this.initialDataCallback = settings.initialDataCallback;
    this.encryptionKey = settings.encryptionKey;
    this.compactOnLaunchCallback = settings.compactOnLaunchCallback;
  }

  /** Where the file is: absolute. */
  abstract get path(): string;
}

export const defaultFileName = "default.realm";

/** Settings without anything chosen. */
export function defaultSettings(schema: readonly ModelClass[]): CommonSettings {
  return {
    schema,
    name: defaultFileName,
    schemaVersion: 0,
    maxNumberOfActiveVersions: Number.POSITIVE_INFINITY,
    inMemory: false,
    initialDataCallback: null,
    encryptionKey: null,
    compactOnLaunchCallback: null,
  };
}

function checkName(name: string): void {
  if (name === "") throw new IllegalArgumentException("A non-empty filename must be provided.");
  if (/[/\\]/.test(name)) {
    throw new IllegalArgumentException(
      `Name cannot contain path separator '${/[/\\]/.exec(name)?.[0] ?? ""}': '${name}'`,
    );
  }
  if (name === ".realm") throw new IllegalArgumentException("'.realm' is not a valid filename");
}

/** Sets what configurations of all kinds have. */
export abstract class SharedBuilder<Settings extends CommonSettings> {
  /** @internal */
  protected settings: Settings;

  /** @internal */
  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** @internal */
  protected set(change: Partial<Settings>): this {
    this.settings = { ...this.settings, ...change };
    return this;
  }

  #set(change: Partial<CommonSettings>): this {
    return this.set(change as Partial<Settings>);
  }

  /** Name of the file, `default.realm` by default. */
  name(name: string): this {
    checkName(name);
    return this.#set({ name });
  }

  /** Version of the schema, 0 by default. */
  schemaVersion(version: number): this {
    if (!Number.isSafeInteger(version) || version < 0) {
      throw new IllegalArgumentException(
        `Realm schema version numbers must be 0 (zero) or higher. Yours was: ${version}`,
      );
    }
    return this.#set({ schemaVersion: version });
  }

  /**
   * The key that the file is encrypted with when it is made, and opened with: 64 bytes. Opening throws
   * {@link IllegalStateException} if it is not the file's, and leaves the file as it is.
   *
   * @throws {@link IllegalArgumentException} if the key has another length.
   */
  encryptionKey(key: Uint8Array): this {
    checkKey(key);
    return this.#set({ encryptionKey: key.slice() });
  }

  /**
   * Who says, when a file is opened that nobody has open, whether to give its unused space back. By default it is done
   * to files of more than 50 MB of which less than half is in use.
   */
  compactOnLaunch(callback: CompactOnLaunchCallback = defaultCompactOnLaunch): this {
    return this.#set({ compactOnLaunchCallback: callback });
  }

  /** Writes the first data, when the file is new. */
  initialData(callback: InitialDataCallback): this {
    return this.#set({ initialDataCallback: callback });
  }

  /** How many versions of the file may be in use when a write begins. Unlimited by default. */
  maxNumberOfActiveVersions(count: number): this {
    if (!(count >= 1)) {
      throw new IllegalArgumentException(`Only positive numbers above 0 are allowed. Yours was: ${count}`);
    }
    return this.#set({ maxNumberOfActiveVersions: count });
  }

  /** @throws {@link UnsupportedOperationException} always. */
  initialRealmFile(_assetFile: string, _sha256checkSum?: string): this {
    throw new UnsupportedOperationException("Realm files that come with an app are not supported");
  }
}
