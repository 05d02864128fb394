/**
 * The constants of the SDK.
 *
 * @module
 */

/** Whether a session syncs. One that still uploads for a closed realm counts as active, a paused one as inactive. */
export const SessionState = { active: "active", inactive: "inactive" } as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/** Whether there is a connection with the server. */
export const ConnectionState = {
  disconnected: "disconnected",
  connecting: "connecting",
  connected: "connected",
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** Which way data moves. */
export const ProgressDirection = { upload: "upload", download: "download" } as const;
export type ProgressDirection = (typeof ProgressDirection)[keyof typeof ProgressDirection];

/** For how long progress is reported. */
export const ProgressMode = {
  /** Until the realm is closed. */
  reportIndefinitely: "reportIndefinitely",
  /** Until what is known when the listener comes has moved. */
  forCurrentlyOutstandingWork: "forCurrentlyOutstandingWork",
} as const;
export type ProgressMode = (typeof ProgressMode)[keyof typeof ProgressMode];

/** How far a set of subscriptions is. */
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

/** When `subscribe` waits for the data. */
export const WaitForSyncMode = {
  /** If the subscription is new. */
  firstTime: "firstTime",
  always: "always",
  never: "never",
} as const;
export type WaitForSyncMode = (typeof WaitForSyncMode)[keyof typeof WaitForSyncMode];

/** Whether a user may call the server. */
export const UserState = { loggedOut: "loggedOut", loggedIn: "loggedIn", removed: "removed" } as const;
export type UserState = (typeof UserState)[keyof typeof UserState];

/** Ways to log in. */
export const AuthProviderType = {
  anonymous: "anonymous",
  facebook: "facebook",
  google: "google",
  apple: "apple",
  jwt: "jwt",
  emailPassword: "emailPassword",
  function: "function",
  apiKey: "apiKey",
} as const;
export type AuthProviderType = (typeof AuthProviderType)[keyof typeof AuthProviderType];

/** How users are remembered beyond the process. */
export const MetadataPersistenceMode = {
  plaintext: "plaintext",
  /** Refused: not supported. */
  encrypted: "encrypted",
  /** Not at all. */
  disabled: "disabled",
} as const;
export type MetadataPersistenceMode = (typeof MetadataPersistenceMode)[keyof typeof MetadataPersistenceMode];
