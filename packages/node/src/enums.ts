/**
 * The constants of the SDK, with the values they have in `realm` v12.
 *
 * @module
 */

/**
 * What `create` does when there is an object with the primary key.
 *
 * @enum
 */
export const UpdateMode = {
  /** That is an error. What `create` does unless it is told otherwise. */
  Never: "never",
  /** The object takes the given values; those that it has already are not written. */
  Modified: "modified",
  /** The object takes the given values, and all of them are written. */
  All: "all",
} as const;
export type UpdateMode = (typeof UpdateMode)[keyof typeof UpdateMode];

/**
 * How users are remembered beyond the process.
 *
 * @enum
 */
export const MetadataMode = {
  /** In a file beside the realms. The default. */
  NoEncryption: "noEncryption",
  /** Refused: user data is not encrypted. */
  Encryption: "encryption",
  /** Not at all. The older name of `InMemory`. */
  NoMetadata: "noMetadata",
  /** Not at all: after a new start nobody is logged in. */
  InMemory: "inMemory",
} as const;
export type MetadataMode = (typeof MetadataMode)[keyof typeof MetadataMode];

/**
 * Ways to log in, by their names in the API.
 *
 * @enum
 */
export const ProviderType = {
  /** Without a name: `Credentials.anonymous`. */
  AnonUser: "anon-user",
  /** By a key: `Credentials.apiKey`. */
  ApiKey: "api-key",
  /** By address and password: `Credentials.emailPassword`. */
  LocalUserPass: "local-userpass",
  /** By a function of the app: `Credentials.function`. */
  CustomFunction: "custom-function",
  /** By a token of another issuer: `Credentials.jwt`. */
  CustomToken: "custom-token",
  /** By Google: `Credentials.google`. */
  OAuth2Google: "oauth2-google",
  /** By Facebook: `Credentials.facebook`. */
  OAuth2Facebook: "oauth2-facebook",
  /** By Apple: `Credentials.apple`. */
  OAuth2Apple: "oauth2-apple",
} as const;
export type ProviderType = (typeof ProviderType)[keyof typeof ProviderType];

/**
 * Whether a user may call the server.
 *
 * @enum
 */
export const UserState = {
  /** Of old: no user has it. */
  Active: "active",
  /** The user has tokens on this device. */
  LoggedIn: "LoggedIn",
  /** The user is known on this device, and can log in again. */
  LoggedOut: "LoggedOut",
  /** The user is forgotten; an anonymous one is so when it logs out. */
  Removed: "Removed",
} as const;
export type UserState = (typeof UserState)[keyof typeof UserState];

/**
 * What `Realm.open` waits for.
 *
 * @enum
 */
export const OpenRealmBehaviorType = {
  /** The data of the subscriptions. The default. */
  DownloadBeforeOpen: "downloadBeforeOpen",
  /** Nothing: the data arrives later. */
  OpenImmediately: "openImmediately",
} as const;
export type OpenRealmBehaviorType = (typeof OpenRealmBehaviorType)[keyof typeof OpenRealmBehaviorType];

/**
 * What `Realm.open` does when the data has not come in time.
 *
 * @enum
 */
export const OpenRealmTimeOutBehavior = {
  /** Opens the realm as it is; the download goes on. */
  OpenLocalRealm: "openLocalRealm",
  /** Rejects with a {@link TimeoutError}. The default. */
  ThrowException: "throwException",
} as const;
export type OpenRealmTimeOutBehavior = (typeof OpenRealmTimeOutBehavior)[keyof typeof OpenRealmTimeOutBehavior];

/**
 * What happens when the server cannot go on with a file.
 *
 * @enum
 */
export const ClientResetMode = {
  /** The file is left to the application. */
  Manual: "manual",
  /** The file becomes what the server has; what was not uploaded is lost. */
  DiscardUnsyncedChanges: "discardUnsyncedChanges",
  /**
   * What was not uploaded is done again on top. The default. Where the server forbids it, the file is left to the
   * application.
   */
  RecoverUnsyncedChanges: "recoverUnsyncedChanges",
  /** The same, but where that cannot be, what was not uploaded is lost. */
  RecoverOrDiscardUnsyncedChanges: "recoverOrDiscardUnsyncedChanges",
} as const;
export type ClientResetMode = (typeof ClientResetMode)[keyof typeof ClientResetMode];

