/**
 * The apps this server answers for: their identities, users and ledgers.
 *
 * @module
 */

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
  readonly maxOfflineMs: number;
}

/** One app. */
export interface App {
  readonly id: string;
  /** Names the app in tokens. */
  readonly domainId: string;
  readonly users: Users;
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
    for (const { value } of records) this.#add(value);
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

  #add(record: AppRecord): App {
    const { store, tokens, passwords, host } = this.#context;
    const { id, domainId } = record;
    const users = new Users({ appId: id, domainId, store, tokens, passwords, host });
    const app: App = { id, domainId, users, sync: () => this.#open(id) };
    this.#byId.set(id, app);
    this.#byDomain.set(domainId, app);
    return app;
  }

  #open(appId: string): Promise<SyncApp> {
    const known = this.#opened.get(appId);
    if (known !== undefined) return known;
    const opening = this.#openLedger(appId);
    this.#opened.set(appId, opening);
    // A ledger that could not be opened is tried again by the next who asks.
    opening.catch(() => this.#opened.delete(appId));
    return opening;
  }

  async #openLedger(appId: string): Promise<SyncApp> {
    const { openLedger, ledgerPath, host, limits, logger, metrics, developmentMode, maxOfflineMs } = this.#context;
    const path = ledgerPath(appId);
    const ledger = await openLedger({ path, epochSalt: randomSalt(host), developmentMode });
    logger.info({ app: appId, version: ledger.version() }, "ledger opened");
    return new SyncApp({ id: appId, ledger, host, limits, logger, metrics, developmentMode, maxOfflineMs });
  }
}
