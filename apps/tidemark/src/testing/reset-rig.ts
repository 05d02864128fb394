/**
 * A server in this process whose clock, stored files and answers a test owns, and devices beside it.
 *
 * @module
 */

import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FlexibleSyncConfiguration, Realm } from "@tidemark/node";
import {
  type App,
  createServer,
  type Host,
  type IdentifyAnswer,
  type Ledger,
  type LedgerOptions,
  openNativeKeyValue,
  openNativeLedger,
  type Server,
  type ServerOptions,
  systemHost,
} from "@tidemark/server";

type SyncApp = Awaited<ReturnType<App["sync"]>>;

export const appId = "reset";

/** A host whose time passes when it is told to. */
class ManualHost implements Host {
  time: number = Date.now();
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

  /** Lets time pass; what was due in it runs once, late. */
  pass(durationMs: number): void {
    this.time += durationMs;
    const due = this.#timers.filter((timer) => timer.atMs <= this.time);
    this.#timers = this.#timers.filter((timer) => timer.atMs > this.time);
    for (const timer of due) timer.run();
  }
}

/** What the ledger answers in place of its own. */
export interface Refusal {
  readonly code: number;
  readonly action?: "ClientReset" | "ClientResetNoRecovery";
  /** Whether the user's next file idents are refused too. */
  readonly isLasting?: boolean;
  /** The only file that is refused, as often as it comes. */
  readonly fileIdent?: string;
}

/** The server. */
export class Rig {
  readonly host: ManualHost = new ManualHost();
  readonly directory: string = mkdtempSync(join(tmpdir(), "tidemark-reset-"));
  readonly #options: Partial<ServerOptions>;
  readonly #refusals = new Map<string, Refusal>();
  /** File idents by user, in the order in which they were given. */
  readonly #idents = new Map<string, string[]>();
  readonly #trimmed = new Set<string>();
  readonly #codes = new Map<string, number[]>();
  #port = 0;
  #deviceCount = 0;
  #server: Server | undefined;
  readonly #cleanUps: (() => void)[] = [];

  constructor(options: Partial<ServerOptions> = {}) {
    this.#options = options;
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error("the server does not run");
    return this.#server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get #ledgerPath(): string {
    return join(this.directory, "server", "apps", appId);
  }

  async start(): Promise<void> {
    this.#server = createServer({
      dataDirectory: join(this.directory, "server"),
      openLedger: async (options: LedgerOptions) => this.#watch(await openNativeLedger(options)),
      openKeyValue: openNativeKeyValue,
      developmentMode: true,
      environment: this.host,
      passwordCost: { memoryKib: 64, passes: 1 },
      port: this.#port,
      ...this.#options,
      limits: { closeMs: 200, idleMs: 2 ** 40, ...this.#options.limits },
    });
    await this.#server.start();
    this.#port = this.#server.port;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Ends everything and removes all files. */
  async end(): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  onEnd(cleanUp: () => void): void {
    this.#cleanUps.push(cleanUp);
  }

