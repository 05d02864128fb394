/**
 * Random lives of sessions over a virtual clock: the application's side, the loop and connections as they are; files,
 * the server and the network are models. One seed says everything.
 *
 * @module
 */

import type { App } from "../../app/app.js";
import type { User } from "../../app/user.js";
import { ServiceError, type SyncErrorInformation, syncStatusCode } from "../../errors.js";
import { inlineTransport } from "../../sync/inline-transport.js";
import { defaultSyncTimeouts } from "../../sync/messages.js";
import { SyncManager } from "../../sync/sync-manager.js";
import type { SyncOptions } from "../../sync/sync-options.js";
import { dice } from "../dice.js";
import { fakeCoreOf } from "../fake-core.js";
import { FakeHost } from "../fake-host.js";
import type { FakeUser } from "../session-rig.js";
import { SimulatedFile } from "./device.js";
import { ModelServer } from "./server.js";

/** What happened, for those who want to know whether everything does. */
export interface SimulationCounts {
  [event: string]: number;
}

/** How to live. */
export interface SimulationOptions {
  /** Where to count what happens. */
  readonly counts?: SimulationCounts;
  /** Whether the server has a fault that has to be found. */
  readonly losesMarks?: boolean;
}

/** A life of hours on end. */
export interface LongLife {
  /** The next hour. At its end all has come to rest and only one session is left, the same for all hours. */
  hour(): Promise<void>;
  /** @returns what went wrong; empty if nothing did. */
  end(): Promise<readonly string[]>;
}

const tokenLifetimeMs = 120_000;
const stepsMax = 60;
/** How long everything may take once nothing goes wrong any more: the longest back-off, and some. */
const settlingMs = 900_000;
const hourMs = 3_600_000;
/** The part of an hour in which nothing goes wrong. */
const restMs = 2 * settlingMs;

/** Statuses that the faults of the simulation explain. */
const explained: ReadonlySet<number> = new Set([syncStatusCode.authError]);

/** A host whose compression takes time. */
class SlowHost extends FakeHost {
  override readonly compression: FakeHost["compression"];

  constructor(roll: (sides: number) => number) {
    super();
    const pause = (): Promise<void> =>
      new Promise((resolve) => {
        if (roll(2) === 0) resolve();
        else this.setTimer(roll(300), resolve);
      });
    this.compression = {
      compress: async (body) => {
        const copy = body.slice();
        await pause();
        return { isCompressed: false, uncompressedSize: copy.length, body: copy };
      },
      uncompress: async (message) => {
        await pause();
        return message.body;
      },
    };
  }
}

/** One life. */
class Simulation {
  readonly #roll: (sides: number) => number;
  readonly #host: SlowHost;
  readonly #server: ModelServer;
  readonly #manager: SyncManager;
  readonly #app: App;
  readonly #users: FakeUser[];
  readonly #files: SimulatedFile[];
  readonly #failures: string[] = [];
  readonly #tokens = new Map<string, number>();
  readonly #counts: SimulationCounts;
  #lastToken = 0;
  #isFaulty = true;
  /** In a long life: the file that stays open. */
  #lasting: SimulatedFile | undefined;

  constructor(seed: number, { counts = {}, losesMarks = false }: SimulationOptions) {
    const roll = dice(seed);
    this.#roll = roll;
    this.#counts = counts;
    this.#host = new SlowHost(roll);
    this.#host.randomValue = roll(100) / 100;
    const fail = (what: string): void => void this.#failures.push(what);
    const accepts = (token: string): boolean => this.#isGood(token);
    this.#server = new ModelServer({ host: this.#host, roll, accepts, fail, losesMarks });
    this.#host.onSocket = (socket) => this.#server.meet(socket);
    this.#app = this.#makeApp();
    this.#users = ["anna", "bert"].map((id) => this.#makeUser(id));
    const byPath = new Map<string, SimulatedFile>();
    const core = fakeCoreOf((path) => byPath.get(path)?.file ?? new SimulatedFile(path, parts(0)).file);
    this.#manager = new SyncManager(this.#host, inlineTransport(this.#host, core));
    const acknowledged = (ident: string): number => this.#server.file(BigInt(ident))?.acknowledged ?? 0;
    const parts = (number: number): ConstructorParameters<typeof SimulatedFile>[1] => ({
      manager: this.#manager,
      options: this.#optionsOf(number),
      roll,
      fail,
      acknowledged,
    });
    this.#files = [0, 1, 2].map((number) => new SimulatedFile(`/file-${number}`, parts(number)));
    for (const file of this.#files) byPath.set(file.path, file);
  }

  #count(event: string): void {
    this.#counts[event] = (this.#counts[event] ?? 0) + 1;
  }

