import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  chooseSubProtocol,
  errorCode,
  errorCodeInformation,
  errorCodes,
  errorInformation,
  fromSyncTimestamp,
  isConnectionLevel,
  offeredSubProtocols,
  parseBindOptions,
  parseDownloadEntries,
  parseErrorInformation,
  parseUploadEntries,
  ProtocolError,
  toSyncTimestamp,
  unsendableCodes,
} from "./index.js";
import { compressBody, uncompressBody, uncompressBodySync } from "./node-compression.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const flexible = "com.mongodb.realm-query-sync";
const partition = "com.mongodb.realm-sync";

describe("sub-protocols", () => {
  test("a client offers its versions from the newest down", () => {
    expect(offeredSubProtocols("flexible", 14, 13)).toEqual([`${flexible}#14`, `${flexible}#13`]);
  });

  test.each([
    [`${flexible}#14, ${flexible}#13`, `${flexible}#14`],
    [`${flexible}#14,${flexible}#13`, `${flexible}#14`],
    [`${flexible}#9, ${flexible}#11, ${flexible}#10`, `${flexible}#11`],
    [`${flexible}/10, ${flexible}/9`, `${flexible}/10`],
    [`${flexible}#15, ${flexible}#12`, `${flexible}#12`],
    [`${partition}#14, ${flexible}#9`, `${flexible}#9`],
    [`${partition}#14`, `${partition}#14`],
    [`chat, ${flexible}#14`, `${flexible}#14`],
  ])("of %s it is %s", (header, token) => {
    expect(chooseSubProtocol(header)).toMatchObject({ chosen: { token } });
  });

  test.each([
    [undefined, "none"],
    ["", "none"],
    ["chat", "none"],
    [`${flexible}14`, "none"],
    [`${flexible}#014`, "none"],
    [`${flexible}#2-14`, "none"],
    [`${flexible}#8, ${flexible}#2`, "client-too-old"],
    [`${flexible}#15`, "client-too-new"],
  ])("of %s there is none", (header, mismatch) => {
    expect(chooseSubProtocol(header)).toEqual({ mismatch });
  });
});

describe("error codes", () => {
  test("codes and names are unique and match", () => {
    expect(new Set(errorCodes.map((line) => line.code)).size).toBe(errorCodes.length);
    const names = Object.entries(errorCode).map(([name, code]) => [
      code,
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    ]);
    expect(errorCodes.map((line) => [line.code, line.name])).toEqual(names);
  });

  test("codes that end a client's process are marked", () => {
    for (const code of unsendableCodes) expect(errorCodeInformation(code)?.isSendable).toBe(false);
    expect(errorCodes.filter((line) => !line.isSendable).map((line) => line.code)).toEqual(unsendableCodes);
  });

  test("1xx speak of the connection, 2xx of a session", () => {
    expect(isConnectionLevel(errorCode.badSyntax)).toBe(true);
    expect(isConnectionLevel(errorCode.sessionClosed)).toBe(false);
  });

  test("the body has all six fields and the action of the table", () => {
    expect(errorInformation(208, "Bad client file identifier (IDENT)")).toEqual({
      message: "Bad client file identifier (IDENT)",
      logURL: "",
      shouldClientReset: true,
      isRecoveryModeDisabled: false,
      tryAgain: false,
      action: "ClientReset",
    });
    expect(errorInformation(200, "restart")).toMatchObject({ tryAgain: true, action: "Transient" });
    expect(errorInformation(212, "x", { action: "ClientResetNoRecovery" })).toMatchObject({
      shouldClientReset: true,
      isRecoveryModeDisabled: true,
    });
  });

  test("a body with one field missing or mistyped is refused", () => {
    const whole = errorInformation(200, "restart");
    expect(parseErrorInformation(JSON.stringify(whole))).toEqual(whole);
    for (const key of Object.keys(whole)) {
      expect(() => parseErrorInformation(JSON.stringify({ ...whole, [key]: undefined }))).toThrow(ProtocolError);
      expect(() => parseErrorInformation(JSON.stringify({ ...whole, [key]: 7 }))).toThrow(ProtocolError);
    }
    expect(() => parseErrorInformation("[]")).toThrow(ProtocolError);
  });

  test("a compensating write's body", () => {
    const body = {
      ...errorInformation(231, "reverted"),
      compensatingWriteServerVersion: 5,
      rejectedClientVersion: 13,
      rejectedUpdates: [{ reason: "no", pk: "CmUuPxqbHowAAQIDBA==", table: "Item" }],
    };
    expect(parseErrorInformation(JSON.stringify(body))).toEqual(body);
  });
});

