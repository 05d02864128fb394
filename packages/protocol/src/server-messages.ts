/**
 * Messages from the server to a client.
 *
 * @module
 */

import {
  type ChangesetBody,
  type MarkMessage,
  readChangesetBody,
  readMark,
  readTestCommand,
  type TestCommandMessage,
  writeTestCommand,
} from "./client-messages.js";
import {
  type BatchState,
  defaultProtocolLimits,
  progressFractionVersionMin,
  type ProtocolLimits,
  protocolVersionMax,
} from "./constants.js";
import { ProtocolError } from "./errors.js";
import { encodeText, MessageReader, writeFlag, writeMessage } from "./head-reader.js";

/** The identity of a new client file. */
export interface ServerIdentMessage {
  /** Tells messages apart. */
  readonly type: "ident";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Ident of the client file. */
  readonly fileIdent: bigint;
  /** Secret of the ident. */
  readonly fileIdentSalt: bigint;
}

/** Changesets for the client, the acknowledgement of its uploads, and where both stand. */
export interface DownloadMessage extends ChangesetBody {
  /** Tells messages apart. */
  readonly type: "download";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Server version up to which the client has everything. */
  readonly downloadServerVersion: number;
  /** Client version that the server had integrated by then. */
  readonly downloadClientVersion: number;
  /** Newest server version that is known. */
  readonly latestServerVersion: number;
  /** Salt of it: tells whether the server is the same one. */
  readonly latestServerVersionSalt: bigint;
  /** Client version up to which uploads are acknowledged. */
  readonly uploadClientVersion: number;
  /** Server version that the client had integrated by then. */
  readonly uploadServerVersion: number;
  /** Number of the subscription set. */
  readonly queryVersion: number;
  /** What becomes of the body. */
  readonly batchState: BatchState;
  /** How much of the bootstrap is sent, from 0 to 1. */
  readonly progressEstimate: number;
}

/** The answer to UNBIND. */
export interface UnboundMessage {
  /** Tells messages apart. */
  readonly type: "unbound";
  /** The session, by the number that the client gave it. */
  readonly session: number;
}

/** An error of the connection (session 0) or of a session. */
export interface ServerErrorMessage {
  /** Tells messages apart. */
  readonly type: "json_error";
  /** One of {@link errorCode}, or a code that is not known. */
  readonly errorCode: number;
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** JSON text; `parseErrorInformation` reads it. */
  readonly body: string;
}

/** A subscription set that the server refuses. The text is stored as the set's error, word for word. */
export interface QueryErrorMessage {
  /** Tells messages apart. */
  readonly type: "query_error";
  /** One of {@link errorCode}, or a code that is not known. */
  readonly errorCode: number;
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Number of the subscription set. */
  readonly queryVersion: number;
  /** The text. */
  readonly message: string;
}

/** A line for the client's log; session 0 stands for the connection. */
export interface LogMessage {
  /** Tells messages apart. */
  readonly type: "log_message";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** JSON text with `co_id`, `level` and `msg`, each optional. */
  readonly body: string;
}

/** The answer to PING. */
export interface PongMessage {
  /** Tells messages apart. */
  readonly type: "pong";
  /** Milliseconds of the sender's clock. */
  readonly timestamp: number;
}

/** Any message from a server. */
export type ServerMessage =
  | ServerIdentMessage
  | DownloadMessage
  | MarkMessage
  | UnboundMessage
  | ServerErrorMessage
  | QueryErrorMessage
  | LogMessage
  | PongMessage
  | TestCommandMessage;

/**
 * Reads a message of a flexible-sync server.
 *
 * @throws ProtocolError on anything that is not exactly one message.
 */
export function parseServerMessage(bytes: Uint8Array, limits: ProtocolLimits = defaultProtocolLimits): ServerMessage {
  const reader = new MessageReader(bytes, limits);
  const message = readByType(reader);
  reader.end();
  return message;
}

function readByType(reader: MessageReader): ServerMessage {
  switch (reader.type) {
    case "ident":
      return readIdent(reader);
    case "download":
      return readDownload(reader);
    case "mark":
      return readMark(reader);
    case "unbound": {
      const session = reader.session();
      reader.headEnd();
      return { type: "unbound", session };
    }
    case "json_error": {
      const errorCode = reader.integer("error code");
      const size = reader.size("body size", reader.limits.textBytesMax);
      const session = reader.integer("session");
      reader.headEnd();
      return { type: "json_error", errorCode, session, body: reader.text("body", size) };
    }
    case "query_error":
      return readQueryError(reader);
    case "log_message": {
      const session = reader.integer("session");
      const size = reader.size("body size", reader.limits.textBytesMax);
      reader.headEnd();
      return { type: "log_message", session, body: reader.text("body", size) };
    }
    case "pong": {
      const timestamp = reader.integer("timestamp");
      reader.headEnd();
      return { type: "pong", timestamp };
    }
    case "test_command":
      return readTestCommand(reader);
    default:
      throw new ProtocolError("unknown-message", reader.type.slice(0, 24));
  }
}

