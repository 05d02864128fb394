import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClientMessage,
  type DownloadEntry,
  parseClientMessage,
  parseDownloadEntries,
  parseServerMessage,
  parseUploadEntries,
  ProtocolError,
  serializeClientMessage,
  serializeServerMessage,
  type ServerMessage,
  type UploadEntry,
  writeDownloadEntries,
  writeUploadEntries,
} from "./index.js";

const version = fc.maxSafeNat();
const session = fc.integer({ min: 1 });
const ident = fc.bigInt({ min: 0n, max: 0x7fff_ffff_ffff_ffffn });
const present = fc.bigInt({ min: 1n, max: 0x7fff_ffff_ffff_ffffn });
const text = fc.string({ unit: "grapheme" });
const bytes = fc.uint8Array({ maxLength: 100 });
const kind = <const T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);

const changesets = fc.oneof(
  bytes.map((body) => ({ isCompressed: false, uncompressedSize: body.length, body })),
  fc.record({ isCompressed: fc.constant(true), uncompressedSize: fc.nat(1000), body: bytes }),
);

const clientMessage: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.record({
    type: kind("bind"),
    session,
    json: text,
    token: text,
    needsFileIdent: fc.boolean(),
    isSubserver: fc.boolean(),
  }),
  fc.record({
    type: kind("ident"),
    session,
    fileIdent: ident,
    fileIdentSalt: ident,
    downloadServerVersion: version,
    downloadClientVersion: version,
    latestServerVersion: version,
    latestServerVersionSalt: ident,
    queryVersion: version,
    query: text,
  }),
  fc.record({ type: kind("query"), session, queryVersion: version, query: text }),
  fc
    .record({
      type: kind("upload"),
      session,
      progressClientVersion: version,
      progressServerVersion: version,
      lockedServerVersion: version,
    })
    .chain((head) => changesets.map((body) => ({ ...head, ...body }))),
  fc.record({ type: kind("mark"), session, request: version }),
  fc.record({ type: kind("unbind"), session }),
  fc.record({ type: kind("ping"), timestamp: version, roundTripMs: version }),
  fc.record({ type: kind("json_error"), errorCode: fc.nat(), session, body: text }),
  fc.record({ type: kind("test_command"), session, request: version, body: text }),
);

const serverMessage: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.record({ type: kind("ident"), session, fileIdent: present, fileIdentSalt: present }),
  fc
    .record({
      type: kind("download"),
      session,
      downloadServerVersion: version,
      downloadClientVersion: version,
      latestServerVersion: version,
      latestServerVersionSalt: ident,
      uploadClientVersion: version,
      uploadServerVersion: version,
      queryVersion: version,
      batchState: fc.constantFrom(0 as const, 1 as const, 2 as const),
      progressEstimate: fc.nat(10_000).map((parts) => parts / 10_000),
    })
    .chain((head) => changesets.map((body) => ({ ...head, ...body }))),
  fc.record({ type: kind("mark"), session, request: version }),
  fc.record({ type: kind("unbound"), session }),
  fc.record({ type: kind("json_error"), errorCode: fc.nat(), session: fc.nat(), body: text }),
  fc.record({ type: kind("query_error"), errorCode: fc.nat(), session, queryVersion: version, message: text }),
  fc.record({ type: kind("log_message"), session: fc.nat(), body: text }),
  fc.record({ type: kind("pong"), timestamp: version }),
  fc.record({ type: kind("test_command"), session, request: version, body: text }),
);

/** Bytes that look like a message often enough to reach every field. */
const almostMessage: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.oneof(
      clientMessage.map(serializeClientMessage),
      serverMessage.map((one) => serializeServerMessage(one)),
    ),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    fc.nat(),
  )
  .map(([whole, changes, cut]) => {
    const changed = whole.slice(0, whole.length - (cut % 3 === 0 ? cut % (whole.length + 1) : 0));
    for (const [position, byte] of changes) {
      if (changed.length > 0) changed[position % changed.length] = byte;
    }
    return changed;
  });

function onlyProtocolErrors(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
  }
}

describe("every message", () => {
  test("of a client comes back as it was", () => {
    fc.assert(
      fc.property(clientMessage, (message) => {
        expect(parseClientMessage(serializeClientMessage(message))).toEqual(message);
      }),
    );
  });

  test("of a server comes back as it was", () => {
    fc.assert(
      fc.property(serverMessage, (message) => {
        expect(parseServerMessage(serializeServerMessage(message))).toEqual(message);
      }),
    );
  });

  test("that parses is written back to the same bytes; whatever else arrives is a ProtocolError", () => {
    fc.assert(
      fc.property(fc.oneof(almostMessage, fc.uint8Array({ maxLength: 200 })), (message) => {
        onlyProtocolErrors(() => {
          const parsed = parseClientMessage(message);
          expect(serializeClientMessage(parsed)).toEqual(message);
        });
        onlyProtocolErrors(() => {
          const parsed = parseServerMessage(message);
          // Only the progress may be written shorter than it came.
          if (parsed.type !== "download") expect(serializeServerMessage(parsed)).toEqual(message);
        });
      }),
      { numRuns: 2000 },
    );
  });
});

describe("entries", () => {
  const upload: fc.Arbitrary<UploadEntry> = fc.record({
    clientVersion: version,
    serverVersion: version,
    originTimestamp: version,
    originFileIdent: ident,
    changeset: bytes,
  });
  const download: fc.Arbitrary<DownloadEntry> = fc.record({
    serverVersion: version,
    clientVersion: version,
    originTimestamp: version,
    originFileIdent: ident,
    originalSize: fc.nat(),
    changeset: bytes,
  });

  test("come back as they were", () => {
    fc.assert(
      fc.property(fc.array(upload), fc.array(download), (uploads, downloads) => {
        expect(parseUploadEntries(writeUploadEntries(uploads))).toEqual(uploads);
        expect(parseDownloadEntries(writeDownloadEntries(downloads))).toEqual(downloads);
      }),
    );
  });

  test("random bytes are refused or written back", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("0", "1", "7", " ", "a"), maxLength: 60 }), (body) => {
        const raw = new TextEncoder().encode(body);
        onlyProtocolErrors(() => expect(writeUploadEntries(parseUploadEntries(raw))).toEqual(raw));
        onlyProtocolErrors(() => expect(writeDownloadEntries(parseDownloadEntries(raw))).toEqual(raw));
      }),
    );
  });
});