describe("bind options", () => {
  test("older clients send nothing", () => {
    expect(parseBindOptions("")).toEqual({ schemaVersion: 0, sessionReason: 0 });
  });
  test("unknown keys are ignored", () => {
    expect(parseBindOptions('{"sessionReason":1,"x":[]}')).toEqual({ schemaVersion: 0, sessionReason: 1 });
  });
  test.each(["{", "[]", "null", '{"sessionReason":"1"}', '{"schemaVersion":-1}', '{"migratedPartition":1}'])(
    "%s is refused",
    (json) => {
      expect(() => parseBindOptions(json)).toThrow(ProtocolError);
    },
  );
});

describe("compression", () => {
  const long = bytes("long ".repeat(20_000));

  test("short bodies stay as they are", async () => {
    expect(await compressBody(bytes("abc"))).toEqual({ isCompressed: false, uncompressedSize: 3, body: bytes("abc") });
  });

  test("long ones are compressed and come back, on the thread pool and off it", async () => {
    for (const body of [long, long.subarray(0, 2000)]) {
      const compressed = await compressBody(body);
      expect(compressed.isCompressed).toBe(true);
      expect(Buffer.from(await uncompressBody(compressed)).equals(body)).toBe(true);
      expect(Buffer.from(uncompressBodySync(compressed)).equals(body)).toBe(true);
    }
  });

  test("an empty body may be compressed", async () => {
    const body = deflateSync(Buffer.alloc(0));
    expect((await uncompressBody({ isCompressed: true, uncompressedSize: 0, body })).length).toBe(0);
  });

  const whole = deflateSync(long);
  test.each([
    ["truncated", { uncompressedSize: long.length, body: whole.subarray(0, whole.length - 1) }],
    ["longer than announced", { uncompressedSize: long.length - 1, body: whole }],
    ["shorter than announced", { uncompressedSize: long.length + 1, body: whole }],
    ["with data after its end", { uncompressedSize: long.length, body: Buffer.concat([whole, Buffer.from("x")]) }],
    ["not zlib", { uncompressedSize: 5, body: bytes("hello") }],
    ["nothing", { uncompressedSize: 5, body: bytes("") }],
    ["a bomb", { uncompressedSize: 100, body: deflateSync(Buffer.alloc(1_000_000)) }],
  ])("%s", async (_name, part) => {
    const message = { isCompressed: true, ...part };
    await expect(uncompressBody(message)).rejects.toMatchObject({ code: "bad-decompression" });
    expect(() => uncompressBodySync(message)).toThrow(ProtocolError);
  });
});

describe("entries", () => {
  test.each([
    ["5", "bad-changeset-header"],
    ["5 0 1 0 ", "bad-changeset-header"],
    ["05 0 1 0 0 ", "bad-changeset-header"],
    [" 0 1 0 0 ", "bad-changeset-header"],
    ["-5 0 1 0 0 ", "bad-changeset-header"],
    ["5 0 1 9223372036854775808 0 ", "bad-changeset-header"],
    ["5 0 1 0 2 a", "bad-changeset-size"],
    ["5 0 1 0 99999999999 ", "bad-changeset-size"],
  ])("upload %j", (body, code) => {
    expect(() => parseUploadEntries(bytes(body))).toThrow(expect.objectContaining({ code }));
  });

  test("download", () => {
    expect(parseDownloadEntries(bytes("2 8 375185036052 1 93 2 ab2 8 0 1 0 0 "))).toEqual([
      {
        serverVersion: 2,
        clientVersion: 8,
        originTimestamp: 375185036052,
        originFileIdent: 1n,
        originalSize: 93,
        changeset: bytes("ab"),
      },
      {
        serverVersion: 2,
        clientVersion: 8,
        originTimestamp: 0,
        originFileIdent: 1n,
        originalSize: 0,
        changeset: bytes(""),
      },
    ]);
    expect(() => parseDownloadEntries(bytes("2 8 3 1 93 "))).toThrow(ProtocolError);
  });
});

test("origin timestamps count from 2015", () => {
  expect(toSyncTimestamp(Date.UTC(2015, 0, 1))).toBe(0);
  expect(toSyncTimestamp(0)).toBe(0);
  expect(fromSyncTimestamp(toSyncTimestamp(1_795_256_977_123))).toBe(1_795_256_977_123);
});