function readIdent(reader: MessageReader): ServerIdentMessage {
  const session = reader.session();
  const fileIdent = reader.ident("file ident");
  const fileIdentSalt = reader.ident("file ident salt");
  reader.headEnd();
  if (fileIdent === 0n) throw reader.error("bad-syntax", "file ident", "zero");
  if (fileIdentSalt === 0n) throw reader.error("bad-syntax", "file ident salt", "zero");
  return { type: "ident", session, fileIdent, fileIdentSalt };
}

function readDownload(reader: MessageReader): DownloadMessage {
  const session = reader.session();
  const downloadServerVersion = reader.integer("download server version");
  const downloadClientVersion = reader.integer("download client version");
  const latestServerVersion = reader.integer("latest server version");
  const latestServerVersionSalt = reader.ident("latest server version salt");
  const uploadClientVersion = reader.integer("upload client version");
  const uploadServerVersion = reader.integer("upload server version");
  const queryVersion = reader.integer("query version");
  const state = reader.integer("batch state");
  if (state !== 0 && state !== 1 && state !== 2) throw reader.error("bad-syntax", "batch state");
  const progressEstimate = reader.fraction("progress");
  const isCompressed = reader.flag("is compressed");
  const uncompressedSize = reader.size("uncompressed size", reader.limits.bodyBytesMax);
  const compressedSize = reader.size("compressed size", reader.limits.bodyBytesMax);
  reader.headEnd();
  const body = readChangesetBody(reader, isCompressed, uncompressedSize, compressedSize);
  return {
    type: "download",
    session,
    downloadServerVersion,
    downloadClientVersion,
    latestServerVersion,
    latestServerVersionSalt,
    uploadClientVersion,
    uploadServerVersion,
    queryVersion,
    batchState: state,
    progressEstimate,
    isCompressed,
    uncompressedSize,
    body,
  };
}

function readQueryError(reader: MessageReader): QueryErrorMessage {
  const errorCode = reader.integer("error code");
  const size = reader.size("message size", reader.limits.textBytesMax);
  const session = reader.session();
  const queryVersion = reader.integer("query version");
  reader.headEnd();
  return { type: "query_error", errorCode, session, queryVersion, message: reader.text("message", size) };
}

/**
 * Writes a message of the server.
 *
 * @param protocolVersion the negotiated version: clients before 12 read only an integer as the progress.
 */
export function serializeServerMessage(
  message: ServerMessage,
  protocolVersion: number = protocolVersionMax,
): Uint8Array {
  switch (message.type) {
    case "ident":
      return writeMessage(["ident", message.session, message.fileIdent, message.fileIdentSalt]);
    case "download":
      return writeDownload(message, protocolVersion);
    case "mark":
      return writeMessage(["mark", message.session, message.request]);
    case "unbound":
      return writeMessage(["unbound", message.session]);
    case "json_error": {
      const body = encodeText(message.body);
      return writeMessage(["json_error", message.errorCode, body.length, message.session], body);
    }
    case "query_error": {
      const text = encodeText(message.message);
      const head = ["query_error", message.errorCode, text.length, message.session, message.queryVersion];
      return writeMessage(head, text);
    }
    case "log_message": {
      const body = encodeText(message.body);
      return writeMessage(["log_message", message.session, body.length], body);
    }
    case "pong":
      return writeMessage(["pong", message.timestamp]);
    case "test_command":
      return writeTestCommand(message);
  }
}

function writeDownload(message: DownloadMessage, protocolVersion: number): Uint8Array {
  const head = [
    "download",
    message.session,
    message.downloadServerVersion,
    message.downloadClientVersion,
    message.latestServerVersion,
    message.latestServerVersionSalt,
    message.uploadClientVersion,
    message.uploadServerVersion,
    message.queryVersion,
    message.batchState,
    protocolVersion < progressFractionVersionMin ? 0 : writeProgress(message.progressEstimate),
    writeFlag(message.isCompressed),
    message.uncompressedSize,
    message.isCompressed ? message.body.length : 0,
  ];
  return writeMessage(head, message.body);
}

/** At most four decimals: an original client keeps the value in ten-thousandths. */
function writeProgress(estimate: number): string {
  const parts = Math.round(Math.min(1, Math.max(0, estimate)) * 10_000);
  return String(parts / 10_000);
}
