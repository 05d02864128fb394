/**
 * How to have results synchronised.
 *
 * @module
 */

import { Duration, durationOf, timeoutMsOf } from "../duration.js";

/**
 * When `subscribe` waits for the data.
 *
 * @enum
 */
export const WaitForSync = {
  /** Where the subscription is new, or stands for another query. The default. */
  FIRST_TIME: "FIRST_TIME",
  /** Always: where the subscription is there, for what is on the server now. */
  ALWAYS: "ALWAYS",
  /** Not at all. */
  NEVER: "NEVER",
} as const;
export type WaitForSync = (typeof WaitForSync)[keyof typeof WaitForSync];

/** How to have results synchronised. */
export interface SubscribeOptions {
  readonly name: string | null;
  readonly updateExisting: boolean;
  readonly mode: WaitForSync;
  readonly timeout: Duration;
  readonly timeoutMs: number | undefined;
}

/** Options as `subscribe` is given them. */
export function subscribeOptionsOf(
  name: string | null,
  updateExisting: boolean,
  mode: WaitForSync = WaitForSync.FIRST_TIME,
  timeout: Duration | number = Duration.INFINITE,
): SubscribeOptions {
  return { name, updateExisting, mode, timeout: durationOf(timeout), timeoutMs: timeoutMsOf(timeout) };
}
