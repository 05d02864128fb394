/**
 * The constants of the SDK.
 *
 * @module
 */

/**
 * Whether a session syncs. One that still uploads for a closed realm counts as active, a paused one as inactive.
 *
 * @enum
 */
export const SessionState = {
  /** It syncs, or tries to; also while it uploads for a realm that is closed. */
  active: "active",
  /** It was paused, waits for an access token, its user is logged out, or a fatal error has ended it. */
  inactive: "inactive",
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/**
 * Whether there is a connection with the server.
 *
 * @enum
 */
export const ConnectionState = {
  /** There is none. */
  disconnected: "disconnected",
  /** An attempt is under way. */
  connecting: "connecting",
  /** There is one. */
  connected: "connected",
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/**
 * Which way data moves.
 *
 * @enum
 */
export const ProgressDirection = {
  /** To the server. */
  upload: "upload",
  /** From the server. */
  download: "download",
} as const;
export type ProgressDirection = (typeof ProgressDirection)[keyof typeof ProgressDirection];

/**
 * For how long progress is reported.
 *
 * @enum
 */
export const ProgressMode = {
  /** Until the realm is closed. */
  reportIndefinitely: "reportIndefinitely",
  /** Until what is known when the listener comes has moved. */
  forCurrentlyOutstandingWork: "forCurrentlyOutstandingWork",
} as const;
export type ProgressMode = (typeof ProgressMode)[keyof typeof ProgressMode];

/**
 * How far a set of subscriptions is.
 *
 * @enum
 */
export const SubscriptionSetState = {
  /** The server has not answered, or its data is arriving. */
  pending: "pending",
  /** The data is here. */
  complete: "complete",
  /** The server refused it. */
  error: "error",
  /** Another set has taken its place. */
  superseded: "superseded",
} as const;
export type SubscriptionSetState = (typeof SubscriptionSetState)[keyof typeof SubscriptionSetState];

/**
 * When `subscribe` waits for the data.
 *
 * @enum
 */
export const WaitForSyncMode = {
  /** If the subscription is new. */
  firstTime: "firstTime",
  /** Each time. */
  always: "always",
  /** Not at all. */
  never: "never",
} as const;
export type WaitForSyncMode = (typeof WaitForSyncMode)[keyof typeof WaitForSyncMode];

/**
 * Whether a user may call the server.
 *
 * @enum
 */
export const UserState = {
  /** Known on this device, without tokens. */
  loggedOut: "loggedOut",
  /** With tokens on this device. */
  loggedIn: "loggedIn",
  /** Forgotten on this device. */
  removed: "removed",
} as const;
export type UserState = (typeof UserState)[keyof typeof UserState];

/**
 * Ways to log in. Tidemark's server takes `anonymous` and `emailPassword`.
 *
 * @enum
 */
export const AuthProviderType = {
  /** Without a name. */
  anonymous: "anonymous",
  /** By Facebook. */
  facebook: "facebook",
  /** By Google. */
  google: "google",
  /** By Apple. */
  apple: "apple",
  /** By a token of another issuer. */
  jwt: "jwt",
  /** By an address and a password. */
  emailPassword: "emailPassword",
  /** By a function of the app. */
  function: "function",
  /** By a key that the server has issued. */
  apiKey: "apiKey",
} as const;
export type AuthProviderType = (typeof AuthProviderType)[keyof typeof AuthProviderType];

/**
 * How users are remembered beyond the process.
 *
 * @enum
 */
export const MetadataPersistenceMode = {
  /** In a file beside the realms. The default. */
  plaintext: "plaintext",
  /** Refused: not supported. */
  encrypted: "encrypted",
  /** Not at all. */
  disabled: "disabled",
} as const;
export type MetadataPersistenceMode = (typeof MetadataPersistenceMode)[keyof typeof MetadataPersistenceMode];
