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
  /** The code. */
  readonly code: number;
  /** Its name on the wire. */
  readonly name: string;
  /** The action a server asks for unless the case at hand wants another. */
  readonly action: ErrorAction;
  /** Whether the client should try again. */
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

/**
 * Every code, by its name in camel case.
 *
 * @enum
 */
export const errorCode = {
  /** The connection is being closed. */
  connectionClosed: 100,
  /** Something that has no code of its own. */
  otherError: 101,
  /** A message of a type that there is not. */
  unknownMessage: 102,
  /** A message that breaks the grammar. */
  badSyntax: 103,
  /** A message that is too large. */
  limitsExceeded: 104,
  /** A version that is not spoken here. */
  wrongProtocolVersion: 105,
  /** A session that is not bound. */
  badSessionIdent: 106,
  /** A session that is bound already. */
  reuseOfSessionIdent: 107,
  /** The file is bound in another session. */
  boundInOtherSession: 108,
  /** A message that is not expected now. */
  badMessageOrder: 109,
  /** A body that cannot be decompressed. */
  badDecompression: 110,
  /** An entry that breaks the grammar. */
  badChangesetHeaderSyntax: 111,
  /** An entry that is longer than its body. */
  badChangesetSize: 112,
  /** The app uses flexible sync, the client does not. */
  switchToFlxSync: 113,
  /** The app uses partition-based sync, the client does not. */
  switchToPbs: 114,
  /** The session is being closed. */
  sessionClosed: 200,
  /** Something of a session that has no code of its own. */
  otherSessionError: 201,
  /** The access token has run out. */
  tokenExpired: 202,
  /** The access token is not one. */
  badAuthentication: 203,
  /** Of the older kind of sync. */
  illegalRealmPath: 204,
  /** Of the older kind of sync. */
  noSuchRealm: 205,
  /** The user may not sync. */
  permissionDenied: 206,
  /** The ident is the server's own. */
  badServerFileIdent: 207,
  /** The server does not know the file, or not as it is. */
  badClientFileIdent: 208,
  /** The file is ahead of the server. */
  badServerVersion: 209,
  /** The file is behind what it has said before. */
  badClientVersion: 210,
  /** The file's history is not the server's. */
  divergingHistories: 211,
  /** A changeset that cannot be read or applied. */
  badChangeset: 212,
  /** Of the older kind of sync. */
  partialSyncDisabled: 214,
  /** Something that the server does not offer. */
  unsupportedSessionFeature: 215,
  /** A changeset of another file. */
  badOriginFileIdent: 216,
  /** Synchronisation with the file has ended. */
  badClientFile: 217,
  /** The server's file is gone. */
  serverFileDeleted: 218,
  /** The file may not sync. */
  clientFileBlacklisted: 219,
  /** The user may not sync. */
  userBlacklisted: 220,
  /** Something was written before a reset was over. */
  transactBeforeUpload: 221,
  /** The file was away for too long. */
  clientFileExpired: 222,
  /** The file belongs to another user. */
  userMismatch: 223,
  /** The connection has too many sessions. */
  tooManySessions: 224,
  /** The client's classes do not fit those of the server. */
  invalidSchemaChange: 225,
  /** A query that cannot be understood, or may not be asked. */
  badQuery: 226,
  /** An object that is there already was to be created. */
  objectAlreadyExists: 227,
  /** The rules have changed. */
  serverPermissionsChanged: 228,
  /** The server is not ready yet. */
  initialSyncNotCompleted: 229,
  /** A write that may not be made. */
  writeNotAllowed: 230,
  /** The server has undone writes. */
  compensatingWrite: 231,
  /** The app has gone over to flexible sync. */
  migrateToFlx: 232,
  /** The versions of a message contradict each other. */
  badProgress: 233,
  /** The app has gone back to partition-based sync. */
  revertToPbs: 234,
  /** A version of the schema that the server does not know. */
  badSchemaVersion: 235,
  /** The file is of another version of the schema. */
  schemaVersionChanged: 236,
} as const;

/** One of {@link errorCode}. */
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
