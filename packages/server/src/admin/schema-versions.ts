/**
 * Versions of an app's schema: every deployment that breaks clients of before adds one.
 *
 * @module
 */

import type { AppConfiguration } from "../app-directory/configuration.js";
import type { ConfigureOptions } from "../app.js";

/**
 * What a deployment may do to the schema: everything. Versions are counted while synchronisation is on: while it is off
 * they stay 0.
 */
export function deploymentOptions(before: AppConfiguration): ConfigureOptions {
  return { allowsBreaking: true, startsOver: before.sync.state === "off" };
}
