/**
 * Where an app's services are in its files, and how the synchronisation of one is written there: the API shows as a
 * part of the service what the directory of an app has in `sync/config.json`.
 *
 * @module
 */

import { asObject } from "../schema/problem.js";
import { seconds } from "./admin-call.js";
import { adminErrors } from "./admin-errors.js";
import { type FileEdits, filesBelow, pathSegment, type VirtualFile, type VirtualFiles } from "./virtual-files.js";

/** A service of an app. */
export interface Service {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Whether it holds data, as opposed to services that Tidemark does not have. */
  readonly isDataSource: boolean;
  readonly path: string;
  readonly file: VirtualFile;
}

/** The file of the synchronisation. */
export const syncPath = "sync/config.json";

const dataSourceTypes: ReadonlySet<string> = new Set(["mongodb", "mongodb-atlas", "datalake"]);
const servicePattern = /^(data_sources|services)\/([^/]+)\/config\.json$/;

/** Path of a service's file. */
export function servicePath(name: string, type: string): string {
  const folder = dataSourceTypes.has(type) ? "data_sources" : "services";
  return `${folder}/${pathSegment("name", name)}/config.json`;
}

/** All services, data sources first. */
export function servicesOf(files: VirtualFiles): readonly Service[] {
  return [...filesBelow(files, "data_sources/"), ...filesBelow(files, "services/")].flatMap(([path, file]) => {
    const [, folder, name] = servicePattern.exec(path) ?? [];
    if (name === undefined) return [];
    const type = asObject(file.content)?.["type"];
    if (typeof type !== "string") return [];
    return [{ id: file.id, name, type, isDataSource: folder === "data_sources", path, file }];
  });
}

/** The service with an id. Throws ServiceError with 404 if there is none. */
export function serviceById(files: VirtualFiles, id: string): Service {
  const service = servicesOf(files).find((one) => one.id === id);
  if (service === undefined) throw adminErrors.notFound("ServiceNotFound", "service", id);
  return service;
}

/** Name of the service with an id; `undefined` if there is none. */
export function serviceNameById(files: VirtualFiles, id: string): string | undefined {
  return servicesOf(files).find((one) => one.id === id)?.name;
}

/** Keys of the API under which a service shows its synchronisation. */
export type SyncKey = "flexible_sync" | "sync";

const syncTypes: Readonly<Record<SyncKey, string>> = { flexible_sync: "flexible", sync: "partition" };

/** The synchronisation's file as an object. */
export function syncFileOf(files: VirtualFiles): Readonly<Record<string, unknown>> {
  return asObject(files.get(syncPath)?.content) ?? {};
}

/** The part of a service that speaks of synchronisation; empty if it is not this service's. */
export function describeSync(files: VirtualFiles, serviceName: string): Readonly<Record<string, unknown>> {
  const { type, service_name: owner, development_mode_enabled: _, ...settings } = syncFileOf(files);
  if (owner !== serviceName) return {};
  const common = { state: "", database_name: "", is_recovery_mode_disabled: false };
  // Callers look for these keys, whether or not there is something in them.
  if (type === "partition") return { sync: { ...common, partition: null, ...settings } };
  return { flexible_sync: { ...common, permissions: null, queryable_fields_names: [], ...settings } };
}

/**
 * Writes what a caller says of a service's synchronisation over what was said before.
 *
 * @throws ServiceError with 400 if another service is synchronised, or this one in the other way.
 */
export function putSync(
  files: FileEdits,
  serviceName: string,
  key: SyncKey,
  given: Readonly<Record<string, unknown>>,
  nowMs: number,
): void {
  const known = syncFileOf(files.result());
  const type = syncTypes[key];
  const isSame = known["service_name"] === serviceName && known["type"] === type;
  if (isOn(known) && !isSame) {
    const { type: other, service_name: owner } = known;
    const what = owner === serviceName ? `${String(other)} sync is on for it` : `sync is on for "${String(owner)}"`;
    throw adminErrors.invalid(`${key}: ${what}; terminate that first`);
  }
  const { development_mode_enabled: mode } = known;
  const kept = isSame ? known : mode === undefined ? {} : { development_mode_enabled: mode };
  // What callers were shown as null for want of anything comes back as null.
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const isPaused = known["state"] === "enabled" && said["state"] === "disabled";
  files.put(syncPath, {
    ...kept,
    ...said,
    type,
    service_name: serviceName,
    ...(isPaused ? { last_disabled: seconds(nowMs) } : {}),
  });
}

function isOn(known: Readonly<Record<string, unknown>>): boolean {
  return known["state"] === "enabled" || known["state"] === "disabled";
}
