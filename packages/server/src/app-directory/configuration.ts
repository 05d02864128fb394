/**
 * An app as its directory describes it.
 *
 * @module
 */

import type { ClassInformation } from "../schema/classes.js";
import type { PositionedJson } from "./json-document.js";

/** An App Services app, read from its directory. */
export interface AppConfiguration {
  /** Letters, digits, `_` and `-`; empty if the directory does not say. */
  readonly name: string;
  /** Client app id, where the directory holds one (only the format 20210101 does). */
  readonly appId: string | null;
  /** Origins of browsers that may call; empty for all. */
  readonly allowedRequestOrigins: readonly string[];
  /** `%%values` by name. A value whose secret is not known is not there. */
  readonly values: Readonly<Record<string, unknown>>;
  /** `%%environment`. */
  readonly environment: EnvironmentConfiguration;
  /** The ways to log in. */
  readonly providers: readonly ProviderConfiguration[];
  /** Where custom user data is; `null` if there is none. */
  readonly customUserData: CustomUserDataConfiguration | null;
  /** Synchronisation. */
  readonly sync: SyncConfiguration;
  /** Of all data sources, by service, database and name. */
  readonly collections: readonly CollectionConfiguration[];
  /** Classes of the synchronised collections, in the form that the core takes. */
  readonly classes: readonly ClassInformation[];
  /** Defaults by class, then by property, as Extended JSON: for documents that lack a required value. */
  readonly defaults: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  /**
   * By data source: an array of roles for collections without roles of their own, as parsed JSON; its value is
   * `undefined` where the file could not be read.
   */
  readonly defaultRoles: Readonly<Record<string, PositionedJson>>;
}

/** The chosen environment. */
export interface EnvironmentConfiguration {
  /** `%%environment.tag`; empty for none. */
  readonly tag: string;
  /** `%%environment.values`. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** A way to log in. */
export type ProviderConfiguration =
  | PlainProvider
  | PasswordProvider
  | CustomTokenProvider
  | CustomFunctionProvider
  | OAuthProvider;

/** A way to log in that has no settings. */
export interface PlainProvider {
  /** Which one. */
  readonly type: "anon-user" | "api-key";
  /** Whether nobody may log in so. */
  readonly isDisabled: boolean;
}

/** E-mail and password. Texts and names are `null` where they are not given. */
export interface PasswordProvider {
  /** Which one. */
  readonly type: "local-userpass";
  /** Whether nobody may log in so. */
  readonly isDisabled: boolean;
  /** Whether users need not be confirmed. */
  readonly autoConfirm: boolean;
  /** Page that confirms an address. */
  readonly emailConfirmationUrl: string | null;
  /** Subject of the message that leads there. */
  readonly confirmEmailSubject: string | null;
  /** Function that confirms users; `null` if none does. */
  readonly confirmationFunctionName: string | null;
  /** Page that sets a password. */
  readonly resetPasswordUrl: string | null;
  /** Subject of the message that leads there. */
  readonly resetPasswordSubject: string | null;
  /** Function that resets passwords; `null` if none does. */
  readonly resetFunctionName: string | null;
}

/** Tokens of somebody else. */
export interface CustomTokenProvider {
  /** Which one. */
  readonly type: "custom-token";
  /** Whether nobody may log in so. */
  readonly isDisabled: boolean;
  /** For whom tokens are to be issued. */
  readonly audience: readonly string[];
  /** Whether one of several audiences is enough. */
  readonly requireAnyAudience: boolean;
  /** How tokens are signed; `null` if not said. */
  readonly signingAlgorithm: "HS256" | "RS256" | null;
  /** Where the keys are; `null` if they are secrets. */
  readonly jwkUri: string | null;
  /** Names of up to three secrets. */
  readonly signingKeys: readonly string[];
  /** What of a token becomes data of the user. */
  readonly metadataFields: readonly {
    /** Whether a token without it is refused. */
    readonly isRequired: boolean;
    /** Path in the token, in steps. */
    readonly path: readonly string[];
    /** Name in the user's data. */
    readonly fieldName: string;
  }[];
}

/** A function of the app that says who somebody is. */
export interface CustomFunctionProvider {
  /** Which one. */
  readonly type: "custom-function";
  /** Whether nobody may log in so. */
  readonly isDisabled: boolean;
  /** Name of the function; `null` if not said. */
  readonly functionName: string | null;
}

/** Accounts with Google, Facebook or Apple. */
export interface OAuthProvider {
  /** Which one. */
  readonly type: "oauth2-google" | "oauth2-facebook" | "oauth2-apple";
  /** Whether nobody may log in so. */
  readonly isDisabled: boolean;
  /** Id of the app with the provider. */
  readonly clientId: string | null;
  /** Whether id tokens are taken. */
  readonly isOpenId: boolean;
  /** Names of secrets. */
  readonly clientSecrets: readonly string[];
  /** Where users come back to. */
  readonly redirectUris: readonly string[];
}

/** The collection of custom user data. */
export interface CustomUserDataConfiguration {
  /** Data source. */
  readonly service: string;
  /** Database. */
  readonly database: string;
  /** Name of the collection. */
  readonly collection: string;
  /** Field that holds the user's id. */
  readonly userIdField: string;
  /** Function that runs for new users; `null` if none does. */
  readonly onUserCreationFunctionName: string | null;
}

/** `sync/config.json`. */
export interface SyncConfiguration {
  /** Partition-based synchronisation is not offered: its clients are refused. */
  readonly type: "flexible" | "partition";
  /** `off`: it was never switched on, or for good off; `disabled`: it is paused. */
  readonly state: "enabled" | "disabled" | "off";
  /** Whether clients may extend the schema. */
  readonly isDevelopmentMode: boolean;
  /** Data source; `null` if the directory has none. */
  readonly serviceName: string | null;
  /** Where Development Mode makes collections; `null` if not said. */
  readonly databaseName: string | null;
  /** Days that a client may be away; `null` if not said. */
  readonly maxOfflineDays: number | null;
  /** Whether clients are told to drop what they have not synchronised when they are reset. */
  readonly isRecoveryModeDisabled: boolean;
  /** Queryable fields of every class that has them. */
  readonly queryableFields: readonly string[];
  /** Queryable fields by collection. */
  readonly collectionQueryableFields: Readonly<Record<string, readonly string[]>>;
  /** Field that every subscription compares with constants; `null` for none. */
  readonly indexedQueryableField: string | null;
  /** Collections that clients only write to. */
  readonly asymmetricTables: readonly string[];
}

/** A collection of a data source. */
export interface CollectionConfiguration {
  /** Data source. */
  readonly service: string;
  /** Database. */
  readonly database: string;
  /** Name of the collection. */
  readonly collection: string;
  /** Class that clients know it as; `null` if it is not synchronised. */
  readonly className: string | null;
  /** Parsed `schema.json`; `undefined` without one. */
  readonly schema: unknown;
  /** Parsed `relationships.json`; `undefined` without one. */
  readonly relationships: unknown;
  /**
   * An array of roles as parsed JSON; `null` if the default roles count. Its value is `undefined` where the file could
   * not be read.
   */
  readonly roles: PositionedJson | null;
}
