/**
 * Rescue mode against everything that operators and devices may do, in any order.
 *
 * A server with the embedded ledger, a device of the old service (once with a user who can log in again, once with an
 * anonymous one), a second device and an operator are taken through their steps. Whatever can be told apart makes a
 * state; from every state that is reached every step is taken, until no new state comes up. So all orders of any length
 * are covered, as far as states that look the same behave the same, which is checked on the way.
 */

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { openNativeKeyValue, openNativeLedger } from "./native.js";
import { RescueError } from "./rescue.js";
import { createServer, type Server } from "./server.js";
import { citySchema, newCity } from "./testing/changesets.js";
import { deviceAppId, deviceQuery, givenNames, OldDevice, oldFileIdent } from "./testing/old-device.js";
import {
  logInAnonymously,
  openNewFile,
  ScriptedClient,
  type ScriptedFile,
  subscribe,
} from "./testing/scripted-client.js";

/** What can be done; each is named as in the reports of failures. */
type Step = "device" | "log in" | "second device" | "load" | "open" | "close" | "restart" | "lose the ledger";

/** One run of everything. */
class World {
  readonly device: OldDevice;
  readonly #directory: string;
  #server: Server;
  #second: ScriptedFile | null = null;
  #secondWrote = false;
  #isLoaded = false;
  /** Ledgers lost so far: an ident of an earlier one is unknown to the next. */
  #ledger = 0;
  #resetLedger = 0;
  #wasToldWhileLoaded = true;

  private constructor(directory: string, server: Server, isAnonymous: boolean) {
    this.#directory = directory;
    this.#server = server;
    this.device = new OldDevice(isAnonymous);
  }

