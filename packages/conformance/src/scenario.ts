/**
 * The list of scenarios: id, what must be true, and how to see it.
 *
 * @module
 */
import type { Capability } from "./adapter.js";
import type { Stage } from "./harness/stage.js";

/** One conformance case. */
export interface Scenario {
  /** AREA-nn as the catalogue numbers them. */
  readonly id: string;
  /** What must be true. */
  readonly title: string;
  /** Facades it is for; absent: all. */
  readonly facades?: readonly string[];
  /** What the facade must offer; a case that lacks one is skipped. */
  readonly needs?: readonly Capability[];
  /** How long it may take; 30 s if absent. */
  readonly timeoutMs?: number;
  /** Whether it takes minutes: it runs with `TIDEMARK_SLOW=1` alone. */
  readonly isSlow?: boolean;
  /** Why it cannot be run yet, for nobody; `run` is never called then. */
  readonly pending?: string;
  /** Sees whether it is; throws if not. */
  readonly run: (stage: Stage) => Promise<void>;
}

/** A case that each SDK it is for has in its own words: among the adapter's own cases. */
export function ownScenario(id: string, title: string, facades?: readonly string[]): Scenario {
  return { id, title, ...(facades ? { facades } : {}), run: (stage) => stage.own(id) };
}

/** A case of the catalogue that waits for something Tidemark does not have. */
export function pending(id: string, title: string, reason: string, facades: Pick<Scenario, "facades"> = {}): Scenario {
  return { id, title, ...facades, pending: reason, run: () => Promise.reject(new Error(reason)) };
}

/** How a case ended. */
export type Outcome =
  | {
      /** It holds. */
      readonly kind: "passed";
    }
  | {
      /** It was not run. */
      readonly kind: "skipped";
      /** Why. */
      readonly reason: string;
    }
  | {
      /** It does not hold. */
      readonly kind: "failed";
      /** What was seen instead. */
      readonly message: string;
    };
