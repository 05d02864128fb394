/**
 * The apps this server answers for: their identities, users and ledgers.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { TidemarkError } from "@tidemark/protocol";
import { type App, RegisteredApp } from "./app.js";
import { type Host, randomId, randomSalt } from "./host.js";
import { jsonChange, type KeyValue, listJson } from "./key-value.js";
import type { Ledger, LedgerOptions } from "./ledger.js";
import { setLedgerAside, syncDirectory } from "./ledger-file.js";
import type { ServerLimits } from "./limits.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";
import type { Passwords } from "./passwords.js";
import { readRescueRecord, Rescue, rescueRemoval, type RescueState } from "./rescue.js";
import { SyncApp } from "./sync-app.js";
import type { Tokens } from "./tokens.js";
import { Users } from "./users.js";

export type { App } from "./app.js";

/** Opens the ledger of an app. */
export type LedgerFactory = (options: LedgerOptions) => Promise<Ledger>;

/** What {@link AppRegistry} needs. */
export interface AppRegistryContext {
  readonly store: KeyValue;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly host: Host;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly openLedger: LedgerFactory;
  /** Where an app's ledger lives; `null` keeps it in memory. */
  readonly ledgerPath: (appId: string) => string | null;
  /** Deletes what an app's ledger, which is closed, has left. */
  readonly removeLedger: (appId: string) => Promise<void>;
  /** The client app ids that exist; `null` accepts any. */
  readonly appIds: readonly string[] | null;
  readonly developmentMode: boolean;
  /** The rescue mode of apps about which the operator has said nothing. */
  readonly rescue: RescueState;
  readonly maxOfflineMs: number;
}

interface AppRecord {
  readonly id: string;
  readonly domainId: string;
  readonly createdMs: number;
  /** Whether it was made by {@link AppRegistry.create}: it exists whatever the server was started with. */
  readonly isCreated?: boolean;
  /** Whether it was ever configured. */
  readonly hasRules?: boolean;
}

/** An app cannot be made. */
export class AppError extends TidemarkError {
  /** What is wrong; stable. */
  declare readonly code: "app-exists" | "bad-app-id" | "too-many-apps";
}

const prefix = "app/";
const appIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** Finds apps by their id and by the claim in tokens. */
export class AppRegistry {
  readonly #context: AppRegistryContext;
  readonly #byId = new Map<string, RegisteredApp>();
  readonly #byDomain = new Map<string, RegisteredApp>();
  readonly #creating = new Map<string, Promise<RegisteredApp>>();
  /** Removals that are under way. What they delete goes by the id: nobody has it before they are over. */
  readonly #removing = new Map<string, Promise<void>>();
  /** Ids of apps that exist whatever the server was started with. */
  readonly #createdIds = new Set<string>();

  constructor(context: AppRegistryContext) {
    this.#context = context;
  }

