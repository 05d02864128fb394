/**
 * Attacks by messages: wrong ones, torn ones, too large ones, too many of them.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { deflateSync } from "node:zlib";
import { messageBytesMax, subProtocolToken, syncPath, writeUploadEntries } from "@tidemark/protocol";
import {
  assault,
  type Assault,
  type Battle,
  bindOf,
  expectClose,
  expectError,
  identified,
  ownToken,
  Unexpected,
} from "./attacker.js";

/** Messages that break the grammar, and the errors that name it. */
const broken: readonly (readonly [wire: string, ...codes: number[]])[] = [
  ["hello 1\n", 102],
  ["mark 1 2", 103],
  ["mark 1 -5\n", 103],
  ["mark 1 99999999999999999999\n", 103],
  ["bind 1 99999999 0 1 0\n{}", 103],
  ["bind 1 -1 0 1 0\n", 103],
  ["bind 1 2 0 1 0\n{}{}", 103],
  ["upload 1 0 50 0 1 1 1\nabc", 103],
  ["upload 1 1 9223372036854775807 9223372036854775807 1 1 1\nabc", 103],
  ["query 1 1 4294967296\n{}", 103],
  ["ident 1 2 3\n", 103],
  ["mark 7 1\n", 106],
  ["unbind 7\n", 106],
];

/** Bad lengths, bad numbers, unknown words, and bytes of no kind. */
export async function badMessages(battle: Battle): Promise<void> {
  const one = await assault(battle);
  if (one === undefined) return;
  if (battle.dice.below(4) === 0) {
    one.raw(randomBytes(1 + battle.dice.below(300)));
    await expectError(one, [102, 103], "random bytes");
  } else {
    const [wire, ...codes] = battle.dice.choose(broken);
    one.raw(wire);
    await expectError(one, codes, JSON.stringify(wire));
  }
  await expectClose(one, [1000], "a broken message");
}

/** Frames of WebSocket that end too early, lie about their length, or are none. */
const frames: readonly Buffer[] = [
  // A length of 2^62, of which nothing comes.
  Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5]),
  // Not masked.
  Buffer.from([0x82, 0x03, 1, 2, 3]),
  // A reserved operation.
  Buffer.from([0x8b, 0x80, 1, 2, 3, 4]),
  // Reserved bits.
  Buffer.from([0xf2, 0x80, 1, 2, 3, 4]),
  // A continuation of nothing.
  Buffer.from([0x80, 0x80, 1, 2, 3, 4]),
  // A ping that is too long.
  Buffer.from([0x89, 0xfe, 0x01, 0x00, 1, 2, 3, 4]),
];

