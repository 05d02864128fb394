/**
 * Subscribing to results.
 *
 * @module
 */

import type { Cancellation } from "../cancellation.js";
import type { RealmResults } from "../data/results.js";
import { WaitForSyncMode } from "../enums.js";
import { RealmError } from "../errors.js";
import type { Realm } from "../realm.js";

/** How to subscribe to results. */
export interface SubscribeOptions {
  /** Results of one class may be subscribed to under several names. */
  readonly name?: string | undefined;
  /** When to wait for the data; `firstTime` by default. */
  readonly waitForSyncMode?: WaitForSyncMode | undefined;
  /** Ends the wait, not the subscription. */
  readonly cancellationToken?: Cancellation | undefined;
  /** Whether the name may be given to another query; not by default. */
  readonly update?: boolean | undefined;
}

/** Subscribes, and waits as the options say. */
export async function subscribeTo<T>(
  realm: Realm,
  results: RealmResults<T>,
  { name, waitForSyncMode = WaitForSyncMode.firstTime, cancellationToken, update }: SubscribeOptions,
): Promise<void> {
  const { subscriptions } = realm;
  const isNew = ![...subscriptions].some((one) => one.name === (name ?? null) && one.isOf(results));
  // The subscription is made whatever the token says: it ends the wait alone.
  subscriptions.update((set) => {
    set.add(results, { name, update });
  });
  if (waitForSyncMode === WaitForSyncMode.never) return;
  if (waitForSyncMode === WaitForSyncMode.firstTime && !isNew) return;
  await subscriptions.waitForSynchronization(cancellationToken);
  await realm.syncSession.waitForDownload(cancellationToken);
}

/** Ends the subscription of a name, or the one without a name for the same query. */
export function unsubscribeFrom<T>(realm: Realm, results: RealmResults<T>, name: string | undefined): boolean {
  if (realm.internal.sync === undefined) {
    throw new RealmError("unsubscribe is only allowed on Realms opened with a FlexibleSyncConfiguration");
  }
  const { subscriptions } = realm;
  const found =
    name === undefined
      ? [...subscriptions].find((one) => one.name === null && one.isOf(results))
      : subscriptions.findByName(name);
  if (found === undefined || found === null) return false;
  let isRemoved = false;
  subscriptions.update((set) => {
    isRemoved = set.remove(found);
  });
  return isRemoved;
}
