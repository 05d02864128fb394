import { describe, expect, test } from "vitest";
import {
  type ClientMessage,
  defaultProtocolLimits,
  parseClientMessage,
  parseServerMessage,
  ProtocolError,
  type ProtocolErrorCode,
  serializeClientMessage,
  serializeServerMessage,
  type ServerMessage,
} from "./index.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (message: Uint8Array): string => new TextDecoder().decode(message);

function failure(parse: () => unknown): { code: ProtocolErrorCode; where: string } {
  try {
    parse();
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code, where: error.where };
    throw error;
  }
  throw new Error("parsed without an error");
}

const clientMessages: readonly [string, ClientMessage][] = [
  [
    'bind 1 37 0 1 0\n{"schemaVersion":0,"sessionReason":0}',
    {
      type: "bind",
      session: 1,
      json: '{"schemaVersion":0,"sessionReason":0}',
      token: "",
      needsFileIdent: true,
      isSubserver: false,
    },
  ],
  [
    "bind 7 0 3 0 1\nabc",
    { type: "bind", session: 7, json: "", token: "abc", needsFileIdent: false, isSubserver: true },
  ],
  [
    "ident 2 63 9223372036854775807 7 33 7 1234567890 2 2\n{}",
    {
      type: "ident",
      session: 2,
      fileIdent: 63n,
      fileIdentSalt: 9223372036854775807n,
      downloadServerVersion: 7,
      downloadClientVersion: 33,
      latestServerVersion: 7,
      latestServerVersionSalt: 1234567890n,
      queryVersion: 2,
      query: "{}",
    },
  ],
  ['query 1 1 6\n{"é":', { type: "query", session: 1, queryVersion: 1, query: '{"é":' }],
  [
    "upload 1 0 3 0 6 0 1\nabc",
    {
      type: "upload",
      session: 1,
      isCompressed: false,
      uncompressedSize: 3,
      body: bytes("abc"),
      progressClientVersion: 6,
      progressServerVersion: 0,
      lockedServerVersion: 1,
    },
  ],
  [
    "upload 1 1 1668 5 24 4 4\nabcde",
    {
      type: "upload",
      session: 1,
      isCompressed: true,
      uncompressedSize: 1668,
      body: bytes("abcde"),
      progressClientVersion: 24,
      progressServerVersion: 4,
      lockedServerVersion: 4,
    },
  ],
  ["mark 1 2\n", { type: "mark", session: 1, request: 2 }],
  ["unbind 3\n", { type: "unbind", session: 3 }],
  ["ping 3116917 0\n", { type: "ping", timestamp: 3116917, roundTripMs: 0 }],
  ['json_error 212 15 1\n{"message":"x"}', { type: "json_error", errorCode: 212, session: 1, body: '{"message":"x"}' }],
  ["test_command 1 4 2\n{}", { type: "test_command", session: 1, request: 4, body: "{}" }],
];

const serverMessages: readonly [string, ServerMessage][] = [
  ["ident 1 42 987654321\n", { type: "ident", session: 1, fileIdent: 42n, fileIdentSalt: 987654321n }],
  [
    "download 1 1 0 1 5566778899 0 0 0 1 1 0 12 0\n1 0 0 1 0 0 ",
    {
      type: "download",
      session: 1,
      downloadServerVersion: 1,
      downloadClientVersion: 0,
      latestServerVersion: 1,
      latestServerVersionSalt: 5566778899n,
      uploadClientVersion: 0,
      uploadServerVersion: 0,
      queryVersion: 0,
      batchState: 1,
      progressEstimate: 1,
      isCompressed: false,
      uncompressedSize: 12,
      body: bytes("1 0 0 1 0 0 "),
    },
  ],
  ["mark 1 2\n", { type: "mark", session: 1, request: 2 }],
  ["unbound 1\n", { type: "unbound", session: 1 }],
  ["json_error 103 2 0\n{}", { type: "json_error", errorCode: 103, session: 0, body: "{}" }],
  [
    "query_error 226 4 1 2\noh é".replace("4", "5"),
    { type: "query_error", errorCode: 226, session: 1, queryVersion: 2, message: "oh é" },
  ],
  ['log_message 0 13\n{"msg":"hei"}', { type: "log_message", session: 0, body: '{"msg":"hei"}' }],
  ["pong 3116917\n", { type: "pong", timestamp: 3116917 }],
  ["test_command 1 4 2\n{}", { type: "test_command", session: 1, request: 4, body: "{}" }],
];

describe("messages of the client", () => {
  test.each(clientMessages)("%j", (wire, message) => {
    expect(parseClientMessage(bytes(wire))).toEqual(message);
    expect(text(serializeClientMessage(message))).toBe(wire);
  });
});