/** Speaks TCP, so that frames can be torn. */
export async function tornFrames(battle: Battle): Promise<void> {
  const { hostname, port } = new URL(battle.url);
  const socket = connect(Number(port), hostname);
  const ended = new Promise<void>((resolve) => {
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
  const head = [
    `GET ${syncPath(battle.appId)}?baas_at=${ownToken(battle)} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Sec-WebSocket-Protocol: ${subProtocolToken("flexible", 14)}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  await Promise.race([ended, new Promise((resolve) => socket.once("data", resolve))]);
  if (battle.dice.below(3) === 0) {
    // Half a frame, and then silence for a while: nobody has to end that.
    socket.write(Buffer.from([0x82, 0xfe, 0x10]));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 3_000))]);
    socket.destroy();
    return;
  }
  socket.write(battle.dice.choose(frames));
  const timer = setTimeout(() => socket.destroy(new Error("late")), 60_000);
  let isLate = false;
  socket.once("error", (error: Error) => (isLate = error.message === "late"));
  await ended;
  clearTimeout(timer);
  if (isLate) throw new Unexpected("a torn frame was not answered");
}

const mebibyte = 1024 * 1024;
const smallBomb = deflateSync(Buffer.alloc(32 * mebibyte), { level: 9 });
const largeBomb = deflateSync(Buffer.alloc(512 * mebibyte), { level: 9 });

function uploadHead(uncompressedSize: number, size: number): Buffer {
  return Buffer.from(`upload 1 1 ${uncompressedSize} ${size} 2 0 0\n`);
}

/** Bodies that get much larger when they are uncompressed; some say so and some do not. */
export async function bombs(battle: Battle): Promise<void> {
  const one = await identified(battle);
  if (one === undefined) return;
  const kind = battle.dice.below(4);
  if (kind === 0) {
    one.raw(Buffer.concat([uploadHead(1000, largeBomb.length), largeBomb]));
    await expectError(one, [110], "a bomb that says 1,000");
  } else if (kind === 1) {
    one.raw(Buffer.concat([uploadHead(512 * mebibyte, largeBomb.length), largeBomb]));
    await expectClose(one, [1009], "a bomb that says 512 MiB");
  } else if (kind === 2) {
    one.raw(Buffer.concat([uploadHead(60 * mebibyte, largeBomb.length), largeBomb]));
    await expectError(one, [110], "a bomb that says what is just allowed");
  } else {
    one.raw(Buffer.concat([uploadHead(32 * mebibyte, smallBomb.length), smallBomb]));
    await expectError(one, [113, 111, 103, 108, 112], "a body of zeros");
  }
  one.leave();
}

const oversized = randomBytes(messageBytesMax + 1);

/** Messages beyond the largest. */
export async function oversize(battle: Battle): Promise<void> {
  const one = await assault(battle);
  if (one === undefined) return;
  one.raw(oversized);
  await expectClose(one, [1009], "a message that is too large");
}

/** Frames that are right around changesets that are not. */
export async function brokenChangesets(battle: Battle): Promise<void> {
  const one = await identified(battle);
  if (one === undefined) return;
  one.say({ type: "mark", session: 1, request: 1 });
  await one.answer(({ type }) => type === "mark", "MARK");
  const entry = { clientVersion: 2, serverVersion: 1, originTimestamp: 5, originFileIdent: 0n };
  const body = writeUploadEntries([{ ...entry, changeset: randomBytes(1 + battle.dice.below(2_000)) }]);
  one.raw(Buffer.concat([Buffer.from(`upload 1 0 ${body.length} 0 2 1 1\n`), body]));
  const answer = await one.answer(({ type }) => type === "json_error", "a broken changeset");
  if ("type" in answer && answer.type === "json_error" && answer.session !== 1) {
    throw new Unexpected(`a broken changeset is an error of the connection: ${answer.errorCode}`);
  }
  one.leave();
}

const marks = 20_000;

/** Asks for more marks than anybody needs. */
export async function markFlood(battle: Battle): Promise<void> {
  const one = await identified(battle);
  if (one === undefined) return;
  for (let request = 1; request <= marks; request += 1) one.say({ type: "mark", session: 1, request });
  await one.answer((message) => message.type === "mark" && message.request === marks, "20,000 MARKs");
  one.leave();
}

const binds = 3_000;
/** Sessions that one connection may have. */
const sessionsMax = 100;

/** Opens thousands of sessions on one connection. */
export async function bindFlood(battle: Battle): Promise<void> {
  const one = await assault(battle);
  if (one === undefined) return;
  for (let session = 1; session <= binds; session += 1) one.say(bindOf(session, true));
  // Those beyond the limit are refused one by one, and far beyond it the connection is ended.
  await one.answer((message) => message.type === "json_error" && message.session === 0, "3,000 BINDs");
  const bound = one.messages.filter(({ type }) => type === "ident").length;
  if (bound > sessionsMax) throw new Unexpected(`${bound} sessions on one connection`);
  one.leave();
}

/** How long it does not read. */
const deafMs = 8_000;

/** Asks for everything, for marks, signs of life and sessions, and reads nothing of all that. */
export async function deaf(battle: Battle): Promise<void> {
  const one = await identified(battle);
  if (one === undefined) return;
  const query = '{"Event":"TRUEPREDICATE","Note":"TRUEPREDICATE","Tally":"TRUEPREDICATE"}';
  one.say({ type: "query", session: 1, queryVersion: 1, query });
  one.socket.pause();
  const endMs = performance.now() + deafMs;
  for (let request = 1; performance.now() < endMs && one.end === undefined; request += 100) {
    shout(one, request);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  one.leave();
}

function shout(one: Assault, from: number): void {
  for (let request = from; request < from + 100; request += 1) {
    one.say({ type: "mark", session: 1, request });
    one.say({ type: "ping", timestamp: request, roundTripMs: 0 });
    one.say(bindOf(request + 1, true));
  }
}
