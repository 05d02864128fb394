/** Clients that stay away, the log that is trimmed, and clocks that run ahead. */

import { toSyncTimestamp } from "@tidemark/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { ClockSkew } from "./clock-skew.js";
import { type Host, systemHost } from "./host.js";
import { type LogFields, type Logger, silentLogger } from "./logger.js";
import { Metrics } from "./metrics.js";
import { openNativeLedger } from "./native.js";
import { createServer, type Server } from "./server.js";
import type { ServerStatus } from "./status.js";
import { citySchema, newCity } from "./testing/changesets.js";
import { openRole } from "./session-roles.js";
import { FakeLedger } from "./testing/fake-ledger.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import { logInAnonymously, openNewFile, ScriptedClient, type ScriptedFile } from "./testing/scripted-client.js";
import { Upkeep } from "./upkeep.js";

const dayMs = 24 * 60 * 60_000;

/** A host whose time passes when it is told to. */
class ManualHost implements Host {
  time = 1_800_000_000_000;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.time;
  }

  randomBytes(count: number): Uint8Array {
    return systemHost.randomBytes(count);
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.time + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  get timers(): readonly number[] {
    return this.#timers.map((one) => one.atMs - this.time);
  }

  /** Lets the next timer run out, and what it starts get done. */
  async next(): Promise<void> {
    const timer = this.#timers.shift();
    if (timer === undefined) throw new Error("no timer runs");
    this.time = timer.atMs;
    timer.run();
    while (this.#timers.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

interface Line {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

function recorder(): { readonly lines: Line[]; readonly logger: Logger } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (fields: LogFields, message: string): void => {
      lines.push({ level, fields, message });
    };
  return { lines, logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
}

describe("the timer of the upkeep", () => {
  function start(maxOfflineMs: number, logger = silentLogger) {
    const host = new ManualHost();
    const ledger = new FakeLedger({ path: null, epochSalt: "1", developmentMode: true });
    const metrics = new Metrics(host);
    let owed = 0;
    const onCursorsOwed = (): void => {
      owed += 1;
    };
    const upkeep = new Upkeep({ appId, ledger, host, logger, metrics, maxOfflineMs, onCursorsOwed });
    return { host, ledger, metrics, upkeep, owed: () => owed };
  }

  test("a cycle is all its steps, one after the other, and another follows within the hour", async () => {
    const { host, ledger, metrics, upkeep } = start(30 * dayMs);
    expect(ledger.maxOfflineMs).toBe(30 * dayMs);
    expect(host.timers).toEqual([30_000]);
    await host.next();
    expect(ledger.steps).toHaveLength(3);
    expect(host.timers).toEqual([60 * 60_000]);
    await host.next();
    expect(ledger.steps).toHaveLength(6);
    expect(ledger.steps[5]).toEqual({ nowMs: host.time, budget: 500 });
    expect(metrics.total("entriesTrimmed")).toBe(4);
    await upkeep.stop();
    expect(host.timers).toEqual([]);
    expect(ledger.violations).toEqual([]);
  });

  test("a short maximum offline time is kept by short pauses", async () => {
    const { host, upkeep } = start(7200);
    await host.next();
    expect(host.timers).toEqual([10]);
    await upkeep.stop();
  });

  test("what fails is told and tried again", async () => {
    const { lines, logger } = recorder();
    const { host, ledger, upkeep } = start(30 * dayMs, logger);
    ledger.upkeepFailure = new Error("the disk is full");
    await host.next();
    expect(lines.map((line) => line.level)).toEqual(["error"]);
    ledger.upkeepFailure = null;
    await host.next();
    expect(ledger.steps).toHaveLength(3);
    await upkeep.stop();
  });

  test("sessions are woken when they are owed their cursor", async () => {
    const { host, ledger, owed, upkeep } = start(30 * dayMs);
    ledger.owesCursors = true;
    await host.next();
    expect(owed()).toBe(0);
    ledger.endSession = () => undefined;
    const salt = "5";
    const fileIdent = await ledger.allocateFileIdent("user", salt);
    await ledger.identify({
      fileIdent,
      fileIdentSalt: salt,
      userId: "user",
      downloadServerVersion: 0,
      downloadClientVersion: 0,
      latestServerVersion: 0,
      latestServerVersionSalt: "0",
      queryVersion: 0,
      query: "{}",
      role: openRole,
      isOwnClient: true,
      protocolVersion: 14,
      schemaVersion: 0,
    });
    await host.next();
    expect(owed()).toBe(1);
    await upkeep.stop();
  });
});

describe("clocks that run ahead", () => {
  test("a device is named once a day, and listed until it is right", () => {
    const host = new ManualHost();
    const { lines, logger } = recorder();
    const metrics = new Metrics(host);
    const skew = new ClockSkew({ appId, host, logger, metrics });
    skew.note("2", "anna", undefined);
    skew.note("3", "bert", 400_000);
    skew.note("4", "carl", 900_000);
    skew.note("3", "bert", 500_000);
    expect(skew.status()).toEqual({
      devices: 2,
      largestMs: 900_000,
      listed: [
        { fileIdent: "4", userId: "carl", aheadMs: 900_000 },
        { fileIdent: "3", userId: "bert", aheadMs: 500_000 },
      ],
    });
    expect(lines.map(({ level, fields }) => [level, fields["user"], fields["file"], fields["aheadMs"]])).toEqual([
      ["warn", "bert", "3", 400_000],
      ["warn", "carl", "4", 900_000],
    ]);
    skew.note("3", "bert", undefined);
    expect(skew.status().listed.map((one) => one.userId)).toEqual(["carl"]);
    // Right for a while, and ahead again: still the same day.
    skew.note("3", "bert", 500_000);
    expect(lines).toHaveLength(2);
    host.time += dayMs;
    skew.note("3", "bert", 500_000);
    expect(lines).toHaveLength(3);
    expect(metrics.total("clocksAhead")).toBe(3);
  });

  test("those heard of longest ago are forgotten when there are too many", () => {
    const host = new ManualHost();
    const skew = new ClockSkew({ appId, host, logger: silentLogger, metrics: new Metrics(host) });
    for (let file = 0; file < 10_050; file += 1) skew.note(String(file), "anna", 400_000 + file);
    const { devices, largestMs, listed } = skew.status();
    expect([devices, largestMs, listed.length]).toEqual([10_000, 410_049, 20]);
  });
});

describe("a server", () => {
  let fixture: Fixture | null = null;
  let server: Server | null = null;
  const clients: ScriptedClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await fixture?.stop();
    await server?.stop();
    [fixture, server] = [null, null];
  });

  async function statusOf(url: string): Promise<ServerStatus["apps"][number]> {
    const answer = await fetch(`${url}/api/tidemark/status`);
    const { apps } = (await answer.json()) as ServerStatus;
    const app = apps[0];
    if (app === undefined) throw new Error("no app is there");
    return app;
  }

  test("names who uploads with a clock that is ahead, in its log and its status", async () => {
    const { lines, logger } = recorder();
    fixture = await startFixture({ logger });
    const user = await logInAnonymously(fixture.url, appId);
    const file = await openNewFile(await fixture.connect(user.access_token));
    file.upload("in time");
    await file.download();
    expect((await statusOf(fixture.url)).clocksAhead).toEqual({ devices: 0, largestMs: 0, listed: [] });
    file.clock = toSyncTimestamp(Date.now()) + 600_000;
    file.upload("ahead");
    await file.download();
    const { clocksAhead } = await statusOf(fixture.url);
    const fileIdent = file.fileIdent.toString();
    expect(clocksAhead).toMatchObject({ devices: 1, listed: [{ fileIdent, userId: user.user_id }] });
    expect(clocksAhead.largestMs).toBeGreaterThan(590_000);
    const warnings = lines.filter((line) => line.level === "warn");
    expect(warnings).toMatchObject([{ fields: { user: user.user_id, file: fileIdent } }]);
    expect(fixture.server.metrics.total("clocksAhead")).toBe(1);
  });

  test("tells idle sessions of their cursor", async () => {
    fixture = await startFixture({ maxOfflineMs: 1000 });
    const file = await openNewFile(await fixture.connect());
    fixture.ledger().owesCursors = true;
    expect(await file.download()).toMatchObject({ batchState: 2, uncompressedSize: 0 });
  });

  test("a session whose history is trimmed away is told to start over", async () => {
    fixture = await startFixture();
    const file = await openNewFile(await fixture.connect());
    fixture.ledger().failure = Object.assign(new Error("trimmed"), { code: "history-trimmed" });
    file.upload("late");
    expect(await file.client.expectError(222)).toMatchObject({ action: "ClientReset", isRecoveryModeDisabled: false });
  });

  test("a session that has to begin anew is closed, which is no fault of the server", async () => {
    const errors: unknown[] = [];
    const note = (...said: readonly unknown[]): void => void errors.push(said);
    fixture = await startFixture({ logger: { ...silentLogger, error: note } });
    const file = await openNewFile(await fixture.connect());
    fixture.ledger().failure = Object.assign(new Error("too many bootstraps"), { code: "restart-session" });
    file.upload("late");
    expect(await file.client.expectError(200)).toMatchObject({ action: "Transient", tryAgain: true });
    expect(errors).toEqual([]);
  });

  test("a session whose queries take too long to evaluate is ended until its app asks for less", async () => {
    const errors: unknown[] = [];
    const note = (...said: readonly unknown[]): void => void errors.push(said);
    fixture = await startFixture({ logger: { ...silentLogger, error: note } });
    const file = await openNewFile(await fixture.connect());
    fixture.ledger().failure = Object.assign(new Error("it takes too long"), { code: "query-too-costly" });
    file.upload("late");
    expect(await file.client.expectError(226)).toMatchObject({ action: "ApplicationBug", tryAgain: false });
    expect(errors).toEqual([]);
  });

  async function connect(token: string): Promise<ScriptedClient> {
    if (server === null) throw new Error("no server runs");
    const client = await ScriptedClient.connect(server.url, appId, token);
    clients.push(client);
    return client;
  }

  /** A new file with the schema and a city. */
  async function city(token: string, key: number): Promise<ScriptedFile> {
    const file = await openNewFile(await connect(token));
    file.upload(citySchema());
    await file.download();
    file.sendQuery(1, JSON.stringify({ City: "(TRUEPREDICATE)" }));
    while ((await file.download()).batchState !== 1);
    file.query = JSON.stringify({ City: "(TRUEPREDICATE)" });
    file.upload(newCity(key, "Aarhus", "DK"));
    while ((await file.download()).uploadClientVersion < file.clientVersion);
    return file;
  }

  test(
    "a file that was away for too long gets 222, and one that is connected never does",
    { timeout: 60_000 },
    async () => {
      server = createServer({
        dataDirectory: null,
        openLedger: openNativeLedger,
        developmentMode: true,
        maxOfflineMs: 400,
        limits: { closeMs: 200 },
        passwordCost: { memoryKib: 64, passes: 1 },
      });
      await server.start();
      const { access_token: token } = await logInAnonymously(server.url, appId);
      const away = await city(token, 1);
      const here = await city(token, 2);
      away.client.close();
      let status = await statusOf(server.url);
      while (status.expiredClientFiles === 0 || status.entries > 0) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        status = await statusOf(server.url);
      }
      expect(status).toMatchObject({ clientFiles: 2, expiredClientFiles: 1, bytes: 0, objects: { City: 2 } });
      expect(status.trimmedVersion).toBe(status.version);
      expect(server.metrics.total("clientFilesExpired")).toBe(1);
      away.client = await connect(token);
      await away.open();
      expect(await away.client.expectError(222)).toMatchObject({
        action: "ClientReset",
        shouldClientReset: true,
        isRecoveryModeDisabled: false,
        tryAgain: false,
      });
      here.mark(7);
      for (let message = await here.client.receive(); message.type !== "mark"; message = await here.client.receive()) {
        if (message.type === "download") await here.take(message);
      }
      here.upload(newCity(3, "Ribe", "DK"));
      while (here.uploadClientVersion < here.clientVersion) await here.download();
      const fresh = await city(token, 4);
      expect(fresh.received.join("\n")).toContain("Ribe");
    },
  );
});
