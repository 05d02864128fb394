/**
 * The list of scenarios: id, what must be true, and how to see it.
 *
 * @module
 */
import type { Capability } from "./adapter.js";
import type { Stage } from "./harness/stage.js";

/** One of the shapes that cases may be about. */
export type FacadeName = "node" | "kotlin" | "flutter" | "cpp";

/** The shapes that cases may be about. */
export const facadeNames: readonly FacadeName[] = ["node", "kotlin", "flutter", "cpp"];

/** For which facades a case is. */
export interface Applicability {
  /** Facades it is for; absent: all. */
  readonly facades?: readonly FacadeName[];
  /** Why it is not for the others; absent: they do not have what it looks at. */
  readonly elsewhere?: string;
}

/** One conformance case. */
export interface Scenario extends Applicability {
  /** AREA-nn as the catalogue numbers them. */
  readonly id: string;
  /** What must be true. */
  readonly title: string;
  /** Whether it is written in the words of each SDK, among the adapter's own cases. */
  readonly isOwn?: boolean;
  /** What the facade must offer; a case that lacks one is skipped. */
  readonly needs?: readonly Capability[];
  /** How long it may take; 90 s if absent. */
  readonly timeoutMs?: number;
  /** Whether it takes minutes: it runs with `TIDEMARK_SLOW=1` alone. */
  readonly isSlow?: boolean;
  /** Why it cannot be run yet, for nobody; `run` is never called then. */
  readonly pending?: string;
  /** Sees whether it is; throws if not. */
  readonly run: (stage: Stage) => Promise<void>;
}

/** A case that each SDK it is for has in its own words: among the adapter's own cases. */
export function ownScenario(id: string, title: string, facades?: readonly FacadeName[], elsewhere?: string): Scenario {
  const applicability = { ...(facades ? { facades } : {}), ...(elsewhere ? { elsewhere } : {}) };
  return { id, title, isOwn: true, ...applicability, run: (stage) => stage.own(id) };
}

/** A case of the catalogue that waits for something Tidemark does not have. */
export function pending(id: string, title: string, reason: string, applicability: Applicability = {}): Scenario {
  return { id, title, ...applicability, pending: reason, run: () => Promise.reject(new Error(reason)) };
}

/** Whether a name is that of one of the four shapes. */
export function isFacadeName(name: string): name is FacadeName {
  return facadeNames.some((known) => known === name);
}

/** Whether a case is about what a facade has; of clients with a shape of their own, capabilities say it. */
export function appliesTo({ facades, isOwn, needs }: Scenario, facade: string): boolean {
  if (facades === undefined) return true;
  return isFacadeName(facade) ? facades.includes(facade) : isOwn === true || needs !== undefined;
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
      /** Whether it is about what this facade has; one that is not counts nowhere. */
      readonly applies: boolean;
    }
  | {
      /** It does not hold. */
      readonly kind: "failed";
      /** What was seen instead. */
      readonly message: string;
    };
