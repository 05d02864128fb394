/**
 * All clients under fire, in one process: the engine with its session loop inline, so that none needs a thread.
 *
 * @module
 */

import { join } from "node:path";
import { type App, credentials, Engine, inlineTransport, plainConventions, type User } from "@tidemark/engine";
import { loadCore, nodeHost, nodeSockets, nodeSyncHost } from "@tidemark/engine/node";
import { Dice } from "../harness/dice.js";
import { Device, type DeviceParts } from "./device.js";
import type { LoadCounts, LoadSettings, Victim } from "./orders.js";
import type { Selection } from "./subscriptions.js";
import { Watch } from "./watch.js";

/** Devices of one group, on average. */
const groupSize = 10;
/** One in so many users has a second device. */
const secondDeviceShare = 5;
/** Clients that log in or open at the same time: a crowd at once would test nothing but the queue of the server. */
const openAtOnceMax = 32;
/** How long the clients may take to come into being, one. */
const openMs = 60_000;

/** The clients. */
export class Fleet {
  readonly settings: LoadSettings;
  readonly watch: Watch;
  readonly engine: Engine;
  readonly groupCount: number;
  devices: Device[] = [];
  #apps: App[] = [];
  #timers = new Set<NodeJS.Timeout>();
  #transactions = 0;
  readonly failures: string[] = [];

  constructor(settings: LoadSettings) {
    this.settings = settings;
    this.watch = new Watch(settings.hasRules);
    this.groupCount = Math.max(1, Math.round(settings.deviceCount / groupSize));
    const core = loadCore();
    const host = { ...nodeSyncHost, sockets: this.watch.over(nodeSockets) };
    this.engine = new Engine({
      core,
      host: nodeHost,
      conventions: plainConventions,
      startTransport: inlineTransport(host, core),
    });
  }

  /** One app for each way to the server; every second one keeps a user's sessions on one connection. */
  #appOf(url: string, isMultiplexed: boolean): App {
    const { appId, directory } = this.settings;
    return this.engine.createApp({
      id: appId,
      baseUrl: url,
      timeoutMs: 30_000,
      isMultiplexed,
      baseDirectory: directory,
      keepsUsers: false,
    });
  }

  logIn(): Promise<User> {
    return this.#appOf(this.settings.directUrl, false).logIn(credentials.anonymous(false));
  }

  /** Logs all users in and opens all files, until each has its first data. */
  async open(): Promise<void> {
    const { deviceCount, urls } = this.settings;
    this.#apps = urls.map((url, index) => this.#appOf(url, index % 2 === 0));
    const userCount = deviceCount - Math.floor(deviceCount / (secondDeviceShare + 1));
    const users: User[] = [];
    await inParts(userCount, async (index) => {
      const app = this.#apps[index % this.#apps.length];
      if (app !== undefined) users[index] = await app.logIn(credentials.anonymous(false));
    });
    await inParts(deviceCount, async (index) => {
      const user = users[index % userCount];
      if (user !== undefined) await this.#begin(index, user);
    });
  }

  async #begin(index: number, user: User): Promise<void> {
    const { seed, directory } = this.settings;
    const device = this.makeDevice({
      user,
      device: index,
      homeGroup: index % this.groupCount,
      path: join(directory, `device-${index}.realm`),
      dice: new Dice(seed * 1_000_003 + index),
    });
    this.devices[index] = device;
    device.subscribe();
    await inTime(device.subscribed(), device);
    device.writer.prepare(device.file.database, index < this.groupCount);
    await inTime(device.sync.session.waitForUpload(), device);
  }

  makeDevice(parts: Pick<DeviceParts, "user" | "device" | "homeGroup" | "path" | "dice">): Device {
    const { hasRules } = this.settings;
    const { engine, watch, groupCount } = this;
    return new Device({ ...parts, owner: parts.user.id, engine, watch, groupCount, hasRules });
  }

  /** A device that knows nothing yet, without faults on its way, once it has everything it asks for. */
  async fresh(name: string, user: User, selections: readonly Selection[]): Promise<Device> {
    const path = join(this.settings.directory, `${name}.realm`);
    const device = this.makeDevice({ user, device: -1, homeGroup: 0, path, dice: new Dice(1) });
    device.subscribeTo(selections);
    await inTime(device.subscribed(), device);
    await inTime(device.sync.session.waitForDownload(), device);
    return device;
  }

  victims(): Victim[] {
    return this.devices.slice(0, 20).map((device) => {
      const { fileIdent, fileIdentSalt } = device.state();
      return { userId: device.parts.owner, fileIdent, fileIdentSalt };
    });
  }

  /** Every device acts at its own pace from now on. */
  write(): void {
    for (const device of this.devices) this.#schedule(device);
  }

  #schedule(device: Device): void {
    const { pauseMs } = this.settings;
    const delayMs = pauseMs * (0.1 + (device.parts.dice.below(1000) / 1000) * 1.8);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      try {
        device.act();
        this.#transactions += 1;
      } catch (error) {
        this.failures.push(
          `${device.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
      this.#schedule(device);
    }, delayMs);
    this.#timers.add(timer);
  }

  counts(): LoadCounts {
    const sum = (of: (device: Device) => number): number => this.devices.reduce((all, one) => all + of(one), 0);
    return {
      transactions: this.#transactions,
      restarts: sum((device) => device.restartCount),
      downloads: this.watch.downloadCount,
      compensations: sum((device) => device.reported.length),
      uploadsWaiting: sum((device) => (device.hasUploadedAll ? 0 : 1)),
      residentBytes: process.memoryUsage().rss,
    };
  }

  /** Stops writing and waits until everybody has everything. Returns those that do not get there. */
  async quiet(): Promise<{ tookMs: number; hanging: string[] }> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const startedMs = performance.now();
    const hanging = new Set(this.devices);
    const late = new Promise<void>((resolve) => setTimeout(resolve, this.settings.quietMs).unref());
    for (const device of this.devices) device.wake();
    // A device that fails has its error noted, and is looked at like the others.
    const uploads = Promise.allSettled(this.devices.map((device) => device.sync.session.waitForUpload()));
    const all = uploads.then(() => Promise.allSettled(this.devices.map((device) => this.#catchUp(device, hanging))));
    await Promise.race([all, late]);
    const tookMs = performance.now() - startedMs;
    // Nobody begins to catch up before everybody has uploaded: those that keep the others waiting are named.
    const uploading = [...hanging].filter((device) => !device.hasUploadedAll);
    const named = uploading.length > 0 ? uploading : [...hanging];
    return { tookMs, hanging: named.map((device) => device.describe()) };
  }

  async #catchUp(device: Device, hanging: Set<Device>): Promise<void> {
    await device.subscribed();
    await device.sync.session.waitForDownload();
    hanging.delete(device);
  }
}

/** Runs a numbered task so many times, a few at once. */
export async function inParts(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await task(next - 1);
    }
  };
  await Promise.all(Array.from({ length: openAtOnceMax }, work));
}

async function inTime(wait: Promise<void>, device: Device): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not in ${openMs} ms: ${device.describe()}`)), openMs);
  });
  try {
    await Promise.race([wait, late]);
  } finally {
    clearTimeout(timer);
  }
}
