import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openClient, type TestClient } from "../testing/client.js";
import { type AnnouncedProcess, startProcess, startServer, type TestServer } from "@tidemark/testing";
import { compiled } from "../testing/compiled.js";
import { createNodeEngine } from "./index.js";

/** Longer than any frame, query or garbage collection of a real application. */
const blockedMs = 10_000;
const ownKey = 7;
const peersFirstKey = 1000;

let server: TestServer;
let relay: AnnouncedProcess;
let peer: AnnouncedProcess;
let client: TestClient;
const relayed: { readonly what: string; readonly atMs: number }[] = [];
const seenByPeer = new Map<number, number>();

beforeAll(async () => {
  server = await startServer();
  relay = await startProcess([compiled("relay.js"), server.url], /relay at (http:\S+)/);
  relay.onLine((line) => {
    const [what = "", at = "0"] = line.split(" ");
    relayed.push({ what, atMs: Number(at) });
  });
  const peerArguments = [compiled("peer.js"), server.url, join(server.directory, "peer"), String(peersFirstKey)];
  peer = await startProcess(peerArguments, /peer is (ready)/);
  peer.onLine((line) => {
    const [, key = "", at = "0"] = /^saw (\d+) (\d+)$/.exec(line) ?? [];
    if (key !== "" && !seenByPeer.has(Number(key))) seenByPeer.set(Number(key), Number(at));
  });
  const engine = createNodeEngine();
  const timeouts = { pingPeriodMs: 300, pongTimeoutMs: 1_500 };
  client = await openClient(engine, relay.value, join(server.directory, "main"), timeouts);
}, 60_000);

afterAll(async () => {
  client?.file.close();
  await peer?.stop();
  await relay?.stop();
  await server?.stop();
});

test("while the application's thread is blocked, downloads arrive, uploads leave and pings are answered", async () => {
  const changes: string[] = [];
  client.session.connectionListeners.add((state) => changes.push(state));
  peer.child.stdin?.write("go\n");
  // The write to the pipe leaves in this turn; from the next line on nothing else of this thread does.
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.write(ownKey);

  const startMs = Date.now();
  const counts: number[] = [];
  while (Date.now() - startMs < blockedMs) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs / 6);
    // Reading needs no turn of the event loop.
    client.file.database.advance();
    counts.push(client.all().length);
  }
  const endMs = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 300));

  const growing = counts.filter((count, index) => count > (counts[index - 1] ?? 1));
  expect(growing.length, `counts while blocked: ${counts.join(", ")}`).toBeGreaterThanOrEqual(4);
  const arrivedMs = seenByPeer.get(ownKey) ?? Number.POSITIVE_INFINITY;
  expect(arrivedMs, "the own write reached the other device during the block").toBeLessThan(endMs);
  const inside = (what: string): number =>
    relayed.filter((one) => one.what === what && one.atMs > startMs && one.atMs < endMs).length;
  const expectedPings = Math.floor(blockedMs / 1_000);
  expect(inside("ping")).toBeGreaterThanOrEqual(expectedPings);
  expect(inside("pong")).toBeGreaterThanOrEqual(expectedPings);
  expect(changes, "the connection stayed").toEqual([]);
  await client.session.waitForUpload();
}, 60_000);