  static async create(isAnonymous: boolean): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), "tidemark-rescue-"));
    return new World(directory, await startServer(directory), isAnonymous);
  }

  async end(): Promise<void> {
    this.device.disconnect();
    this.#second?.client.close();
    await this.#server.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** All that makes a difference for what may happen next. */
  async state(): Promise<string> {
    const { phase, tokens, isDownloading, given, hasUnsynced } = this.device;
    // A live session of another file only matters to the device if it has the device's own ident.
    const second = this.#second;
    const isBound = second?.fileIdent === oldFileIdent && second.client.socket.readyState === WebSocket.OPEN;
    const hasNewFile = phase === "fresh" || phase === "fresh complete" || phase === "reset";
    const parts = {
      rescue: (await this.#rescue()).state,
      loaded: this.#isLoaded,
      device: [phase, tokens, isDownloading, given.length, hasUnsynced],
      isFileKnown: hasNewFile && this.#resetLedger === this.#ledger,
      second: [this.#secondWrote, isBound],
    };
    return JSON.stringify(parts);
  }

  async steps(): Promise<readonly Step[]> {
    const { phase, tokens } = this.device;
    const isDone = phase === "synced" || phase === "deleted";
    const isClosed = (await this.#rescue()).isClosed;
    const possible: readonly (readonly [Step, boolean])[] = [
      ["device", !isDone && tokens !== "none"],
      ["log in", tokens !== "ours" && !this.device.isAnonymous],
      ["second device", this.#second === null],
      ["load", !this.#isLoaded],
      ["open", isClosed],
      ["close", !isClosed],
      ["restart", true],
      // What a ledger has acknowledged is lost with it; nothing on this side can keep it.
      ["lose the ledger", phase !== "synced"],
    ];
    return possible.filter(([, isPossible]) => isPossible).map(([step]) => step);
  }

  async take(step: Step): Promise<void> {
    await this.#take(step);
    await this.device.listen();
  }

  async #take(step: Step): Promise<void> {
    switch (step) {
      case "device":
        return this.#proceed();
      case "log in":
        return this.device.logIn(this.#server.url);
      case "second device":
        return this.#secondDevice();
      case "load":
        return this.#load();
      case "open":
        return this.#open();
      case "close":
        return (await this.#rescue()).close();
      case "restart":
        return this.#restart(async () => undefined);
      case "lose the ledger":
        return this.#restart(() => this.#lose());
    }
  }

  /** What must be true whatever was done before. */
  async check(): Promise<void> {
    const { phase, given, hasUnsynced } = this.device;
    expect(this.#wasToldWhileLoaded, "the device was told to reset onto data that was not loaded").toBe(true);
    expect(given, "the device holds what the old service had given it").toEqual(givenNames);
    expect(phase, "the device has its file").not.toBe("deleted");
    if (hasUnsynced) return;
    const objects = await objectsOf(this.#server);
    expect(objects, "what the device had not synced is in the ledger").toBe(
      givenNames.length + 1 + (this.#secondWrote ? 1 : 0),
    );
  }

  async #rescue() {
    const app = await this.#server.apps.find(deviceAppId);
    if (app === undefined) throw new Error("no app");
    return app.rescue;
  }

  async #proceed(): Promise<void> {
    const before = this.device.phase;
    await this.device.proceed(this.#server.url);
    const { phase } = this.device;
    if (phase === "told to reset" && before !== phase) this.#wasToldWhileLoaded &&= this.#isLoaded;
    if (phase === "fresh" && before !== phase) this.#resetLedger = this.#ledger;
  }

  /** A new device: it gets its file, writes, and stays connected. */
  async #secondDevice(): Promise<void> {
    const file = await newDevice(this.#server);
    file.upload(newCity(9, "Skagen", "DK"));
    while (file.uploadClientVersion < file.clientVersion) await file.download();
    this.#second = file;
    this.#secondWrote = true;
  }

  /** The operator's import, which is a client file of its own. */
  async #load(): Promise<void> {
    const file = await newDevice(this.#server);
    file.upload(...givenNames.map((name, index) => newCity(index + 1, name, "DK")));
    while (file.uploadClientVersion < file.clientVersion) await file.download();
    file.client.close();
    this.#isLoaded = true;
  }

  /** The operator says how much was to be loaded, loaded or not. */
  async #open(): Promise<void> {
    await (await this.#rescue()).open(givenNames.length).catch((error: unknown) => {
      if (!(error instanceof RescueError) || this.#isLoaded) throw error;
    });
  }

  async #restart(meanwhile: () => Promise<void>): Promise<void> {
    this.device.disconnect();
    this.#second?.client.close();
    await this.#second?.client.closed;
    await this.#server.stop();
    await meanwhile();
    this.#server = await startServer(this.#directory);
  }

  async #lose(): Promise<void> {
    const path = join(this.#directory, "apps", deviceAppId, "ledger.redb");
    expect(existsSync(path)).toBe(true);
    await rm(path);
    this.#ledger += 1;
    this.#isLoaded = false;
    this.#secondWrote = false;
    this.#second = null;
  }
}

async function startServer(directory: string): Promise<Server> {
  const server = createServer({
    dataDirectory: directory,
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    appIds: [deviceAppId],
    // The classes come with the first upload; rescue mode is as on a server for production.
    developmentMode: true,
    rescue: "closed",
    limits: { closeMs: 200 },
    passwordCost: { memoryKib: 64, passes: 1 },
  });
  await server.start();
  return server;
}

async function objectsOf(server: Server): Promise<number> {
  const { apps } = await server.status();
  return Object.values(apps[0]?.objects ?? {}).reduce((sum, count) => sum + count, 0);
}

async function newDevice(server: Server): Promise<ScriptedFile> {
  const { access_token } = await logInAnonymously(server.url, deviceAppId);
  const file = await openNewFile(await ScriptedClient.connect(server.url, deviceAppId, access_token));
  file.upload(citySchema());
  await file.download();
  await subscribe(file, deviceQuery);
  return file;
}

/** A state with the steps that were taken from it, and where they led. */
interface Place {
  readonly steps: readonly Step[];
  readonly taken: Map<Step, string>;
}

/** The nearest place with a step that was not taken yet: the way to it, by steps that were. */
function wayToNew(places: ReadonlyMap<string, Place>, from: string): readonly Step[] | null {
  const ways = new Map<string, readonly Step[]>([[from, []]]);
  for (const [name, way] of ways) {
    const place = places.get(name);
    if (place === undefined) throw new Error(`no place ${name}`);
    const fresh = place.steps.find((step) => !place.taken.has(step));
    if (fresh !== undefined) return [...way, fresh];
    for (const [step, to] of place.taken) if (!ways.has(to)) ways.set(to, [...way, step]);
  }
  return null;
}

/** Takes every step from every state, and returns what came up. */
async function explore(isAnonymous: boolean) {
  const places = new Map<string, Place>();
  const answers = new Set<string>();
  const phases = new Set<string>();
  let orders = 0;
  let stepsTaken = 0;
  let start: string | null = null;
  for (let isDone = false; !isDone;) {
    const world = await World.create(isAnonymous);
    const order: Step[] = [];
    try {
      let here = await arrive(world, places);
      start ??= here;
      expect(here).toBe(start);
      for (let way = wayToNew(places, here); way !== null; way = wayToNew(places, here)) {
        for (const step of way) {
          order.push(step);
          await world.take(step);
          await world.check();
          stepsTaken += 1;
          const there = await arrive(world, places);
          const known = places.get(here)?.taken.get(step);
          expect(there, "the same step from the same state").toBe(known ?? there);
          places.get(here)?.taken.set(step, there);
          phases.add(world.device.phase);
          here = there;
        }
      }
      for (const answer of world.device.answers) answers.add(answer);
      orders += 1;
      isDone = start === here || wayToNew(places, start) === null;
    } catch (error) {
      throw new Error(`after ${order.join(", ")}: ${(error as Error).message}`, { cause: error });
    } finally {
      await world.end();
    }
  }
  return { states: places.size, stepsTaken, orders, answers: [...answers].sort(), phases: [...phases].sort() };
}

async function arrive(world: World, places: Map<string, Place>): Promise<string> {
  const state = await world.state();
  if (!places.has(state)) places.set(state, { steps: await world.steps(), taken: new Map() });
  return state;
}

test("no order of steps loses anything of a device whose user can log in again", { timeout: 300_000 }, async () => {
  const found = await explore(false);
  expect(found.states).toBeGreaterThanOrEqual(80);
  expect(found.phases).toEqual(["fresh", "fresh complete", "old", "reset", "synced", "told to reset"]);
  expect(found.answers).toEqual(["208 ClientReset", "211 ClientReset", "229 Transient", "401", "503"]);
});

test("no order of steps loses anything of an anonymous user's device", { timeout: 300_000 }, async () => {
  const found = await explore(true);
  expect(found.phases).toEqual(["old"]);
  expect(found.answers).toEqual(["503"]);
});
