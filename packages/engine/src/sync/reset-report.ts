/**
 * What a client reset did, as the application is told.
 *
 * @module
 */

import type { DropReason, ResetMode, ResetReportInformation } from "../core.js";
import type { Conventions } from "../values/conventions.js";
import { pageOf, readScalar } from "../values/unpack.js";

/** Something that was written here and is not in the file after the reset, or not as it was written. */
export interface DroppedChange {
  /** Class of the object. */
  readonly objectType: string;
  /** Its primary key. */
  readonly primaryKey: unknown;
  /** Name of the property in the database; `null` if it concerns the object as a whole. */
  readonly property: string | null;
  /** The way below the property: indexes, keys of dictionaries, properties of embedded objects. */
  readonly path: readonly (number | string)[];
  /** Why it was dropped. */
  readonly reason: DropReason;
  /** More about the reason, in words. */
  readonly detail: string | null;
}

/** What a client reset did. */
export interface ResetReport {
  /** How it was done. */
  readonly mode: ResetMode;
  /** Transactions that had not been uploaded. */
  readonly transactionCount: number;
  /** Of these, those of which something is to be uploaded again. */
  readonly recoveredTransactionCount: number;
  /** Objects that the reset added to the file. */
  readonly objectsCreated: number;
  /** Objects that it removed. */
  readonly objectsDeleted: number;
  /** Objects that it changed. */
  readonly objectsChanged: number;
  /** Versions of subscription sets that were discarded. */
  readonly droppedSubscriptionSets: readonly number[];
  /** What was dropped, also by downloads before the reset: the first thousand. */
  readonly dropped: readonly DroppedChange[];
  /** How much was dropped. */
  readonly droppedCount: number;
}

/** Makes a report of the core's. */
export function resetReportOf(information: ResetReportInformation, conventions: Conventions): ResetReport {
  return {
    mode: information.mode,
    transactionCount: information.changesets,
    recoveredTransactionCount: information.changesetsRecovered,
    objectsCreated: information.objectsCreated,
    objectsDeleted: information.objectsDeleted,
    objectsChanged: information.objectsChanged,
    droppedSubscriptionSets: information.subscriptionSetsDropped,
    dropped: information.dropped.map(({ className, key, field, path, reason, detail }) => ({
      objectType: className,
      primaryKey: readScalar(pageOf(bytesOf(key)), 0, conventions),
      property: field,
      path,
      reason,
      detail,
    })),
    droppedCount: information.droppedCount,
  };
}

function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}
