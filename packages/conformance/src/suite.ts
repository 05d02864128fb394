/**
 * Running scenarios against an adapter.
 *
 * @module
 */
import type { Adapter } from "./adapter.js";
import { ServerProcess } from "./harness/server-process.js";
import { CheckFailure, Stage } from "./harness/stage.js";
import type { Outcome, Scenario } from "./scenario.js";
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

const scenarioTimeoutMs = 30_000;

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

/** Runs the scenarios whose id starts with a prefix, one after the other, on one server process at a time. */
export async function runSuite(adapter: Adapter, prefix: string, report: Report): Promise<void> {
  const chosen = allScenarios.filter(({ id }) => id.startsWith(prefix));
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
  if (scenario.facades && !scenario.facades.includes(adapter.facade)) {
    return { kind: "skipped", reason: `not for ${adapter.facade}` };
  }
  if (scenario.pending !== undefined) return { kind: "skipped", reason: `not yet: ${scenario.pending}` };
  if (scenario.isSlow === true && process.env["TIDEMARK_SLOW"] !== "1") {
    return { kind: "skipped", reason: "takes minutes, runs with TIDEMARK_SLOW=1" };
  }
  const missing = scenario.needs?.find((capability) => !adapter.capabilities.has(capability));
  if (missing) return { kind: "skipped", reason: `${adapter.facade} has no ${missing}` };
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
