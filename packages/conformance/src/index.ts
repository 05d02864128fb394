/**
 * The shared suite: what an adapter must offer, the scenarios, and how to run them.
 *
 * @module
 */

export * from "./adapter.js";
export { FaultProxy } from "./harness/fault-proxy.js";
export { AdminApp, type AdminAppOptions } from "./harness/admin-app.js";
export { ServerProcess, type ServerProcessOptions } from "./harness/server-process.js";
export { CheckFailure, type Device, type ReadyDevice, Stage } from "./harness/stage.js";
export type { Applicability, FacadeName, Outcome, Scenario } from "./scenario.js";
export { allScenarios, runSuite, type Report } from "./suite.js";
