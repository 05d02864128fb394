/**
 * What a scenario gets: devices on an app of its own, each behind its own proxy, and checks.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  errorInformation,
  type ErrorInformation,
  protocolVersionMax,
  serializeServerMessage,
} from "@tidemark/protocol";
import type {
  Adapter,
  AppOptions,
  LogLine,
  LogLevel,
  Model,
  OpenOptions,
  TestApp,
  TestRealm,
  TestSession,
  TestUser,
} from "../adapter.js";
import { AdminApp, type AdminAppOptions } from "./admin-app.js";
import { FaultProxy } from "./fault-proxy.js";
import { type FacadeName, isFacadeName } from "../scenario.js";
import type { ServerProcess } from "./server-process.js";

/** How long something that must happen may take. */
const eventuallyTimeoutMs = 10_000;
const pollMs = 10;
/** What counts of one look to the next: where the machine let this process wait, what it waits for waited too. */
const turnMsMax = 5 * pollMs;

/** The class that most scenarios use. */
export const dogModel: Model = {
  name: "Dog",
  primaryKey: "_id",
  properties: { _id: "int", name: "string", age: "int", tags: "string[]" },
};

/** Every dog. */
export const allDogs = [{ name: "all", className: "Dog" }] as const;

/** Fields of a dog. */
export function dog(key: number, name = `dog ${key}`): { _id: number; name: string; age: number; tags: string[] } {
  return { _id: key, name, age: key % 20, tags: [] };
}

/** A device: one app in one folder behind one proxy. */
export interface Device {
  /** Its app. */
  readonly app: TestApp;
  /** Who is logged in. */
  readonly user: TestUser;
  /** What stands between it and the server. */
  readonly proxy: FaultProxy;
  /** Where it keeps its files. */
  readonly directory: string;
  /** Opens a synced realm that the stage closes at the end. */
  open(options?: Partial<OpenOptions>): Promise<TestRealm>;
}

/** A device that is open, subscribed and connected. */
export interface ReadyDevice extends Device {
  /** Its realm. */
  readonly realm: TestRealm;
  /** The realm's session. */
  readonly session: TestSession;
}

/** A check that did not hold. */
export class CheckFailure extends Error {
  /** Its class. */
  override readonly name = "CheckFailure";
}

/** Everything one scenario needs; what it makes is gone when the scenario is over. */
export class Stage {
  /** The facade under test. */
  readonly adapter: Adapter;
  /** The server under test. */
  readonly server: ServerProcess;
  #appId: string;
  readonly #cleanUps: (() => Promise<void> | void)[] = [];
  /** By how much the server's clock is ahead. */
  #shiftMs = 0;

  constructor(adapter: Adapter, server: ServerProcess, appId: string) {
    this.adapter = adapter;
    this.server = server;
    this.#appId = appId;
  }