  /** Knows again the apps of earlier runs, and opens their ledgers. */
  async load(): Promise<void> {
    const { store, appIds } = this.#context;
    const records = await listJson<AppRecord>(store, prefix);
    for (const { value } of records) await this.#add(value);
    for (const id of appIds ?? []) await this.find(id);
    for (const app of this.#byId.values()) if (this.accepts(app.id)) await app.sync();
  }

  /** The app with a client app id; where any id is accepted, a new one comes into being. */
  async find(appId: string): Promise<App | undefined> {
    await this.#removed(appId);
    if (!this.accepts(appId)) return undefined;
    const known = this.#byId.get(appId);
    if (known !== undefined) return known;
    if (!appIdPattern.test(appId)) return undefined;
    return this.#creating.get(appId) ?? (this.#isFull ? undefined : this.#create(appId, false));
  }

  /**
   * Makes an app, which from now on exists whatever the server is started with.
   *
   * @throws AppError
   */
  async create(appId: string): Promise<App> {
    if (!appIdPattern.test(appId)) throw new AppError("bad-app-id", `"${appId}" cannot be a client app id`);
    await this.#removed(appId);
    if (this.has(appId)) {
      throw new AppError("app-exists", `there is an app ${appId} already`);
    }
    if (this.#isFull) throw new AppError("too-many-apps", `there are ${this.#byId.size} apps, which is the limit`);
    return this.#create(appId, true);
  }

  /** Deletes an app with its users and all its data; without effect if there is none. Its connections end. */
  async remove(appId: string): Promise<void> {
    const creating = this.#creating.get(appId);
    if (creating !== undefined) await creating;
    const app = this.#byId.get(appId);
    if (app === undefined) return this.#removing.get(appId);
    this.#byId.delete(appId);
    this.#byDomain.delete(app.domainId);
    this.#createdIds.delete(appId);
    const removed = this.#erase(app)
      .catch((error: unknown) => {
        // It is there, closed, until that is repeated.
        this.#byId.set(appId, app);
        throw error;
      })
      .finally(() => this.#removing.delete(appId));
    this.#removing.set(appId, removed);
    await removed;
  }

  /** Whether there is an app with a client app id. */
  has(appId: string): boolean {
    return this.#byId.has(appId) || this.#creating.has(appId);
  }

  /** Whether a client app id would be accepted, without bringing the app into being. */
  accepts(appId: string): boolean {
    const { appIds } = this.#context;
    if (this.#createdIds.has(appId)) return true;
    return appIds === null ? appIdPattern.test(appId) : appIds.includes(appId);
  }

  /** The app that a token names. */
  findByDomain(domainId: string): App | undefined {
    const app = this.#byDomain.get(domainId);
    return app !== undefined && this.accepts(app.id) ? app : undefined;
  }

  /** The apps that have come into being and are answered for. */
  known(): readonly App[] {
    return [...this.#byId.values()].filter((app) => this.accepts(app.id));
  }

  /** Apps whose ledger is open. */
  async opened(): Promise<SyncApp[]> {
    const opened = [...this.#byId.values()].map((app) => app.opened).filter((app) => app !== null);
    return Promise.all(opened);
  }

  /** Closes all ledgers once what was uploaded is in them. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#removing.values());
    for (const app of this.#byId.values()) await app.close();
  }

  get #isFull(): boolean {
    return this.#byId.size + this.#creating.size >= this.#context.limits.appsMax;
  }

  async #erase(app: RegisteredApp): Promise<void> {
    const sync = await app.opened?.catch(() => null);
    sync?.dropConnections("the app was deleted");
    await app.close();
    await this.#context.removeLedger(app.id);
    // Last, so that a deletion that was interrupted can be repeated.
    await this.#context.store.write([
      ...(await app.users.removals()),
      rescueRemoval(app.id),
      { key: prefix + app.id, value: null },
    ]);
  }

  /** Waits until no removal of an app is under way; whether it has come to its end is not asked. */
  async #removed(appId: string): Promise<void> {
    for (;;) {
      const removing = this.#removing.get(appId);
      if (removing === undefined) return;
      await removing.catch(() => undefined);
    }
  }

  #create(appId: string, isCreated: boolean): Promise<RegisteredApp> {
    const { store, host } = this.#context;
    const record: AppRecord = { id: appId, domainId: randomId(host), createdMs: host.nowMs(), isCreated };
    const created = store
      .write([jsonChange(prefix + appId, record)])
      .then(() => this.#add(record))
      .finally(() => this.#creating.delete(appId));
    this.#creating.set(appId, created);
    return created;
  }

  async #add(first: AppRecord): Promise<RegisteredApp> {
    let record = first;
    const { id, domainId, isCreated } = record;
    const { store, tokens, passwords, host, logger, rescue: fallback } = this.#context;
    const kept = await readRescueRecord(store, id);
    const app = new RegisteredApp({
      id,
      domainId,
      makeUsers: (onUserChanged) => new Users({ appId: id, domainId, store, tokens, passwords, host, onUserChanged }),
      makeRescue: (readLedger) => new Rescue({ appId: id, store, logger, fallback, record: kept, readLedger }),
      openSync: (registered) => this.#openSync(registered, record.hasRules ?? false),
      setLedgerAside: () => this.#setLedgerAside(id),
      onConfigured: async () => {
        if (record.hasRules === true) return;
        record = { ...record, hasRules: true };
        await store.write([jsonChange(prefix + id, record)]);
      },
    });
    this.#byId.set(id, app);
    this.#byDomain.set(domainId, app);
    if (isCreated === true) this.#createdIds.add(id);
    return app;
  }

  async #setLedgerAside(appId: string): Promise<void> {
    const path = this.#context.ledgerPath(appId);
    if (path !== null && existsSync(path)) await setLedgerAside(path);
    this.#context.logger.warn({ app: appId }, "synchronisation was terminated: every client file has to reset");
  }

  async #openSync(app: RegisteredApp, hadRules: boolean): Promise<SyncApp> {
    const { id: appId, users, rescue, replaceSync: replace } = app;
    const { openLedger, ledgerPath, host, limits, logger, metrics, developmentMode, maxOfflineMs } = this.#context;
    const path = ledgerPath(appId);
    if (path !== null) await rescue.beforeLedger(existsSync(path));
    const ledger = await openLedger({ path, epochSalt: randomSalt(host), developmentMode });
    // Other stores keep no file, and look after themselves.
    if (path !== null && existsSync(path)) {
      await syncDirectory(path);
      await rescue.ledgerOpened();
    }
    logger.info({ app: appId, version: ledger.version() }, "ledger opened");
    return new SyncApp({
      id: appId,
      ledger,
      host,
      limits,
      logger,
      metrics,
      developmentMode,
      maxOfflineMs,
      findUser: (userId) => users.find(userId),
      hadRules,
      rescue,
      replace,
    });
  }
}
