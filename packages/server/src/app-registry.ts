/**
 * The apps this server answers for: their identities, users and ledgers.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { setLedgerAside, syncDirectory } from "./ledger-file.js";
import { readRescueRecord, Rescue, type RescueState } from "./rescue.js";
import { SyncApp } from "./sync-app.js";
import { type Host, randomId, randomSalt } from "./host.js";
import { jsonChange, type KeyValue, listJson } from "./key-value.js";
import type { Ledger, LedgerOptions } from "./ledger.js";
import type { ServerLimits } from "./limits.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";
import type { Passwords } from "./passwords.js";
import type { Tokens } from "./tokens.js";
import { Users } from "./users.js";

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
  /** The client app ids that exist; `null` accepts any. */
  readonly appIds: readonly string[] | null;
  readonly developmentMode: boolean;
  /** The rescue mode of apps about which the operator has said nothing. */
  readonly rescue: RescueState;
  readonly maxOfflineMs: number;
}

/** One app. */
export interface App {
  readonly id: string;
  /** Names the app in tokens. */
  readonly domainId: string;
  readonly users: Users;
  readonly rescue: Rescue;
  /** The app's sync side, opened when it is first asked for. */
  sync(): Promise<SyncApp>;
}

interface AppRecord {
  readonly id: string;
  readonly domainId: string;
  readonly createdMs: number;
}

const prefix = "app/";
const appIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** Finds apps by their id and by the claim in tokens. */
export class AppRegistry {
  readonly #context: AppRegistryContext;
  readonly #byId = new Map<string, App>();
  readonly #byDomain = new Map<string, App>();
  readonly #opened = new Map<string, Promise<SyncApp>>();
  readonly #creating = new Map<string, Promise<App>>();

  constructor(context: AppRegistryContext) {
    this.#context = context;
  }

  /** Knows again the apps of earlier runs, and opens their ledgers. */
  async load(): Promise<void> {
    const { store, appIds } = this.#context;
    const records = await listJson<AppRecord>(store, prefix);
    for (const { value } of records) await this.#add(value);
    for (const id of appIds ?? []) await this.find(id);
    for (const app of this.#byId.values()) {
      if (appIds === null || appIds.includes(app.id)) await app.sync();
    }
  }

  /** The app with a client app id; where any id is accepted, a new one comes into being. */
  async find(appId: string): Promise<App | undefined> {
    const { appIds, limits } = this.#context;
    if (appIds !== null && !appIds.includes(appId)) return undefined;
    const known = this.#byId.get(appId);
    if (known !== undefined) return known;
    if (!appIdPattern.test(appId)) return undefined;
    const creating = this.#creating.get(appId);
    if (creating !== undefined) return creating;
    if (this.#byId.size + this.#creating.size >= limits.appsMax) return undefined;
    const created = this.#create(appId).finally(() => this.#creating.delete(appId));
    this.#creating.set(appId, created);
    return created;
  }

  /** Whether a client app id would be accepted, without bringing the app into being. */
  accepts(appId: string): boolean {
    const { appIds } = this.#context;
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
    return Promise.all(this.#opened.values());
  }

  /** Closes all ledgers once what was uploaded is in them. */
  async close(): Promise<void> {
    for (const opened of this.#opened.values()) await (await opened).close();
    this.#opened.clear();
  }

  async #create(appId: string): Promise<App> {
    const { store, host } = this.#context;
    const record: AppRecord = { id: appId, domainId: randomId(host), createdMs: host.nowMs() };
    await store.write([jsonChange(prefix + appId, record)]);
    return this.#add(record);
  }

  async #add(appRecord: AppRecord): Promise<App> {
    const { store, tokens, passwords, host, logger, rescue: fallback } = this.#context;
    const { id, domainId } = appRecord;
    const users = new Users({ appId: id, domainId, store, tokens, passwords, host });
    const record = await readRescueRecord(store, id);
    const countObjects = async (): Promise<number> => {
      const { objects } = await (await this.#open(id)).ledger.status();
      return Object.values(objects).reduce((sum, count) => sum + count, 0);
    };
    const rescue = new Rescue({ appId: id, store, logger, fallback, record, countObjects });
    const app: App = { id, domainId, users, rescue, sync: () => this.#open(id) };
    this.#byId.set(id, app);
    this.#byDomain.set(domainId, app);
    return app;
  }

  #open(appId: string): Promise<SyncApp> {
    const known = this.#opened.get(appId);
    if (known !== undefined) return known;
    return this.#keepOpened(appId, this.#openLedger(appId));
  }

  #keepOpened(appId: string, opening: Promise<SyncApp>): Promise<SyncApp> {
    this.#opened.set(appId, opening);
    // A ledger that could not be opened is tried again by the next who asks.
    opening.catch(() => this.#opened.delete(appId));
    return opening;
  }

  /**
   * Puts a new ledger in the place of another. The order makes every interruption harmless: before the old file is set
   * aside it is opened again, with the state as it was; afterwards a new one is made without an alarm.
   */
  async #replace(app: SyncApp): Promise<void> {
    const path = this.#context.ledgerPath(app.id);
    await app.rescue.ledgerToGo();
    const replace = async (): Promise<SyncApp> => {
      await app.retire();
      if (path !== null && existsSync(path)) await setLedgerAside(path);
      return this.#openLedger(app.id);
    };
    await this.#keepOpened(app.id, replace());
    this.#context.logger.warn({ app: app.id }, "synchronisation was terminated: every client file has to reset");
  }

  async #openLedger(appId: string): Promise<SyncApp> {
    const { openLedger, ledgerPath, host, limits, logger, metrics, developmentMode, maxOfflineMs } = this.#context;
    const rescue = this.#byId.get(appId)?.rescue;
    if (rescue === undefined) throw new TypeError(`no app ${appId}`);
    const path = ledgerPath(appId);
    if (path !== null) await rescue.beforeLedger(existsSync(path));
    const ledger = await openLedger({ path, epochSalt: randomSalt(host), developmentMode });
    // Other stores keep no file, and look after themselves.
    if (path !== null && existsSync(path)) {
      await syncDirectory(path);
      await rescue.ledgerOpened();
    }
    logger.info({ app: appId, version: ledger.version() }, "ledger opened");
    const replace = (app: SyncApp): Promise<void> => this.#replace(app);
    const parts = { ledger, host, limits, logger, metrics, rescue, replace };
    return new SyncApp({ id: appId, ...parts, developmentMode, maxOfflineMs });
  }
}
