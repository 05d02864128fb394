/**
 * Error codes of the protocol with their names and the actions a server asks for.
 *
 * @module
 */

/** What a client does on a `json_error`. Unknown texts count as `ApplicationBug`. */
export type ErrorAction =
  | "Transient"
  | "Warning"
  | "ApplicationBug"
  | "ProtocolViolation"
  | "DeleteRealm"
  | "ClientReset"
  | "ClientResetNoRecovery"
  | "MigrateToFLX"
  | "RevertToPBS"
  | "MigrateSchema"
  | "RefreshUser"
  | "RefreshLocation"
  | "LogOutUser";

/** One line of the table of codes. */
export interface ErrorCodeInformation {
  readonly code: number;
  readonly name: string;
  /** The action a server asks for unless the case at hand wants another. */
  readonly action: ErrorAction;
  readonly tryAgain: boolean;
  /** False where an original client of protocol 14 ends the whole process on receiving it. */
  readonly isSendable: boolean;
}

function entry(
  code: number,
  name: string,
  action: ErrorAction = "ProtocolViolation",
  tryAgain: boolean = action === "Transient" || action === "Warning",
): ErrorCodeInformation {
  return { code, name, action, tryAgain, isSendable: !unsendableCodes.includes(code) };
}

/** Codes that end an original client's process: a server never sends them. */
export const unsendableCodes: readonly number[] = [104, 202, 203, 205, 207, 214, 215, 218, 219, 220, 221, 224];

/** Every code, by its name in camel case. */
export const errorCode = {
  connectionClosed: 100,
  otherError: 101,
  unknownMessage: 102,
  badSyntax: 103,
  limitsExceeded: 104,
  wrongProtocolVersion: 105,
  badSessionIdent: 106,
  reuseOfSessionIdent: 107,
  boundInOtherSession: 108,
  badMessageOrder: 109,
  badDecompression: 110,
  badChangesetHeaderSyntax: 111,
  badChangesetSize: 112,
  switchToFlxSync: 113,
  switchToPbs: 114,
  sessionClosed: 200,
  otherSessionError: 201,
  tokenExpired: 202,
  badAuthentication: 203,
  illegalRealmPath: 204,
  noSuchRealm: 205,
  permissionDenied: 206,
  badServerFileIdent: 207,
  badClientFileIdent: 208,
  badServerVersion: 209,
  badClientVersion: 210,
  divergingHistories: 211,
  badChangeset: 212,
  partialSyncDisabled: 214,
  unsupportedSessionFeature: 215,
  badOriginFileIdent: 216,
  badClientFile: 217,
  serverFileDeleted: 218,
  clientFileBlacklisted: 219,
  userBlacklisted: 220,
  transactBeforeUpload: 221,
  clientFileExpired: 222,
  userMismatch: 223,
  tooManySessions: 224,
  invalidSchemaChange: 225,
  badQuery: 226,
  objectAlreadyExists: 227,
  serverPermissionsChanged: 228,
  initialSyncNotCompleted: 229,
  writeNotAllowed: 230,
  compensatingWrite: 231,
  migrateToFlx: 232,
  badProgress: 233,
  revertToPbs: 234,
  badSchemaVersion: 235,
  schemaVersionChanged: 236,
} as const;

export type ErrorCode = (typeof errorCode)[keyof typeof errorCode];

/** The table, in order of the codes. */
export const errorCodes: readonly ErrorCodeInformation[] = [
  entry(100, "connection_closed", "Transient"),
  entry(101, "other_error", "Transient"),
  entry(102, "unknown_message"),
  entry(103, "bad_syntax"),
  entry(104, "limits_exceeded"),
  entry(105, "wrong_protocol_version"),
  entry(106, "bad_session_ident"),
  entry(107, "reuse_of_session_ident"),
  entry(108, "bound_in_other_session"),
  entry(109, "bad_message_order"),
  entry(110, "bad_decompression"),
  entry(111, "bad_changeset_header_syntax"),
  entry(112, "bad_changeset_size"),
  entry(113, "switch_to_flx_sync", "ApplicationBug"),
  entry(114, "switch_to_pbs", "ApplicationBug"),
  entry(200, "session_closed", "Transient"),
  entry(201, "other_session_error", "Transient"),
  entry(202, "token_expired"),
  entry(203, "bad_authentication"),
  entry(204, "illegal_realm_path", "ApplicationBug"),
  entry(205, "no_such_realm"),
  entry(206, "permission_denied", "ApplicationBug"),
  entry(207, "bad_server_file_ident"),
  entry(208, "bad_client_file_ident", "ClientReset"),
  entry(209, "bad_server_version", "ClientReset"),
  entry(210, "bad_client_version", "ClientReset"),
  entry(211, "diverging_histories", "ClientReset"),
  entry(212, "bad_changeset", "ClientReset"),
  entry(214, "partial_sync_disabled"),
  entry(215, "unsupported_session_feature"),
  entry(216, "bad_origin_file_ident"),
  entry(217, "bad_client_file", "ClientReset"),
  entry(218, "server_file_deleted"),
  entry(219, "client_file_blacklisted"),
  entry(220, "user_blacklisted"),
  entry(221, "transact_before_upload"),
  entry(222, "client_file_expired", "ClientReset"),
  entry(223, "user_mismatch", "ApplicationBug"),
  entry(224, "too_many_sessions"),
  entry(225, "invalid_schema_change", "ApplicationBug"),
  entry(226, "bad_query", "ApplicationBug"),
  entry(227, "object_already_exists", "Warning"),
  entry(228, "server_permissions_changed", "ClientReset"),
  entry(229, "initial_sync_not_completed", "Transient"),
  entry(230, "write_not_allowed", "ClientReset"),
  entry(231, "compensating_write", "Warning"),
  entry(232, "migrate_to_flx", "MigrateToFLX"),
  entry(233, "bad_progress", "ClientReset"),
  entry(234, "revert_to_pbs", "RevertToPBS"),
  entry(235, "bad_schema_version", "ApplicationBug"),
  entry(236, "schema_version_changed", "MigrateSchema", true),
];

const byCode: ReadonlyMap<number, ErrorCodeInformation> = new Map(errorCodes.map((line) => [line.code, line]));

/** The table's line for a code, if it is known. */
export function errorCodeInformation(code: number): ErrorCodeInformation | undefined {
  return byCode.get(code);
}

/** Whether a code speaks of the connection (session field 0) and not of one session. */
export function isConnectionLevel(code: number): boolean {
  return code >= 100 && code < 200;
}

/** Whether a session goes on after a `json_error` with this code. */
export function leavesSessionOpen(code: number): boolean {
  return code === errorCode.compensatingWrite || code === errorCode.schemaVersionChanged;
}