/**
 * What becomes of a session when the last realm of its file is closed.
 *
 * @enum
 */
export const SessionStopPolicy = {
  /** It ends when everything is uploaded. The default. */
  AfterUpload: "after-upload",
  /** It ends at once. */
  Immediately: "immediately",
  /** It goes on. */
  Never: "never",
} as const;
export type SessionStopPolicy = (typeof SessionStopPolicy)[keyof typeof SessionStopPolicy];

/**
 * Kinds of proxies. Proxies are accepted in configurations, of no effect.
 *
 * @enum
 */
export const ProxyType = {
  /** Reached by HTTP. */
  HTTP: "http",
  /** Reached by HTTPS. */
  HTTPS: "https",
} as const;
export type ProxyType = (typeof ProxyType)[keyof typeof ProxyType];

/**
 * Whether a session syncs, connected or not.
 *
 * @enum
 */
export const SessionState = {
  /** Of old: no session has it. */
  Invalid: "invalid",
  /** It syncs, or tries to; also while it waits for an access token. */
  Active: "active",
  /** It was paused, its user is logged out, or a fatal error has ended it. */
  Inactive: "inactive",
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/**
 * Whether there is a connection with the server.
 *
 * @enum
 */
export const ConnectionState = {
  /** There is none. */
  Disconnected: "disconnected",
  /** An attempt is under way. */
  Connecting: "connecting",
  /** There is one. */
  Connected: "connected",
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/**
 * Which way data moves.
 *
 * @enum
 */
export const ProgressDirection = {
  /** From the server. */
  Download: "download",
  /** To the server. */
  Upload: "upload",
} as const;
export type ProgressDirection = (typeof ProgressDirection)[keyof typeof ProgressDirection];

/**
 * For how long progress is reported.
 *
 * @enum
 */
export const ProgressMode = {
  /** Until the callback is removed or the realm is closed. */
  ReportIndefinitely: "reportIndefinitely",
  /** Until what is known when the callback is added has moved. */
  ForCurrentlyOutstandingWork: "forCurrentlyOutstandingWork",
} as const;
export type ProgressMode = (typeof ProgressMode)[keyof typeof ProgressMode];

/**
 * How far a set of subscriptions is.
 *
 * @enum
 */
export const SubscriptionSetState = {
  /** The server has not answered, or its data is arriving. */
  Pending: "pending",
  /** The data is here. */
  Complete: "complete",
  /** The server has refused a query: `error` says why. */
  Error: "error",
  /** A later set has taken its place. */
  Superseded: "superseded",
} as const;
export type SubscriptionSetState = (typeof SubscriptionSetState)[keyof typeof SubscriptionSetState];

/**
 * When `subscribe` waits for the data.
 *
 * @enum
 */
export const WaitForSync = {
  /** If the subscription is new. The default. */
  FirstTime: "first-time",
  /** Each time. */
  Always: "always",
  /** Not at all. */
  Never: "never",
} as const;
export type WaitForSync = (typeof WaitForSync)[keyof typeof WaitForSync];

/**
 * Log levels by number, for the older form of loggers.
 *
 * @enum
 */
export const NumericLogLevel = {
  /** Everything. */
  All: 0,
  /** Every step. */
  Trace: 1,
  /** What helps to find faults. */
  Debug: 2,
  /** More than `Info`. */
  Detail: 3,
  /** What happens. */
  Info: 4,
  /** What may be wrong. The default. */
  Warn: 5,
  /** What went wrong. */
  Error: 6,
  /** What ends the process. */
  Fatal: 7,
  /** Nothing. */
  Off: 8,
} as const;
export type NumericLogLevel = (typeof NumericLogLevel)[keyof typeof NumericLogLevel];

/** How much is logged: lines of this level and of those after it. `off` logs nothing. */
export type LogLevel = "all" | "trace" | "debug" | "detail" | "info" | "warn" | "error" | "fatal" | "off";
