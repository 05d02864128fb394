/** Every message of the recorded sessions parses and is written back to the same bytes. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  chooseSubProtocol,
  parseBindOptions,
  parseClientMessage,
  parseDownloadEntries,
  parseLogInformation,
  parseServerMessage,
  parseUploadEntries,
  serializeClientMessage,
  serializeServerMessage,
  writeBindOptions,
  writeDownloadEntries,
  writeUploadEntries,
} from "./index.js";
import { compressBodySync, uncompressBody } from "./node-compression.js";

const folder = fileURLToPath(new URL("../../conformance/vectors/wire/", import.meta.url));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

interface Line {
  readonly kind: string;
  readonly hex: string;
  readonly headers: [string, string][];
  readonly protocol?: string;
}

const traces = readdirSync(folder).filter((name) => name.endsWith(".trace.jsonl"));

test("there are recorded sessions", () => {
  expect(traces.length).toBeGreaterThanOrEqual(2);
});

describe.each(traces)("%s", (name) => {
  const lines = readFileSync(folder + name, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
  const messages = (kind: string): Uint8Array[] =>
    lines.filter((line) => line.kind === kind).map((line) => new Uint8Array(Buffer.from(line.hex, "hex")));

  test("messages of the client", async () => {
    const kinds = new Set<string>();
    for (const bytes of messages("ws-receive")) {
      const message = parseClientMessage(bytes);
      kinds.add(message.type);
      expect(hex(serializeClientMessage(message))).toBe(hex(bytes));
      if (message.type === "bind") {
        expect(writeBindOptions(parseBindOptions(message.json))).toBe(message.json);
      }
      if (message.type === "upload") {
        const body = await uncompressBody(message);
        expect(body.length).toBe(message.uncompressedSize);
        expect(hex(writeUploadEntries(parseUploadEntries(body)))).toBe(hex(body));
        expect(await uncompressBody(compressBodySync(body))).toEqual(body);
      }
    }
    expect([...kinds]).toEqual(expect.arrayContaining(["bind", "ident", "query", "upload", "mark"]));
  });

  test("messages of the server", () => {
    const kinds = new Set<string>();
    for (const bytes of messages("ws-send")) {
      const message = parseServerMessage(bytes);
      kinds.add(message.type);
      expect(hex(serializeServerMessage(message))).toBe(hex(bytes));
      if (message.type === "download") {
        expect(hex(writeDownloadEntries(parseDownloadEntries(message.body)))).toBe(hex(message.body));
      }
      if (message.type === "log_message") expect(parseLogInformation(message.body).level).toBe("debug");
    }
    expect([...kinds]).toEqual(expect.arrayContaining(["ident", "download", "mark", "log_message"]));
  });

  test("the sub-protocol that is chosen", () => {
    for (const line of lines.filter((one) => one.kind === "ws-upgrade")) {
      const offered = line.headers.find(([header]) => header === "Sec-WebSocket-Protocol")?.[1];
      expect(chooseSubProtocol(offered)).toEqual({
        chosen: { token: "com.mongodb.realm-query-sync#14", mode: "flexible", version: 14 },
      });
    }
  });
});