  /** A new device with a new user. */
  async device(options: Partial<AppOptions> = {}): Promise<Device> {
    const directory = await this.directory();
    const proxy = await FaultProxy.start(this.server.url);
    this.#cleanUps.push(() => proxy.stop());
    const app = await this.adapter.makeApp({ appId: this.#appId, baseUrl: proxy.url, directory, ...options });
    const user = await app.logIn();
    const open = async (opening: Partial<OpenOptions> = {}): Promise<TestRealm> => {
      return this.openFor(user, opening);
    };
    return { app, user, proxy, directory, open };
  }

  /** Opens a user's realm, by default subscribed to all dogs, and closes it at the end. */
  async openFor(user: TestUser, options: Partial<OpenOptions> = {}): Promise<TestRealm> {
    const realm = await user.openSynced({ models: [dogModel], subscriptions: allDogs, ...options });
    this.#cleanUps.push(() => realm.close());
    return realm;
  }

  /** A device whose realm is open, subscribed to all dogs and connected. */
  async readyDevice(options: Partial<OpenOptions> = {}): Promise<ReadyDevice> {
    const device = await this.device();
    const realm = await device.open(options);
    await realm.subscriptions().waitSync();
    return { ...device, realm, session: this.session(realm) };
  }

  /** Fails unless something is one of the forms it has in the four SDKs: the facade's own, if it is one of these. */
  oneOf<T>(actual: T, forms: Readonly<Record<FacadeName, T>>, what: string): void {
    const { facade } = this.adapter;
    if (isFacadeName(facade)) this.equal(actual, forms[facade], what);
    else this.check(Object.values(forms).includes(actual), `${what}: ${JSON.stringify(actual)} is none that is known`);
  }

  /** Runs the adapter's own form of a case. */
  async own(id: string): Promise<void> {
    const run = this.adapter.ownCases?.[id];
    if (run === undefined) throw new CheckFailure(`${this.adapter.facade} has no case ${id} of its own`);
    await run(this);
  }

  /** Has something undone at the end. */
  later(cleanUp: () => Promise<void> | void): void {
    this.#cleanUps.push(cleanUp);
  }

  /** The session of a realm that must have one. */
  session(realm: TestRealm): TestSession {
    const session = realm.session();
    if (!session) throw new CheckFailure("the realm has no session");
    return session;
  }

  /** An empty folder, removed at the end. */
  async directory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "tidemark-device-"));
    // The thread of a session that has just ended may still be letting go of its file.
    this.#cleanUps.push(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
    return directory;
  }

  /**
   * Lets something happen that the server then forgets, as one that was restored from a backup: files that know of it
   * have to start over.
   */
  async forget(happen: () => Promise<void>): Promise<void> {
    await this.server.backUp(this.#appId);
    await happen();
    await this.server.restore(this.#appId);
  }

  // --- what the server is and says ---------------------------------------------------------------------------

  /** The case's app is one that is set up in a certain way; before the first device. */
  async setUpApp(options: AdminAppOptions = {}): Promise<AdminApp> {
    const app = await AdminApp.create(this.server.url, options);
    this.#appId = app.clientAppId;
    return app;
  }

  /** The server's clock goes on, or back, until the case is over. */
  async passTime(byMs: number): Promise<void> {
    await this.server.passTime(byMs);
    this.#shiftMs += byMs;
  }

  /** The server says that a device's session has failed, by the protocol's code, and nothing after that. */
  serverSays(
    { proxy }: Pick<Device, "proxy">,
    code: number,
    message: string,
    overrides: Partial<ErrorInformation> = {},
  ): void {
    // A server's own words would come with an action that the table of codes does not know.
    const body = JSON.stringify({ ...errorInformation(code, message), ...overrides });
    const count = proxy.say((session) =>
      serializeServerMessage({ type: "json_error", errorCode: code, session, body }, protocolVersionMax),
    );
    this.equal(count, 1, "connections that were told");
  }

  /** How many objects of a class the server holds for the case's app. */
  async objectsOnServer(className: string): Promise<number> {
    interface AppStatus {
      readonly id: string;
      readonly objects: Readonly<Record<string, number>>;
    }
    const answer = await fetch(`${this.server.url}/api/tidemark/status`);
    const { apps } = (await answer.json()) as { readonly apps: readonly AppStatus[] };
    return apps.find(({ id }) => id === this.#appId)?.objects[className] ?? 0;
  }

  /** Collects the facade's log until the case is over. */
  captureLog(level: LogLevel, category?: string): LogLine[] {
    const lines: LogLine[] = [];
    this.#cleanUps.push(this.adapter.captureLog((line) => lines.push(line)));
    this.adapter.setLogLevel(level, category);
    this.#cleanUps.push(() => this.adapter.setLogLevel("warn"));
    return lines;
  }

  /** The machine says that it is online again. */
  comeOnline(): void {
    this.adapter.comeOnline?.();
  }

  /** Both devices upload and download until nothing is left. */
  async settle(...sessions: readonly TestSession[]): Promise<void> {
    for (const session of sessions) await session.waitUp();
    for (const session of sessions) await session.waitDown();
  }

  /** The state of a realm's subscriptions, where the facade tells it. */
  equalSubscriptionState(realm: TestRealm, expected: string): void {
    if (!this.adapter.capabilities.has("subscriptionState")) return;
    this.equal(realm.subscriptions().state(), expected, "state of the subscriptions");
  }

  /** Fails unless both have the same form as JSON. */
  equal<T>(actual: T, expected: T, what: string): void {
    const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (left !== right) throw new CheckFailure(`${what}: expected ${right}, got ${left}`);
  }

  /** Fails unless something holds. */
  check(holds: boolean, what: string): void {
    if (!holds) throw new CheckFailure(what);
  }

  /** Waits until something holds. Time in which this process did not get its turn does not count. */
  async eventually(holds: () => boolean, what: string, timeoutMs: number = eventuallyTimeoutMs): Promise<void> {
    let waitedMs = 0;
    while (!holds()) {
      if (waitedMs > timeoutMs) throw new CheckFailure(`${what}: not within ${timeoutMs} ms`);
      const beganMs = performance.now();
      await this.sleep(pollMs);
      waitedMs += Math.min(performance.now() - beganMs, turnMsMax);
    }
  }

  /** Waits for some milliseconds. */
  async sleep(durationMs: number): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, durationMs);
    });
  }

  /** What a promise was rejected with; fails if it was not. */
  async rejection(promise: Promise<unknown>, what: string): Promise<ReturnType<Adapter["errorInfo"]>> {
    try {
      await promise;
    } catch (error) {
      return this.adapter.errorInfo(error);
    }
    throw new CheckFailure(`${what}: was not rejected`);
  }

  /** Whether a promise is still open after a while. */
  async staysOpen(promise: Promise<unknown>, durationMs: number): Promise<boolean> {
    const open = Symbol("open");
    const first = await Promise.race([promise, this.sleep(durationMs).then(() => open)]);
    return first === open;
  }

  /** Undoes everything, last first; one that fails does not keep the others from being undone. */
  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    if (this.#shiftMs !== 0) this.#cleanUps.push(async () => this.passTime(-this.#shiftMs));
    for (let cleanUp = this.#cleanUps.pop(); cleanUp; cleanUp = this.#cleanUps.pop()) {
      try {
        await cleanUp();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