  /** Keeps a copy of the ledger as it is now. */
  async backUp(): Promise<void> {
    await this.stop();
    cpSync(this.#ledgerPath, join(this.directory, "backup"), { recursive: true });
    await this.start();
  }

  /** Puts the copy in the ledger's place; without one a new ledger begins. */
  async restore(): Promise<void> {
    await this.stop();
    rmSync(this.#ledgerPath, { recursive: true, force: true });
    const backup = join(this.directory, "backup");
    if (existsSync(backup)) cpSync(backup, this.#ledgerPath, { recursive: true });
    await this.start();
  }

  /** Gives file idents away, so that those of a new ledger are others. */
  async wasteIdents(count: number): Promise<void> {
    const { ledger } = await this.app();
    for (let given = 0; given < count; given += 1) await ledger.allocateFileIdent("nobody", "1", this.host.time);
  }

  /** The app's side of synchronisation. */
  async app(): Promise<SyncApp> {
    const app = await this.server.apps.find(appId);
    if (app === undefined) throw new Error("there is no app");
    return app.sync();
  }

  /** Answers the next IDENT of a user's newest file with an error. */
  refuse(userId: string, refusal: Refusal): void {
    this.#refusals.set(userId, refusal);
  }

  /** The history that a user's session needs next is gone. */
  trimFor(userId: string): void {
    this.#trimmed.add(userId);
  }

  /** File idents that a user was given. */
  identsOf(userId: string): readonly string[] {
    return this.#idents.get(userId) ?? [];
  }

  /** The codes with which a user's files were refused, in order. */
  codesOf(userId: string): readonly number[] {
    return this.#codes.get(userId) ?? [];
  }

  #note(userId: string, code: number): void {
    this.#codes.set(userId, [...this.codesOf(userId), code]);
  }

  #watch(ledger: Ledger): Ledger {
    const sessions = new Map<number, string>();
    const own: Partial<Ledger> = {
      allocateFileIdent: async (userId, salt, nowMs) => {
        const ident = await ledger.allocateFileIdent(userId, salt, nowMs);
        this.#idents.set(userId, [...this.identsOf(userId), ident]);
        return ident;
      },
      identify: async (identification, nowMs): Promise<IdentifyAnswer> => {
        const { userId, fileIdent } = identification;
        const refusal = this.#refusals.get(userId);
        // A fresh copy has said nothing yet: it is let in.
        const isMeant = refusal?.fileIdent === undefined || refusal.fileIdent === fileIdent;
        if (refusal !== undefined && isMeant && identification.downloadServerVersion > 0) {
          if (refusal.isLasting !== true && refusal.fileIdent === undefined) this.#refusals.delete(userId);
          const { code, action = "ClientReset" } = refusal;
          this.#note(userId, code);
          return { refusal: { code, action, message: `refused with ${code}` } };
        }
        const answer = await ledger.identify(identification, nowMs);
        if ("session" in answer) sessions.set(answer.session, userId);
        else this.#note(userId, answer.refusal.code);
        return answer;
      },
      nextDownload: async (session, limits) => {
        const userId = sessions.get(session) ?? "";
        if (this.#trimmed.delete(userId)) {
          this.#note(userId, 222);
          throw Object.assign(new Error("the history is trimmed"), { code: "history-trimmed" });
        }
        return ledger.nextDownload(session, limits);
      },
    };
    return new Proxy(ledger, {
      get: (target, name: keyof Ledger) => {
        const value: unknown = own[name] ?? target[name];
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }

  /** A device of a user of its own. */
  async device(change: Partial<FlexibleSyncConfiguration> = {}, name?: string): Promise<Device> {
    this.#deviceCount += 1;
    const directory = join(this.directory, name ?? `device-${this.#deviceCount}`);
    const app = new Realm.App({ id: appId, baseUrl: this.url, baseFilePath: directory });
    const user = app.currentUser ?? (await app.logIn(Realm.Credentials.anonymous(false)));
    const device = new Device(app, { user, flexible: true, ...change });
    this.onEnd(() => device.close());
    await device.realm.subscriptions.waitForSynchronization();
    return device;
  }
}

export const taskSchema: Realm.ObjectSchema = {
  name: "Task",
  primaryKey: "_id",
  properties: { _id: "int", name: "string", priority: "int", tags: "string[]" },
};

/** A task as it is compared. */
export interface PlainTask {
  readonly _id: number;
  readonly name: string;
  readonly priority: number;
  readonly tags: readonly string[];
}

interface Task {
  _id: number;
  name: string;
  priority: number;
  tags: Realm.List<string>;
}

/** A device with one realm of tasks. */
export class Device {
  readonly app: Realm.App;
  readonly #sync: FlexibleSyncConfiguration;
  #realm: Realm;

  constructor(app: Realm.App, sync: FlexibleSyncConfiguration) {
    this.app = app;
    this.#sync = {
      ...sync,
      initialSubscriptions: { update: (set, realm) => void set.add(realm.objects("Task"), { name: "all" }) },
    };
    this.#realm = this.#open();
  }

  #open(): Realm {
    return new Realm({ schema: [taskSchema], sync: this.#sync });
  }

  get realm(): Realm {
    return this.#realm;
  }

  get userId(): string {
    return (this.#sync.user as Realm.User).id;
  }

  get session(): Realm.SyncSession {
    const { syncSession } = this.#realm;
    if (syncSession === null) throw new Error("the realm is not synced");
    return syncSession;
  }

  reopen(): void {
    this.#realm.close();
    this.#realm = this.#open();
  }

  close(): void {
    this.#realm.close();
  }

  create(key: number, name = `task ${key}`): void {
    this.#realm.write(() => this.#realm.create("Task", { _id: key, name, priority: 0, tags: [] }));
  }

  /** Changes a task in a transaction of its own. */
  edit(key: number, change: (task: Task) => void): void {
    const task = this.#realm.objectForPrimaryKey<Task>("Task", key);
    if (task === null) throw new Error(`there is no task ${key}`);
    this.#realm.write(() => change(task as unknown as Task));
  }

  delete(key: number): void {
    const task = this.#realm.objectForPrimaryKey("Task", key);
    if (task === null) throw new Error(`there is no task ${key}`);
    this.#realm.write(() => this.#realm.delete(task));
  }

  async sync(): Promise<void> {
    await this.session.uploadAllLocalChanges();
    await this.session.downloadAllServerChanges();
  }

  tasks(): readonly PlainTask[] {
    return tasksOf(this.#realm);
  }
}

/** All tasks of a realm, by key. */
export function tasksOf(realm: Realm): readonly PlainTask[] {
  return [...realm.objects<Task>("Task").sorted("_id")].map((task) => ({
    _id: task._id,
    name: task.name,
    priority: task.priority,
    tags: [...task.tags],
  }));
}

/** Longer than a client takes to notice that the server is back. */
const eventuallyMs = 30_000;

/** Tries again until it throws no more. */
export async function eventually(check: () => void): Promise<void> {
  for (const endMs = Date.now() + eventuallyMs; ;) {
    try {
      return check();
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
