/**
 * What the status page and its JSON show: sessions, versions, rates, objects.
 *
 * @module
 */

import type { AppRegistry } from "./app-registry.js";
import type { ClocksAhead } from "./clock-skew.js";
import type { ConnectionStatus, SyncConnection } from "./connection.js";
import type { Host } from "./host.js";
import type { CounterName, Metrics } from "./metrics.js";
import type { RescueState } from "./rescue.js";
import { readClasses } from "./schema/classes.js";
import { deriveJsonSchema } from "./schema/derive.js";
import type { CollectionSchema } from "./schema/json-schema.js";

/** One app on the status page. */
export interface AppStatus {
  /** Client app id. */
  readonly id: string;
  /** Whether clients may extend the schema. */
  readonly developmentMode: boolean;
  /** `enabled`, `disabled` (paused), `off`, or `unconfigured`. */
  readonly syncState: string;
  /** Newest version of the ledger. */
  readonly version: number;
  /** Number of the epoch: one more with each start. */
  readonly epoch: number;
  /** Client files that were ever made. */
  readonly clientFiles: number;
  /** Objects by class. */
  readonly objects: Readonly<Record<string, number>>;
  /** Bytes of the log that are kept, and of how many versions; of some, nothing may be left. */
  readonly bytes: number;
  /** Entries of the log that are kept. */
  readonly entries: number;
  /** Entries up to this version are gone. */
  readonly trimmedVersion: number;
  /** Client files that stayed away for too long, of all that were ever made. */
  readonly expiredClientFiles: number;
  /** Devices that win every conflict. */
  readonly clocksAhead: ClocksAhead;
  /** Uploads that wait for a commit. */
  readonly uploadsWaiting: number;
  /** Sessions that are bound. */
  readonly sessions: number;
  /** Whether files of another server are told to reset. */
  readonly rescue: RescueState;
}

/** Body of `GET /api/tidemark/status`. */
export interface ServerStatus {
  /** Says whose answer it is. */
  readonly software: "tidemark";
  /** Where it listens. */
  readonly url: string;
  /** Since when it runs, since 1970. */
  readonly startedMs: number;
  /** The server's clock, since 1970. */
  readonly nowMs: number;
  /** Of apps without a configuration. */
  readonly developmentMode: boolean;
  /** Oldest and newest version of the protocol. */
  readonly protocolVersions: readonly [number, number];
  /** Apps that were opened. */
  readonly apps: readonly AppStatus[];
  /** Open connections, up to 200. */
  readonly connections: readonly ConnectionStatus[];
  /** Some counters, a second, over the last ten seconds. */
  readonly perSecond: Readonly<Record<string, number>>;
  /** All counters since the start. */
  readonly totals: Readonly<Record<string, number>>;
}

/** What {@link readStatus} needs. */
export interface StatusContext {
  readonly registry: AppRegistry;
  readonly connections: () => Iterable<SyncConnection>;
  readonly metrics: Metrics;
  readonly host: Host;
  readonly url: () => string;
  readonly startedMs: number;
  readonly developmentMode: boolean;
  readonly protocolVersions: readonly [number, number];
}

/** Connections listed at most; the page says how many there are. */
const connectionsListedMax = 200;

const rates: readonly CounterName[] = [
  "uploads",
  "changesets",
  "instructions",
  "downloads",
  "commits",
  "bytesReceived",
  "bytesSent",
  "requests",
];

/** Gathers the status. */
export async function readStatus(context: StatusContext): Promise<ServerStatus> {
  const connections = [...context.connections()];
  const apps: AppStatus[] = [];
  for (const app of await context.registry.opened()) {
    const status = await app.ledger.status();
    apps.push({
      id: app.id,
      developmentMode: app.settings.isDevelopmentMode,
      syncState: app.settings.syncState,
      version: status.version,
      epoch: status.epoch,
      clientFiles: status.clients,
      objects: status.objects,
      bytes: status.bytes,
      entries: status.version - status.trimmedVersion,
      trimmedVersion: status.trimmedVersion,
      expiredClientFiles: status.expiredClients,
      clocksAhead: app.clockSkew.status(),
      uploadsWaiting: app.commits.length,
      sessions: app.active.size,
      rescue: app.rescue.state,
    });
  }
  return {
    software: "tidemark",
    url: context.url(),
    startedMs: context.startedMs,
    nowMs: context.host.nowMs(),
    developmentMode: context.developmentMode,
    protocolVersions: context.protocolVersions,
    apps,
    connections: connections.slice(0, connectionsListedMax).map((one) => one.status()),
    perSecond: Object.fromEntries(rates.map((name) => [name, context.metrics.perSecond(name)])),
    totals: { ...context.metrics.totals(), openConnections: connections.length },
  };
}

/** The JSON Schema of each app whose ledger is open. */
export async function readSchemas(
  registry: AppRegistry,
): Promise<Readonly<Record<string, readonly CollectionSchema[]>>> {
  const schemas: Record<string, readonly CollectionSchema[]> = {};
  for (const app of await registry.opened()) {
    schemas[app.id] = deriveJsonSchema(readClasses(await app.schema()), app.id);
  }
  return schemas;
}
