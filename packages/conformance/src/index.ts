/**
 * The shared suite: what an adapter must offer, the scenarios, and how to run them.
 *
 * @module
 */

export * from "./adapter.js";
export { FaultProxy } from "./harness/fault-proxy.js";
export { ServerProcess } from "./harness/server-process.js";
export { CheckFailure, Stage } from "./harness/stage.js";
export type { Outcome, Scenario } from "./scenario.js";
export { allScenarios, runSuite, type Report } from "./suite.js";
