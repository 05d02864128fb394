/**
 * Running scenarios against an adapter.
 *
 * @module
 */
import type { Adapter } from "./adapter.js";
import { ServerProcess } from "./harness/server-process.js";
import { CheckFailure, Stage } from "./harness/stage.js";
import { appliesTo, isFacadeName, type Outcome, type Scenario } from "./scenario.js";
import { connectionScenarios, reconnectScenarios } from "./scenarios/connection.js";
import { dataScenarios } from "./scenarios/data.js";
import { errorScenarios } from "./scenarios/errors.js";
import { logScenarios } from "./scenarios/log.js";
import { mixedScenarios } from "./scenarios/mixed.js";
import { multiplexingScenarios } from "./scenarios/multiplexing.js";
import { openScenarios } from "./scenarios/open.js";
import { pauseScenarios } from "./scenarios/pause.js";
import { progressEdgeScenarios } from "./scenarios/progress-edges.js";
import { progressScenarios } from "./scenarios/progress.js";
import { resetHandlerScenarios } from "./scenarios/reset-handlers.js";
import { resetScenarios } from "./scenarios/reset.js";
import { serverErrorScenarios } from "./scenarios/server-errors.js";
import { sessionScenarios } from "./scenarios/session.js";
import { subscriptionUseScenarios } from "./scenarios/subscription-uses.js";
import { subscriptionScenarios } from "./scenarios/subscriptions.js";
import { tokenScenarios } from "./scenarios/tokens.js";
import { typeScenarios } from "./scenarios/types.js";
import { userScenarios } from "./scenarios/users.js";
import { waitScenarios } from "./scenarios/wait.js";

/** Far above what cases take on a loaded machine: it ends those that hang. */
const scenarioTimeoutMs = 90_000;

/** The whole catalogue as far as it is written, in its order. */
export const allScenarios: readonly Scenario[] = [
  ...sessionScenarios,
  ...pauseScenarios,
  ...waitScenarios,
  ...connectionScenarios,
  ...progressScenarios,
  ...progressEdgeScenarios,
  ...openScenarios,
  ...subscriptionScenarios,
  ...subscriptionUseScenarios,
  ...errorScenarios,
  ...resetScenarios,
  ...dataScenarios,
  ...mixedScenarios,
  ...reconnectScenarios,
  ...serverErrorScenarios,
  ...resetHandlerScenarios,
  ...tokenScenarios,
  ...multiplexingScenarios,
  ...userScenarios,
  ...logScenarios,
  ...typeScenarios,
];

/** What {@link runSuite} tells while it runs. */
export type Report = (scenario: Scenario, outcome: Outcome, tookMs: number) => void;

/** A server answers for a limited number of apps, and each case has its own: then a new one takes over. */
const casesPerServer = 80;

/**
 * Runs the scenarios whose id starts with a prefix, one after the other, on one server process at a time.
 *
 * @param prefix or several, separated by commas; the empty one is that of all.
 */
export async function runSuite(adapter: Adapter, prefix: string, report: Report): Promise<void> {
  const prefixes = prefix.split(",");
  const chosen = allScenarios.filter(({ id }) => prefixes.some((one) => id.startsWith(one)));
  for (let first = 0; first < chosen.length; first += casesPerServer) {
    const server = await ServerProcess.start({ hasMovableClock: true });
    try {
      for (const [position, scenario] of chosen.slice(first, first + casesPerServer).entries()) {
        const startedAtMs = performance.now();
        const outcome = await runScenario(adapter, server, scenario, `case-${position}-${scenario.id.toLowerCase()}`);
        report(scenario, outcome, performance.now() - startedAtMs);
      }
    } finally {
      await server.stop();
    }
  }
}

/**
 * Runs one scenario.
 *
 * @param appId an app of its own for each case: nothing one case stores can be seen by another.
 */
export async function runScenario(
  adapter: Adapter,
  server: ServerProcess,
  scenario: Scenario,
  appId: string,
): Promise<Outcome> {
  const skipped = skippedBy(adapter, scenario);
  if (skipped !== undefined) return skipped;
  const stage = new Stage(adapter, server, appId);
  const problems = new StrayProblems();
  try {
    await withTimeout(scenario.run(stage), scenario.timeoutMs ?? scenarioTimeoutMs);
    await withTimeout(stage.cleanUp(), scenarioTimeoutMs);
    // A rejection nobody handles shows one turn of the event loop later.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    problems.check();
    return { kind: "passed" };
  } catch (error) {
    await withTimeout(stage.cleanUp(), scenarioTimeoutMs).catch(() => undefined);
    return { kind: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    problems.stop();
  }
}

/** Why a case is not run, if it is not. */
function skippedBy(adapter: Adapter, scenario: Scenario): Outcome | undefined {
  const { id, facades, elsewhere, needs } = scenario;
  const skip = (reason: string, applies = true): Outcome => ({ kind: "skipped", reason, applies });
  if (!appliesTo(scenario, adapter.facade)) {
    const whose = facades?.length ? `for ${facades.join(", ")} alone` : undefined;
    return skip([whose, elsewhere].filter((part) => part !== undefined).join(": "), false);
  }
  // One of the four that lacks its own words fails.
  if (scenario.isOwn === true && !isFacadeName(adapter.facade) && adapter.ownCases?.[id] === undefined) {
    return skip(`${adapter.facade} has no case ${id} of its own`);
  }
  if (scenario.pending !== undefined) return skip(`not yet: ${scenario.pending}`);
  if (scenario.isSlow === true && process.env["TIDEMARK_SLOW"] !== "1") {
    return skip("takes minutes, runs with TIDEMARK_SLOW=1");
  }
  const missing = needs?.find((capability) => !adapter.capabilities.has(capability));
  return missing && skip(`${adapter.facade} has no ${missing}`);
}

/** What goes wrong beside a scenario: rejections nobody handles, exceptions nobody catches. */
class StrayProblems {
  readonly #seen: string[] = [];
  readonly #onRejection = (reason: unknown): void => this.#add("unhandled rejection", reason);
  readonly #onException = (reason: unknown): void => this.#add("uncaught exception", reason);

  constructor() {
    process.on("unhandledRejection", this.#onRejection);
    process.on("uncaughtException", this.#onException);
  }

  check(): void {
    if (this.#seen.length > 0) throw new CheckFailure(this.#seen.join("\n"));
  }

  stop(): void {
    process.off("unhandledRejection", this.#onRejection);
    process.off("uncaughtException", this.#onException);
  }

  #add(kind: string, reason: unknown): void {
    this.#seen.push(`${kind}: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`);
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
