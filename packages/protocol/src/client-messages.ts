/**
 * Messages from a client to the server.
 *
 * @module
 */

import { defaultProtocolLimits, type ProtocolLimits } from "./constants.js";
import { ProtocolError } from "./errors.js";
import { encodeText, MessageReader, writeFlag, writeMessage } from "./head-reader.js";

/** Opens a session. The session ident is the client's choice, unique on the connection. */
export interface BindMessage {
  /** Tells messages apart. */
  readonly type: "bind";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** JSON text, possibly empty; {@link parseBindOptions} reads it. */
  readonly json: string;
  /** Always empty in practice: the access token travels in the upgrade's URL. */
  readonly token: string;
  /** Whether the file has no ident yet. */
  readonly needsFileIdent: boolean;
  /** Always false: of the original's own servers. */
  readonly isSubserver: boolean;
}

/** Identifies the client file, where its downloads resume, and its active subscription set. */
export interface ClientIdentMessage {
  /** Tells messages apart. */
  readonly type: "ident";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Ident of the client file. */
  readonly fileIdent: bigint;
  /** Secret of the ident. */
  readonly fileIdentSalt: bigint;
  /** Server version up to which the client has everything. */
  readonly downloadServerVersion: number;
  /** Client version that the server had integrated by then. */
  readonly downloadClientVersion: number;
  /** Newest server version that is known. */
  readonly latestServerVersion: number;
  /** Salt of it: tells whether the server is the same one. */
  readonly latestServerVersionSalt: bigint;
  /** Number of the subscription set. */
  readonly queryVersion: number;
  /** JSON text: class name to predicate. */
  readonly query: string;
}

/** A new subscription set. */
export interface QueryMessage {
  /** Tells messages apart. */
  readonly type: "query";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Number of the subscription set. */
  readonly queryVersion: number;
  /** JSON text: class name to predicate. */
  readonly query: string;
}

/** A body of changeset entries, as it is on the wire. */
export interface ChangesetBody {
  /** Whether the bytes are compressed. */
  readonly isCompressed: boolean;
  /** Length of the bytes before compression. */
  readonly uncompressedSize: number;
  /** Bytes as sent: compressed if `isCompressed`. `uncompressBody` reads them. */
  readonly body: Uint8Array;
}

/** Changesets of the client, or only a move of its cursors. */
export interface UploadMessage extends ChangesetBody {
  /** Tells messages apart. */
  readonly type: "upload";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Client version up to which this upload goes. */
  readonly progressClientVersion: number;
  /** Server version that the client had integrated by then. */
  readonly progressServerVersion: number;
  /** Server version that may be forgotten; not looked at. */
  readonly lockedServerVersion: number;
}

/** Asks to be told when everything owed until now has been sent. The server's answer has the same form. */
export interface MarkMessage {
  /** Tells messages apart. */
  readonly type: "mark";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Number by which the answer is known. */
  readonly request: number;
}

/** Ends a session. */
export interface UnbindMessage {
  /** Tells messages apart. */
  readonly type: "unbind";
  /** The session, by the number that the client gave it. */
  readonly session: number;
}

/** Sign of life. */
export interface PingMessage {
  /** Tells messages apart. */
  readonly type: "ping";
  /** Milliseconds of the sender's clock. */
  readonly timestamp: number;
  /** How long the last answer took; 0 if there was none. */
  readonly roundTripMs: number;
}

/** The client could not take in a DOWNLOAD. */
export interface ClientErrorMessage {
  /** Tells messages apart. */
  readonly type: "json_error";
  /** One of {@link errorCode}, or a code that is not known. */
  readonly errorCode: number;
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** JSON text with `message`. */
  readonly body: string;
}

/** A command of the original's own test suites; the answer has the same form. */
export interface TestCommandMessage {
  /** Tells messages apart. */
  readonly type: "test_command";
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Number by which the answer is known. */
  readonly request: number;
  /** JSON text of the command or its answer. */
  readonly body: string;
}

/** Any message from a client. */
export type ClientMessage =
  | BindMessage
  | ClientIdentMessage
  | QueryMessage
  | UploadMessage
  | MarkMessage
  | UnbindMessage
  | PingMessage
  | ClientErrorMessage
  | TestCommandMessage;

/**
 * Reads a message of a flexible-sync client.
 *
 * @throws ProtocolError on anything that is not exactly one message.
 */
export function parseClientMessage(bytes: Uint8Array, limits: ProtocolLimits = defaultProtocolLimits): ClientMessage {
  const reader = new MessageReader(bytes, limits);
  const message = readByType(reader);
  reader.end();
  return message;
}

function readByType(reader: MessageReader): ClientMessage {
  switch (reader.type) {
    case "bind":
      return readBind(reader);
    case "ident":
      return readIdent(reader);
    case "query":
      return readQuery(reader);
    case "upload":
      return readUpload(reader);
    case "mark":
      return readMark(reader);
    case "unbind": {
      const session = reader.session();
      reader.headEnd();
      return { type: "unbind", session };
    }
    case "ping": {
      const timestamp = reader.integer("timestamp");
      const roundTripMs = reader.integer("round trip");
      reader.headEnd();
      return { type: "ping", timestamp, roundTripMs };
    }
    case "json_error": {
      const errorCode = reader.integer("error code");
      const size = reader.size("body size", reader.limits.textBytesMax);
      const session = reader.session();
      reader.headEnd();
      return { type: "json_error", errorCode, session, body: reader.text("body", size) };
    }
    case "test_command":
      return readTestCommand(reader);
    default:
      throw new ProtocolError("unknown-message", reader.type.slice(0, 24));
  }
}

