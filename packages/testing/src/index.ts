/**
 * What tests of several packages need. Never published.
 *
 * @module
 */

export { type AnnouncedProcess, startProcess, startServer, type TestServer } from "./server-process.js";
