/**
 * What tests of several packages need. Never published.
 *
 * @module
 */

export { type SampleCase, sampleCases, type Samples, sampleTimeoutMs, startSampleServer } from "./samples.js";
export {
  type AnnouncedProcess,
  startProcess,
  startServer,
  type TestServer,
  type TestServerOptions,
} from "./server-process.js";
