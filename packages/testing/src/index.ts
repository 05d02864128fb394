/**
 * What tests of several packages need. Never published.
 *
 * @module
 */

export { describeGrowth, type Growth, type Load, measureGrowth, type MemoryFigures } from "./memory.js";
export { ThreadHeaps } from "./thread-heaps.js";
export { type SampleCase, sampleCases, type Samples, sampleTimeoutMs, startSampleServer } from "./samples.js";
export {
  type AnnouncedProcess,
  startProcess,
  startServer,
  type TestServer,
  type TestServerOptions,
} from "./server-process.js";
