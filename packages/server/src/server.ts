/**
 * The server: HTTP and WebSocket on one port, users and ledgers in one data directory.
 *
 * Everything a client was told is durable in the ledger or the key-value store before it is told, so the process may
 * be killed at any point.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { closeCode, protocolVersionMax, protocolVersionMin, TidemarkError } from "@tidemark/protocol";
import { Admin, type AdminContext, checkAdminOptions } from "./admin/admin.js";
import type { AdminOptions } from "./admin/administrator.js";
import { AppRegistry, type LedgerFactory } from "./app-registry.js";
import { addControl, announceControl, withdrawControl } from "./control.js";
import { type Host, systemHost } from "./host.js";
import { jsonAnswer } from "./http-answers.js";
import { baseUrl, createHttpApi, logLink } from "./http-api.js";
import { type KeyValue, MemoryKeyValue } from "./key-value.js";
import { defaultServerLimits, type ServerLimits } from "./limits.js";
import { type Logger, silentLogger } from "./logger.js";
import { Metrics, type MetricsSink } from "./metrics.js";
import { defaultPasswordCost, type PasswordCost, Passwords } from "./passwords.js";
import { readSchemas, readStatus, type ServerStatus, type StatusContext } from "./status.js";
import { statusPage } from "./status-page.js";
import type { RescueState } from "./rescue.js";
import { thisMachineOnly } from "./this-machine.js";
import { createTokenKey, Tokens } from "./tokens.js";
import { Upgrades } from "./upgrade.js";
import { defaultMaxOfflineMs } from "./upkeep.js";

/** How a server is set up. */
export interface ServerOptions {
  /** Where users and ledgers are kept; `null` keeps everything in memory. */
  readonly dataDirectory: string | null;
  /** Opens the ledger of an app. */
  readonly openLedger: LedgerFactory;
  /** Opens the store of users; by default one in memory, which only fits a server without a data directory. */
  readonly openKeyValue?: (path: string | null) => Promise<KeyValue>;
  /** 0 takes a free port. */
  readonly port?: number;
  /** Address to listen on; `127.0.0.1` by default. */
  readonly host?: string;
  /** Client app ids that exist; by default any that is asked for. */
  readonly appIds?: readonly string[] | null;
  /** Whether clients may extend the schema. */
  readonly developmentMode?: boolean;
  /**
   * The rescue mode of apps about which the operator has said nothing yet: by default open in Development Mode, where
   * data is disposable, and closed without. It is not stored, so that trying something out opens nothing for good.
   */
  readonly rescue?: RescueState;
  /** How long a client may be away before it has to start over; 30 days by default. */
  readonly maxOfflineMs?: number;
  /** Base of the URLs that clients are told, if it is not the one they asked by. */
  readonly publicUrl?: string | null;
  /**
   * Whether the status page and its JSON answer. They name users: by default they answer only on a loopback address,
   * there by a loopback name only, and not what a proxy has passed on.
   */
  readonly statusPage?: boolean;
  /** Account of the Admin API; without one, as by default, there is no such API. */
  readonly admin?: AdminOptions | null;
  /** Time and chance; those of the machine by default. */
  readonly environment?: Host;
  /** Who gets the lines of the log; nobody by default. */
  readonly logger?: Logger;
  /** Limits that differ from {@link defaultServerLimits}. */
  readonly limits?: Partial<ServerLimits>;
  /** Who else is told of what is counted. */
  readonly metrics?: MetricsSink;
  /** How hard passwords are to guess. */
  readonly passwordCost?: PasswordCost;
  /** Called when what is stored is open and before anybody can connect: the time to configure apps. */
  readonly prepare?: (apps: AppRegistry) => Promise<void>;
}

/** A server, before, while and after it runs. */
export interface Server {
  /** Opens what is stored and listens. */
  start(): Promise<void>;
  /** Tells clients that it goes away, finishes what was uploaded, and closes everything. */
  stop(): Promise<void>;
  /** Where it listens: `http://host:port`. */
  readonly url: string;
  /** The port; 0 before it listens. */
  readonly port: number;
  /** What it has counted. */
  readonly metrics: Metrics;
  /** What the status page shows. */
  status(): Promise<ServerStatus>;
  /** The apps it answers for. */
  readonly apps: AppRegistry;
  /** Forbids or allows a user; forbidding ends its connections. */
  setUserDisabled(appId: string, userId: string, isDisabled: boolean): Promise<void>;
}

/** The port is taken, the server was started twice, and the like. */
export class ServerError extends TidemarkError {}

const keyName = "server/key";
const loopback: readonly string[] = ["127.0.0.1", "::1", "localhost"];
const statusPaths: readonly string[] = ["/", "/api/tidemark/status", "/api/tidemark/schema"];

/** Makes a server; it does nothing until it is started. */
export function createServer(options: ServerOptions): Server {
  return new TidemarkServer(options);
}

