/**
 * The constants of the SDK, with the values they have in `realm` v12.
 *
 * @module
 */

export const UpdateMode = { Never: "never", Modified: "modified", All: "all" } as const;
export type UpdateMode = (typeof UpdateMode)[keyof typeof UpdateMode];

export const MetadataMode = {
  NoEncryption: "noEncryption",
  Encryption: "encryption",
  NoMetadata: "noMetadata",
  InMemory: "inMemory",
} as const;
export type MetadataMode = (typeof MetadataMode)[keyof typeof MetadataMode];

export const ProviderType = {
  AnonUser: "anon-user",
  ApiKey: "api-key",
  LocalUserPass: "local-userpass",
  CustomFunction: "custom-function",
  CustomToken: "custom-token",
  OAuth2Google: "oauth2-google",
  OAuth2Facebook: "oauth2-facebook",
  OAuth2Apple: "oauth2-apple",
} as const;
export type ProviderType = (typeof ProviderType)[keyof typeof ProviderType];

export const UserState = {
  Active: "active",
  LoggedIn: "LoggedIn",
  LoggedOut: "LoggedOut",
  Removed: "Removed",
} as const;
export type UserState = (typeof UserState)[keyof typeof UserState];

export const OpenRealmBehaviorType = {
  DownloadBeforeOpen: "downloadBeforeOpen",
  OpenImmediately: "openImmediately",
} as const;
export type OpenRealmBehaviorType = (typeof OpenRealmBehaviorType)[keyof typeof OpenRealmBehaviorType];

export const OpenRealmTimeOutBehavior = {
  OpenLocalRealm: "openLocalRealm",
  ThrowException: "throwException",
} as const;
export type OpenRealmTimeOutBehavior = (typeof OpenRealmTimeOutBehavior)[keyof typeof OpenRealmTimeOutBehavior];

export const ClientResetMode = {
  Manual: "manual",
  DiscardUnsyncedChanges: "discardUnsyncedChanges",
  RecoverUnsyncedChanges: "recoverUnsyncedChanges",
  RecoverOrDiscardUnsyncedChanges: "recoverOrDiscardUnsyncedChanges",
} as const;
export type ClientResetMode = (typeof ClientResetMode)[keyof typeof ClientResetMode];

export const SessionStopPolicy = {
  AfterUpload: "after-upload",
  Immediately: "immediately",
  Never: "never",
} as const;
export type SessionStopPolicy = (typeof SessionStopPolicy)[keyof typeof SessionStopPolicy];

export const ProxyType = { HTTP: "http", HTTPS: "https" } as const;
export type ProxyType = (typeof ProxyType)[keyof typeof ProxyType];

export const SessionState = { Invalid: "invalid", Active: "active", Inactive: "inactive" } as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

export const ConnectionState = {
  Disconnected: "disconnected",
  Connecting: "connecting",
  Connected: "connected",
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

export const ProgressDirection = { Download: "download", Upload: "upload" } as const;
export type ProgressDirection = (typeof ProgressDirection)[keyof typeof ProgressDirection];

export const ProgressMode = {
  ReportIndefinitely: "reportIndefinitely",
  ForCurrentlyOutstandingWork: "forCurrentlyOutstandingWork",
} as const;
export type ProgressMode = (typeof ProgressMode)[keyof typeof ProgressMode];

export const SubscriptionSetState = {
  Pending: "pending",
  Complete: "complete",
  Error: "error",
  Superseded: "superseded",
} as const;
export type SubscriptionSetState = (typeof SubscriptionSetState)[keyof typeof SubscriptionSetState];

export const WaitForSync = { FirstTime: "first-time", Always: "always", Never: "never" } as const;
export type WaitForSync = (typeof WaitForSync)[keyof typeof WaitForSync];

export const NumericLogLevel = {
  All: 0,
  Trace: 1,
  Debug: 2,
  Detail: 3,
  Info: 4,
  Warn: 5,
  Error: 6,
  Fatal: 7,
  Off: 8,
} as const;
export type NumericLogLevel = (typeof NumericLogLevel)[keyof typeof NumericLogLevel];

export type LogLevel = "all" | "trace" | "debug" | "detail" | "info" | "warn" | "error" | "fatal" | "off";