function readBind(reader: MessageReader): BindMessage {
  const session = reader.session();
  const jsonSize = reader.size("json size", reader.limits.bindBytesMax);
  const tokenSize = reader.size("token size", reader.limits.bindBytesMax);
  const needsFileIdent = reader.flag("need file ident");
  const isSubserver = reader.flag("is subserver");
  reader.headEnd();
  const json = reader.text("json", jsonSize);
  const token = reader.text("token", tokenSize);
  return { type: "bind", session, json, token, needsFileIdent, isSubserver };
}

function readIdent(reader: MessageReader): ClientIdentMessage {
  const session = reader.session();
  const fileIdent = reader.ident("file ident");
  const fileIdentSalt = reader.ident("file ident salt");
  const downloadServerVersion = reader.integer("download server version");
  const downloadClientVersion = reader.integer("download client version");
  const latestServerVersion = reader.integer("latest server version");
  const latestServerVersionSalt = reader.ident("latest server version salt");
  const queryVersion = reader.integer("query version");
  const querySize = reader.size("query size", reader.limits.queryBytesMax);
  reader.headEnd();
  const query = reader.text("query", querySize);
  return {
    type: "ident",
    session,
    fileIdent,
    fileIdentSalt,
    downloadServerVersion,
    downloadClientVersion,
    latestServerVersion,
    latestServerVersionSalt,
    queryVersion,
    query,
  };
}

function readQuery(reader: MessageReader): QueryMessage {
  const session = reader.session();
  const queryVersion = reader.integer("query version");
  const querySize = reader.size("query size", reader.limits.queryBytesMax);
  reader.headEnd();
  return { type: "query", session, queryVersion, query: reader.text("query", querySize) };
}

function readUpload(reader: MessageReader): UploadMessage {
  const session = reader.session();
  const isCompressed = reader.flag("is compressed");
  const uncompressedSize = reader.size("uncompressed size", reader.limits.bodyBytesMax);
  const compressedSize = reader.size("compressed size", reader.limits.bodyBytesMax);
  const progressClientVersion = reader.integer("progress client version");
  const progressServerVersion = reader.integer("progress server version");
  const lockedServerVersion = reader.integer("locked server version");
  reader.headEnd();
  const body = readChangesetBody(reader, isCompressed, uncompressedSize, compressedSize);
  return {
    type: "upload",
    session,
    isCompressed,
    uncompressedSize,
    body,
    progressClientVersion,
    progressServerVersion,
    lockedServerVersion,
  };
}

/** @internal Takes the body of an UPLOAD or DOWNLOAD by the two sizes of its head. */
export function readChangesetBody(
  reader: MessageReader,
  isCompressed: boolean,
  uncompressedSize: number,
  compressedSize: number,
): Uint8Array {
  if (!isCompressed && compressedSize !== 0) {
    throw reader.error("bad-syntax", "compressed size", "not zero without compression");
  }
  return reader.bytes("body", isCompressed ? compressedSize : uncompressedSize);
}

/** @internal MARK looks the same in both directions. */
export function readMark(reader: MessageReader): MarkMessage {
  const session = reader.session();
  const request = reader.integer("request");
  reader.headEnd();
  return { type: "mark", session, request };
}

/** @internal TEST_COMMAND looks the same in both directions. */
export function readTestCommand(reader: MessageReader): TestCommandMessage {
  const session = reader.session();
  const request = reader.integer("request");
  const size = reader.size("body size", reader.limits.textBytesMax);
  reader.headEnd();
  return { type: "test_command", session, request, body: reader.text("body", size) };
}

/** Writes a message of a client. */
export function serializeClientMessage(message: ClientMessage): Uint8Array {
  switch (message.type) {
    case "bind": {
      const json = encodeText(message.json);
      const token = encodeText(message.token);
      const flags = [writeFlag(message.needsFileIdent), writeFlag(message.isSubserver)];
      return writeMessage(["bind", message.session, json.length, token.length, ...flags], json, token);
    }
    case "ident":
      return writeIdent(message);
    case "query": {
      const query = encodeText(message.query);
      return writeMessage(["query", message.session, message.queryVersion, query.length], query);
    }
    case "upload":
      return writeUpload(message);
    case "mark":
      return writeMessage(["mark", message.session, message.request]);
    case "unbind":
      return writeMessage(["unbind", message.session]);
    case "ping":
      return writeMessage(["ping", message.timestamp, message.roundTripMs]);
    case "json_error": {
      const body = encodeText(message.body);
      return writeMessage(["json_error", message.errorCode, body.length, message.session], body);
    }
    case "test_command":
      return writeTestCommand(message);
  }
}

/** @internal TEST_COMMAND looks the same in both directions. */
export function writeTestCommand(message: TestCommandMessage): Uint8Array {
  const body = encodeText(message.body);
  return writeMessage(["test_command", message.session, message.request, body.length], body);
}

function writeIdent(message: ClientIdentMessage): Uint8Array {
  const query = encodeText(message.query);
  const head = [
    "ident",
    message.session,
    message.fileIdent,
    message.fileIdentSalt,
    message.downloadServerVersion,
    message.downloadClientVersion,
    message.latestServerVersion,
    message.latestServerVersionSalt,
    message.queryVersion,
    query.length,
  ];
  return writeMessage(head, query);
}

function writeUpload(message: UploadMessage): Uint8Array {
  const head = [
    "upload",
    message.session,
    writeFlag(message.isCompressed),
    message.uncompressedSize,
    message.isCompressed ? message.body.length : 0,
    message.progressClientVersion,
    message.progressServerVersion,
    message.lockedServerVersion,
  ];
  return writeMessage(head, message.body);
}