describe("messages of the server", () => {
  test.each(serverMessages)("%j", (wire, message) => {
    expect(parseServerMessage(bytes(wire))).toEqual(message);
    expect(text(serializeServerMessage(message))).toBe(wire);
  });

  test("progress is a fraction from protocol 12 on and an integer before", () => {
    const message = serverMessages[1]?.[1];
    if (message?.type !== "download") throw new Error("not a download");
    const half = { ...message, progressEstimate: 0.33333 };
    expect(text(serializeServerMessage(half, 14))).toContain(" 0 1 0.3333 0 12 0\n");
    expect(text(serializeServerMessage(half, 12))).toContain(" 0 1 0.3333 0 12 0\n");
    expect(text(serializeServerMessage(half, 11))).toContain(" 0 1 0 0 12 0\n");
  });
});

describe("what breaks the grammar of a client's message", () => {
  const cases: readonly [string, ProtocolErrorCode, string][] = [
    ["", "bad-syntax", "head"],
    ["mark 1 2", "bad-syntax", "head"],
    ["\n", "unknown-message", ""],
    ["hello 1\n", "unknown-message", "hello"],
    ["MARK 1 2\n", "unknown-message", "MARK"],
    ["mark 1\n", "bad-syntax", "mark: request"],
    ["mark 1 2 3\n", "bad-syntax", "mark: head"],
    ["mark  1 2\n", "bad-syntax", "mark: session"],
    ["mark 1 2 \n", "bad-syntax", "mark: head"],
    ["mark 01 2\n", "bad-syntax", "mark: session"],
    ["mark +1 2\n", "bad-syntax", "mark: session"],
    ["mark -1 2\n", "bad-syntax", "mark: session"],
    ["mark 0 2\n", "bad-syntax", "mark: session"],
    ["mark 1 9007199254740992\n", "bad-syntax", "mark: request"],
    ["mark 1 99999999999999999999999\n", "bad-syntax", "mark: request"],
    ["mark 1 2\nx", "bad-syntax", "mark: body"],
    ["mark 1 2\r\n", "bad-syntax", "head"],
    ["märk 1 2\n", "bad-syntax", "head"],
    ["unbind 1.5\n", "bad-syntax", "unbind: session"],
    ["bind 1 0 0 2 0\n", "bad-syntax", "bind: need file ident"],
    ["bind 1 5 0 1 0\n{}", "bad-syntax", "bind: json"],
    ["bind 1 4097 0 1 0\n", "too-large", "bind: json size"],
    ["bind 1 0 4097 1 0\n", "too-large", "bind: token size"],
    ["ident 1 9223372036854775808 1 0 0 0 0 0 0\n", "bad-syntax", "ident: file ident"],
    ["query 1 1 4194305\n", "too-large", "query: query size"],
    ["upload 1 0 67108865 0 1 1 1\n", "too-large", "upload: uncompressed size"],
    ["upload 1 1 1 67108865 1 1 1\n", "too-large", "upload: compressed size"],
    ["upload 1 0 3 3 1 1 1\nabc", "bad-syntax", "upload: compressed size"],
    ["upload 1 0 4 0 1 1 1\nabc", "bad-syntax", "upload: body"],
    ["upload 1 0 2 0 1 1 1\nabc", "bad-syntax", "upload: body"],
    ["json_error 212 1048577 1\n", "too-large", "json_error: body size"],
    ["x".repeat(600), "bad-syntax", "head"],
  ];

  test.each(cases)("%j", (wire, code, where) => {
    expect(failure(() => parseClientMessage(bytes(wire)))).toEqual({ code, where });
  });

  test("bytes that are not UTF-8", () => {
    const message = Uint8Array.from([...bytes("query 1 1 2\n"), 0xc3, 0x28]);
    expect(failure(() => parseClientMessage(message))).toEqual({ code: "bad-syntax", where: "query: query" });
  });

  test("limits are the receiver's", () => {
    const limits = { ...defaultProtocolLimits, queryBytesMax: 1 };
    expect(failure(() => parseClientMessage(bytes("query 1 1 2\n{}"), limits)).code).toBe("too-large");
  });
});

describe("what breaks the grammar of a server's message", () => {
  const cases: readonly [string, ProtocolErrorCode, string][] = [
    ["bind 1 0 0 0 0\n", "unknown-message", "bind"],
    ["ident 1 0 5\n", "bad-syntax", "ident: file ident"],
    ["ident 1 5 0\n", "bad-syntax", "ident: file ident salt"],
    ["download 1 1 0 1 5 0 0 0 3 1 0 0 0\n", "bad-syntax", "download: batch state"],
    ["download 1 1 0 1 5 0 0 0 1 .5 0 0 0\n", "bad-syntax", "download: progress"],
    ["download 1 1 0 1 5 0 0 0 1 1e3 0 0 0\n", "bad-syntax", "download: progress"],
    ["download 1 1 0 1 5 0 0 0 1 1 0 0\n", "bad-syntax", "download: compressed size"],
    ["error 101 0 0 0\n", "unknown-message", "error"],
  ];

  test.each(cases)("%j", (wire, code, where) => {
    expect(failure(() => parseServerMessage(bytes(wire)))).toEqual({ code, where });
  });
});