interface Running {
  readonly http: HttpServer;
  readonly store: KeyValue;
  readonly registry: AppRegistry;
  readonly upgrades: Upgrades;
  readonly status: StatusContext;
  readonly stopReaper: () => void;
}

class TidemarkServer implements Server {
  readonly metrics: Metrics;
  readonly #options: ServerOptions;
  readonly #host: Host;
  readonly #logger: Logger;
  readonly #limits: ServerLimits;
  readonly #address: string;
  readonly #developmentMode: boolean;
  /** What the command line has to show. */
  readonly #controlKey: string;
  #running: Running | null = null;
  #port = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#host = options.environment ?? systemHost;
    this.#logger = options.logger ?? silentLogger;
    this.#limits = { ...defaultServerLimits, ...options.limits };
    this.#controlKey = Buffer.from(this.#host.randomBytes(32)).toString("base64url");
    this.#address = options.host ?? "127.0.0.1";
    this.#developmentMode = options.developmentMode ?? false;
    this.metrics = new Metrics(this.#host, options.metrics);
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const name = this.#address.includes(":") ? `[${this.#address}]` : this.#address;
    return `http://${name}:${this.#port}`;
  }

  get apps(): AppRegistry {
    return this.#started().registry;
  }

  status(): Promise<ServerStatus> {
    return readStatus(this.#started().status);
  }

  async setUserDisabled(appId: string, userId: string, isDisabled: boolean): Promise<void> {
    const { registry, upgrades } = this.#started();
    const app = await registry.find(appId);
    if (app === undefined) throw new ServerError("app-not-found", `there is no app ${appId}`);
    await app.users.setDisabled(userId, isDisabled);
    if (isDisabled) upgrades.closeUser(appId, userId, closeCode.forbidden, "user disabled");
  }

  async start(): Promise<void> {
    if (this.#running !== null) throw new ServerError("already-started", "the server runs already");
    checkAdminOptions(this.#options.admin ?? null, loopback.includes(this.#address));
    const store = await this.#openStore();
    const key = await this.#tokenKey(store);
    const tokens = new Tokens(key, this.#host);
    const registry = this.#registry(store, tokens);
    const upgrades = this.#upgrades(registry, tokens);
    const status = this.#statusContext(registry, upgrades);
    const admin = this.#admin({ key, store, tokens, registry }, upgrades);
    const http = this.#http(registry, tokens, upgrades, status, admin);
    const stopReaper = this.#startReaper(upgrades);
    this.#running = { http, store, registry, upgrades, status, stopReaper };
    try {
      await registry.load().catch((cause: unknown) => Promise.reject(openError(cause)));
      await admin.load();
      await this.#options.prepare?.(registry);
      for (const { id, settings } of await registry.opened()) {
        if (settings.syncState !== "unconfigured") continue;
        this.#logger.error({ app: id }, "the app has had rules and now has none: nobody synchronises until it has");
      }
      this.#port = await listen(http, this.#options.port ?? 0, this.#address);
      await this.#announceControl();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#logger.info({ url: this.url }, "listening");
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    running.stopReaper();
    running.upgrades.stop();
    // Requests under way get as long as connections get to close.
    const force = this.#host.after(this.#limits.closeMs, () => running.http.closeAllConnections());
    await closeHttp(running.http);
    force();
    await running.registry.close();
    // While the store is open, so that no other server has announced itself yet.
    if (this.#options.dataDirectory !== null) await withdrawControl(this.#options.dataDirectory);
    await running.store.close();
    this.#logger.info({}, "stopped");
  }

  async #announceControl(): Promise<void> {
    const { dataDirectory } = this.#options;
    if (dataDirectory === null) return;
    // Who listens on every address listens on this one.
    const isAny = this.#address === "0.0.0.0" || this.#address === "::";
    const url = isAny ? `http://127.0.0.1:${this.#port}` : this.url;
    await announceControl(dataDirectory, { url, key: this.#controlKey });
  }

  #started(): Running {
    if (this.#running === null) throw new ServerError("not-started", "the server does not run");
    return this.#running;
  }

  async #openStore(): Promise<KeyValue> {
    const { dataDirectory, openKeyValue } = this.#options;
    if (openKeyValue === undefined) return new MemoryKeyValue();
    try {
      return await openKeyValue(dataDirectory === null ? null : join(dataDirectory, "server.redb"));
    } catch (cause) {
      throw openError(cause);
    }
  }

  async #tokenKey(store: KeyValue): Promise<Uint8Array> {
    const known = await store.get(keyName);
    if (known !== null) return known;
    const key = createTokenKey(this.#host);
    await store.write([{ key: keyName, value: key }]);
    return key;
  }

  #registry(store: KeyValue, tokens: Tokens): AppRegistry {
    const { dataDirectory, openLedger, appIds, passwordCost } = this.#options;
    const { concurrentHashesMax, waitingHashesMax } = this.#limits;
    return new AppRegistry({
      store,
      tokens,
      passwords: new Passwords(passwordCost ?? defaultPasswordCost, concurrentHashesMax, waitingHashesMax),
      host: this.#host,
      limits: this.#limits,
      logger: this.#logger,
      metrics: this.metrics,
      openLedger,
      ledgerPath: (appId) => (dataDirectory === null ? null : join(dataDirectory, "apps", appId, "ledger.redb")),
      removeLedger: async (appId) => {
        if (dataDirectory !== null) await rm(join(dataDirectory, "apps", appId), { recursive: true, force: true });
      },
      appIds: appIds ?? null,
      developmentMode: this.#developmentMode,
      rescue: this.#options.rescue ?? (this.#developmentMode ? "open" : "closed"),
      maxOfflineMs: this.#options.maxOfflineMs ?? defaultMaxOfflineMs,
    });
  }

  #upgrades(registry: AppRegistry, tokens: Tokens): Upgrades {
    const publicUrl = this.#options.publicUrl ?? null;
    return new Upgrades({
      registry,
      tokens,
      host: this.#host,
      limits: this.#limits,
      logger: this.#logger,
      metrics: this.metrics,
      logUrl: (request, appId, requestId) => logLink(baseUrl(publicUrl, request.headers.host), appId, requestId),
    });
  }

  #statusContext(registry: AppRegistry, upgrades: Upgrades): StatusContext {
    return {
      registry,
      connections: () => upgrades.connections,
      metrics: this.metrics,
      host: this.#host,
      url: () => this.url,
      startedMs: this.#host.nowMs(),
      developmentMode: this.#developmentMode,
      protocolVersions: [protocolVersionMin, protocolVersionMax],
    };
  }

  #admin(parts: Pick<AdminContext, "key" | "store" | "tokens" | "registry">, upgrades: Upgrades): Admin {
    const closeUser: AdminContext["closeUser"] = (appId, userId, isForGood) => {
      if (isForGood) upgrades.closeUser(appId, userId, closeCode.forbidden, "user deleted or disabled");
      else upgrades.closeUser(appId, userId, closeCode.unauthorized, "the user was logged out");
    };
    const options = this.#options.admin ?? null;
    return new Admin({ ...parts, options, host: this.#host, limits: this.#limits, logger: this.#logger, closeUser });
  }

  #http(registry: AppRegistry, tokens: Tokens, upgrades: Upgrades, status: StatusContext, admin: Admin): HttpServer {
    const api = createHttpApi({
      registry,
      tokens,
      host: this.#host,
      limits: this.#limits,
      logger: this.#logger,
      metrics: this.metrics,
      publicUrl: this.#options.publicUrl ?? null,
      onUserGone: (appId, userId) => upgrades.closeUser(appId, userId, closeCode.forbidden, "user deleted"),
    });
    if (this.#options.dataDirectory !== null) addControl(api, registry, this.#controlKey);
    admin.mount(api);
    if (this.#options.statusPage ?? loopback.includes(this.#address)) {
      if (this.#options.statusPage === undefined) {
        for (const path of statusPaths) api.use(path, thisMachineOnly("the status page"));
      }
      api.get("/", (call) => {
        const nonce = Buffer.from(this.#host.randomBytes(16)).toString("base64");
        call.header(
          "Content-Security-Policy",
          `default-src 'none'; connect-src 'self'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'`,
        );
        return call.html(statusPage(nonce));
      });
      api.get("/api/tidemark/status", async (call) => jsonAnswer(call, 200, await readStatus(status)));
      api.get("/api/tidemark/schema", async (call) => jsonAnswer(call, 200, await readSchemas(registry)));
    }
    const listener = getRequestListener(api.fetch);
    const http = createHttpServer((request, response) => void listener(request, response));
    http.on("upgrade", (request: IncomingMessage, socket, head) => upgrades.handle(request, socket, head));
    http.on("clientError", (_error, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    return http;
  }

  #startReaper(upgrades: Upgrades): () => void {
    let stop = (): void => undefined;
    const again = (): void => {
      stop = this.#host.after(this.#limits.reaperIntervalMs, () => {
        upgrades.reap();
        again();
      });
    };
    again();
    return () => stop();
  }
}

/** The store's own code, `file-in-use` for instance, in an error of the server. */
function openError(cause: unknown): ServerError {
  const { code, message } = (cause instanceof Error ? cause : new Error(String(cause))) as NodeJS.ErrnoException;
  return new ServerError(code ?? "cannot-open", `cannot open what is stored: ${message}`, { cause });
}

function listen(http: HttpServer, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE";
      const text = taken ? `port ${port} of ${address} is in use` : `cannot listen on ${address}:${port}`;
      reject(new ServerError(taken ? "port-in-use" : "cannot-listen", text, { cause }));
    });
    http.listen(port, address, () => resolve((http.address() as AddressInfo).port));
  });
}

async function closeHttp(http: HttpServer): Promise<void> {
  if (!http.listening) return;
  await new Promise<void>((resolve) => {
    http.close(() => resolve());
    http.closeIdleConnections();
  });
}
