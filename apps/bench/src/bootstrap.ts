/**
 * What a bootstrap of all items is, wherever it is measured.
 *
 * @module
 */

import type { Realm } from "@tidemark/node";

/** What a client's process says of one bootstrap. */
export interface BootstrapRun {
  readonly tookMs: number;
  /** Of the client's process. */
  readonly cpuMs: number;
  /** The most memory that the process has had by then. */
  readonly peakMemoryBytes: number;
  /** Bytes that came over its socket, if it counts them. */
  readonly bytesReceived?: number;
}

/** Resolves when a listener has seen `count` items. */
export async function listened(realm: Realm, count: number): Promise<void> {
  const results = realm.objects("Item");
  await new Promise<void>((resolve) => {
    const listener = (): void => {
      if (results.length < count) return;
      results.removeListener(listener);
      resolve();
    };
    results.addListener(listener);
  });
}
