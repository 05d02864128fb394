/**
 * Messages that say what a session and its file are. Pure.
 *
 * @module
 */

import { serializeClientMessage, sessionReason, writeBindOptions } from "@tidemark/protocol";
import type { SubscriptionSetInformation, SyncState } from "../core.js";

/** @param isReset whether the file was reset, or is to be, and the server has not taken that in. */
export function bindMessage(session: number, schemaVersion: number, isReset: boolean, state: SyncState): Uint8Array {
  const reason = isReset ? sessionReason.clientReset : sessionReason.sync;
  return serializeClientMessage({
    type: "bind",
    session,
    json: writeBindOptions({ schemaVersion, sessionReason: reason, tidemark: 1 }),
    token: "",
    needsFileIdent: state.fileIdent === "0",
    isSubserver: false,
  });
}

/** @param active the set that the server is to sync. */
export function identMessage(
  session: number,
  state: SyncState,
  active: SubscriptionSetInformation | undefined,
): Uint8Array {
  return serializeClientMessage({
    type: "ident",
    session,
    fileIdent: BigInt(state.fileIdent),
    fileIdentSalt: BigInt(state.fileIdentSalt),
    downloadServerVersion: state.downloadServerVersion,
    downloadClientVersion: state.downloadClientVersion,
    latestServerVersion: state.latestServerVersion,
    latestServerVersionSalt: BigInt(state.latestServerVersionSalt),
    queryVersion: active?.version ?? 0,
    query: subscriptionText(active),
  });
}

/** Asks for another set. */
export function queryMessage(session: number, pending: SubscriptionSetInformation): Uint8Array {
  return serializeClientMessage({
    type: "query",
    session,
    queryVersion: pending.version,
    query: subscriptionText(pending),
  });
}

/** The JSON of a subscription set in IDENT and QUERY: per class the distinct queries, sorted and joined by OR. */
export function subscriptionText(set: SubscriptionSetInformation | undefined): string {
  const byClass = new Map<string, Set<string>>();
  for (const { className, query } of set?.subscriptions ?? []) {
    const queries = byClass.get(className) ?? new Set();
    byClass.set(className, queries.add(query));
  }
  const classes = [...byClass.keys()].sort(compareText);
  const joined = classes.map((name) => {
    const queries = [...(byClass.get(name) ?? [])].sort(compareText);
    return [name, queries.map((query) => `(${query})`).join(" OR ")] as const;
  });
  return JSON.stringify(Object.fromEntries(joined));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
