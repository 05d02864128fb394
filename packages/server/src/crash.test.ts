/** A server that is killed at any moment has lost nothing of what it acknowledged, and integrates nothing twice. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ServerStatus } from "./status.js";
import { Changeset, citySchema } from "./testing/changesets.js";
import {
  logInAnonymously,
  openNewFile,
  ScriptedClient,
  type ScriptedFile,
  subscribe,
} from "./testing/scripted-client.js";

const program = fileURLToPath(new URL("../dist/testing/serve.js", import.meta.url));
const appId = "crash-app";
const query = '{"City":"(TRUEPREDICATE)"}';

let directory: string;
let running: ChildProcess;
let url: string;

async function start(port: number): Promise<void> {
  running = spawn(process.execPath, [program, directory, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(running.stdout ?? running, "data")) as [Buffer];
  url = line.toString().trim();
}

async function kill(): Promise<void> {
  const ended = once(running, "exit");
  running.kill("SIGKILL");
  await ended;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tidemark-crash-"));
  await start(0);
});

afterEach(async () => {
  await kill();
  await rm(directory, { recursive: true, force: true });
});

/** Uploads one change after another until the connection breaks. */
async function uploadUntilKilled(file: ScriptedFile, changes: Uint8Array[]): Promise<void> {
  const first = file.clientVersion;
  for (let next = 0; ; next += 1) {
    if (changes.length >= changesMax) {
      await file.client.closed;
      return;
    }
    const changeset = nextChange(changes.length);
    changes.push(changeset);
    file.upload(changeset);
    expect(file.clientVersion).toBe(first + next + 1);
    if (next % 3 !== 0) continue;
    const message = await file.client.receive().catch(() => null);
    if (message === null) return;
    if (message.type !== "download") throw new Error(`not expected: ${message.type}`);
    await file.take(message);
  }
}

const cities = 40;
/** Changes that each of the four rounds makes at least. */
const changesMin = 12;
/** As many as the small numbers of the test's changesets can address. */
const changesMax = 2400;

/** Creates a city, or appends to the list of one: an insertion that came twice would not fit. */
function nextChange(index: number): Uint8Array {
  if (index < cities) return new Changeset().create("City", index).bytes();
  const [key, place] = [index % cities, Math.floor(index / cities) - 1];
  return new Changeset().insert("City", key, "tags", place, `v${index};`, place).bytes();
}

test("kill -9 while a client uploads", { timeout: 60_000 }, async () => {
  const { access_token } = await logInAnonymously(url, appId);
  const file = await openNewFile(await ScriptedClient.connect(url, appId, access_token));
  file.upload(citySchema());
  await file.download();
  await subscribe(file, query);
  const base = file.clientVersion;
  const changes: Uint8Array[] = [];
  const port = Number(new URL(url).port);
  for (let round = 0; round < 4; round += 1) {
    const uploading = uploadUntilKilled(file, changes);
    await new Promise((resolve) => setTimeout(resolve, 20 + 37 * round));
    // On a busy machine little is sent in that time: all cities must be there in the end.
    while (changes.length < changesMin * (round + 1)) await new Promise((resolve) => setTimeout(resolve, 5));
    await kill();
    await uploading;
    const acknowledged = file.uploadClientVersion;
    await start(port);
    file.client = await ScriptedClient.connect(url, appId, access_token);
    await file.open();
    await file.download();
    expect(file.uploadClientVersion).toBeGreaterThanOrEqual(acknowledged);
    // What was not acknowledged is uploaded again, as a client does: what the server has of it is skipped.
    const kept = Math.max(0, acknowledged - base - 2);
    const again = changes.slice(kept);
    file.clientVersion = base + kept;
    file.upload(...again);
    while (file.uploadClientVersion < file.clientVersion) await file.download();
  }
  const status = (await (await fetch(`${url}/api/tidemark/status`)).json()) as ServerStatus;
  expect(status.apps[0]).toMatchObject({ objects: { City: cities }, epoch: 5 });
  const reader = await openNewFile(await ScriptedClient.connect(url, appId, access_token));
  await subscribe(reader, query);
  const values = [...reader.received.join("").matchAll(/v(\d+);/g)].map((match) => Number(match[1]));
  const expected = Array.from({ length: changes.length - cities }, (_, index) => index + cities);
  expect(values.sort((one, other) => one - other)).toEqual(expected);
});
