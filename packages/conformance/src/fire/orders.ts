/**
 * What the process in command and the process that holds the clients tell each other.
 *
 * @module
 */

/** How the clients are set up. */
export interface LoadSettings {
  readonly seed: number;
  readonly deviceCount: number;
  /** Ways to the server: devices are spread over them. */
  readonly urls: readonly string[];
  /** The way without faults. */
  readonly directUrl: string;
  readonly appId: string;
  /** For the clients' files. */
  readonly directory: string;
  readonly hasRules: boolean;
  /** Average time between two transactions of one device. */
  readonly pauseMs: number;
  /** How long all of them may take until everybody has everything. */
  readonly quietMs: number;
  /** Devices that are compared with a fresh one of the same subscriptions. */
  readonly freshCount: number;
}

export type Order =
  | { readonly do: "open"; readonly settings: LoadSettings }
  | { readonly do: "write" }
  | { readonly do: "count" }
  | { readonly do: "quiet" }
  | { readonly do: "verify" };

/** What a check came to: it has passed without problems. */
export interface Check {
  readonly title: string;
  readonly problems: readonly string[];
}

/** What the clients have done. */
export interface LoadCounts {
  readonly transactions: number;
  readonly restarts: number;
  readonly downloads: number;
  readonly compensations: number;
  readonly uploadsWaiting: number;
  readonly residentBytes: number;
}

/** A file that somebody else tries to take. */
export interface Victim {
  readonly userId: string;
  readonly fileIdent: string;
  readonly fileIdentSalt: string;
}

export type Answer =
  | { readonly to: "open"; readonly victims: readonly Victim[] }
  | { readonly to: "write" }
  | { readonly to: "count"; readonly counts: LoadCounts }
  | { readonly to: "quiet"; readonly tookMs: number; readonly hanging: readonly string[] }
  | { readonly to: "verify"; readonly checks: readonly Check[] }
  | { readonly to: "failed"; readonly message: string };