  #makeApp(): App {
    return {
      id: "app",
      isMultiplexed: this.#roll(3) > 0,
      syncTimeouts: defaultSyncTimeouts,
      configuration: { baseUrl: "http://server" },
      syncRoute: () => ({ url: "ws://server/sync", isVerified: true }),
      refreshLocation: () => Promise.resolve(),
      forgetTokens: (user: User) => this.#logOut(user as unknown as FakeUser),
      onChange: () => undefined,
      fileActions: { schedule: () => "/recovery" },
    } as unknown as App;
  }

  #makeUser(id: string): FakeUser {
    const isExpired = (user: FakeUser): boolean => (this.#tokens.get(user.accessToken) ?? 0) <= this.#host.nowMs();
    const user: FakeUser = {
      app: this.#app,
      id,
      isLoggedIn: true,
      accessToken: this.#newToken(),
      get needsRefresh() {
        return isExpired(this);
      },
      refreshAccessToken: () => this.#refresh(user),
    };
    return user;
  }

  #newToken(): string {
    this.#lastToken += 1;
    const token = `token-${this.#lastToken}`;
    this.#tokens.set(token, this.#host.nowMs() + tokenLifetimeMs);
    return token;
  }

  #isGood(token: string): boolean {
    return (this.#tokens.get(token) ?? 0) > this.#host.nowMs();
  }

  async #refresh(user: FakeUser): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#host.setTimer(this.#roll(2_000), resolve);
    });
    if (!user.isLoggedIn) throw new ServiceError("logged out", { status: 401 });
    if (this.#isFaulty && this.#roll(4) === 0) throw new ServiceError("no answer", { status: 0 });
    if (this.#isFaulty && this.#roll(12) === 0) {
      this.#count("a refresh token is refused");
      this.#logOut(user);
      throw new ServiceError("revoked", { status: 401 });
    }
    this.#count("a token is refreshed");
    user.accessToken = this.#newToken();
    this.#app.onChange(user as unknown as User, "token");
  }

  #logOut(user: FakeUser): void {
    if (!user.isLoggedIn) return;
    user.isLoggedIn = false;
    this.#app.onChange(user as unknown as User, "logged-out");
  }

  #logIn(user: FakeUser): void {
    if (user.isLoggedIn) return;
    user.isLoggedIn = true;
    user.accessToken = this.#newToken();
    this.#app.onChange(user as unknown as User, "logged-in");
  }

  #optionsOf(number: number): SyncOptions {
    return {
      user: this.#users[number % this.#users.length] as unknown as User,
      schemaVersion: 0,
      headers: {},
      stopPolicy: "after-upload",
      cancelsWaitsOnNonFatalError: false,
      onError: (_, error) => this.#onError(error),
    };
  }

  #onError(error: SyncErrorInformation): void {
    this.#count("an error is told");
    if (!explained.has(error.status)) this.#failures.push(`error ${error.status}: ${error.message}`);
  }

  #close(file: SimulatedFile): void {
    if (file !== this.#lasting) file.close();
  }

  // --- what happens ----------------------------------------------------------------------------------------

  #any<T>(choices: readonly T[]): T {
    return choices[this.#roll(choices.length)] as T;
  }

  #act(): void {
    const file = this.#any(this.#files);
    const user = this.#any(this.#users);
    const actions: readonly (readonly [name: string, weight: number, act: () => void])[] = [
      ["open", 6, () => file.open()],
      ["close", 2, () => this.#close(file)],
      [
        "close and open",
        1,
        () => {
          this.#close(file);
          file.open();
        },
      ],
      ["commit", 6, () => file.commit()],
      ["subscribe", 3, () => file.subscribe()],
      ["pause", 2, () => file.session?.pause()],
      ["resume", 4, () => file.session?.resume()],
      ["wait for upload", 4, () => file.wait("upload")],
      ["wait for download", 4, () => file.wait("download")],
      ["listen to the connection", 3, () => file.listenToConnection()],
      ["listen to progress", 3, () => file.listenToProgress()],
      ["listen to the status", 2, () => file.listenToStatus()],
      ["remove a listener", 3, () => file.removeListener()],
      ["reconnect", 1, () => file.session?.reconnect()],
      ["reconnect all", 1, () => this.#manager.reconnect(this.#app)],
      ["log out", 1, () => this.#logOut(user)],
      ["log in", 3, () => this.#logIn(user)],
      ["expire a token", 1, () => this.#tokens.set(user.accessToken, 0)],
      ["cut a connection", 3, () => this.#any([undefined, ...this.#server.connections])?.cut()],
      ["the server dies", 1, () => this.#server.die()],
      [
        "the server comes back",
        3,
        () => {
          this.#server.isUp = true;
        },
      ],
    ];
    let at = this.#roll(actions.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [name, weight, act] of actions) {
      if (at < weight) {
        this.#count(name);
        return act();
      }
      at -= weight;
    }
  }

  async #pass(): Promise<void> {
    switch (this.#roll(6)) {
      case 0:
        return undefined;
      case 1:
        return this.#host.advance(this.#roll(90_000));
      case 2:
        return this.#host.run();
      default:
        return this.#host.advance(this.#roll(1_500));
    }
  }

  /** Everything works from now on. */
  #calm(): void {
    this.#isFaulty = false;
    this.#server.isFaulty = false;
    this.#server.isUp = true;
    for (const user of this.#users) this.#logIn(user);
    for (const { session } of this.#files) session?.resume();
    this.#manager.reconnect(this.#app);
  }

  async run(): Promise<readonly string[]> {
    const steps = 10 + this.#roll(stepsMax);
    for (let step = 0; step < steps && this.#failures.length === 0; step += 1) {
      this.#act();
      await this.#pass();
    }
    await this.#settle();
    return this.#end();
  }

  /** Everything comes right once nothing goes wrong any more. */
  async #settle(): Promise<void> {
    this.#calm();
    await this.#host.advance(settlingMs);
    this.#checkSettled();
  }

  async #end(): Promise<readonly string[]> {
    for (const file of this.#files) file.close();
    await this.#host.advance(settlingMs);
    this.#checkGone();
    return this.#failures;
  }

  /** @param leaksListeners whether the application has a fault that has to be found. */
  liveLong(leaksListeners: boolean): LongLife {
    return { hour: () => this.#hour(leaksListeners), end: () => this.#end() };
  }

  async #hour(leaksListeners: boolean): Promise<void> {
    const [lasting, ...others] = this.#files;
    this.#lasting = lasting;
    const endMs = this.#host.nowMs() + hourMs;
    this.#isFaulty = true;
    this.#server.isFaulty = true;
    while (this.#host.nowMs() < endMs - restMs && this.#failures.length === 0) {
      this.#act();
      lasting?.open();
      if (leaksListeners) lasting?.session?.connectionListeners.add(() => undefined);
      await this.#pass();
    }
    await this.#settle();
    for (const file of others) file.close();
    lasting?.removeListeners();
    await this.#host.advance(Math.max(settlingMs, endMs - this.#host.nowMs()));
    this.#forget();
  }

  /** What the models remember, and nobody needs any more. */
  #forget(): void {
    this.#host.forget();
    this.#server.forget();
    for (const { file } of this.#files) file.forget();
    for (const [token, endMs] of this.#tokens) if (endMs <= this.#host.nowMs()) this.#tokens.delete(token);
  }

  #checkSettled(): void {
    for (const file of this.#files) {
      for (const name of file.waiting) this.#failures.push(`${name} never ends`);
      const { session } = file;
      if (session === undefined) continue;
      const { state, connectionState } = session;
      if (state !== "active" || connectionState !== "connected") {
        this.#failures.push(`${file.path}: ${state} and ${connectionState} in the end`);
      } else if (session.status.kind !== "synced") {
        this.#failures.push(`${file.path}: ${session.status.kind} in the end`);
      }
      const { uploadClientVersion, newestUploadableVersion } = file.file.state;
      if (uploadClientVersion < newestUploadableVersion) this.#failures.push(`${file.path}: not all is uploaded`);
      const set = file.file.sets.at(-1);
      if (set?.state !== "complete" && set?.state !== "error") {
        this.#failures.push(`${file.path}: a set stays ${set?.state ?? "away"}`);
      }
    }
  }

  #checkGone(): void {
    for (const file of this.#files) {
      for (const name of file.waiting) this.#failures.push(`${name} outlives its file`);
      if (file.file.openCount !== 0) this.#failures.push(`${file.path}: open ${file.file.openCount} times in the end`);
    }
    const sessions = this.#manager.sessionsOfApp(this.#app).length;
    if (sessions > 0) this.#failures.push(`${sessions} sessions are left over`);
    if (this.#server.connections.some(({ isOpen }) => isOpen)) this.#failures.push("a connection is left over");
    if (this.#host.timerCount > 0) this.#failures.push(`${this.#host.timerCount} timers are left over`);
  }
}

/**
 * Begins a life of hours on end.
 *
 * @param leaksListeners whether the application has a fault that has to be found: it forgets some listeners.
 */
export function liveLong(seed: number, leaksListeners: boolean = false): LongLife {
  return new Simulation(seed, {}).liveLong(leaksListeners);
}

/**
 * Lives one life.
 *
 * @returns what went wrong; empty if nothing did.
 */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<readonly string[]> {
  return new Simulation(seed, options).run();
}
