/**
 * Versions of an app's schema: every deployment that breaks clients of before adds one.
 *
 * @module
 */

import type { AppConfiguration } from "../app-directory/configuration.js";
import type { ConfigureOptions } from "../app.js";
import { compareSchemas } from "../schema/compare.js";

/** Whether clients with a model of before may stumble: something is gone or is something else. */
export function isBreaking(before: AppConfiguration, after: AppConfiguration): boolean {
  // What was expected before and is not found any more, or differently; what is only added breaks nobody.
  return compareSchemas(before.classes, after.classes).some(({ kind }) => kind !== "unexpected");
}

/**
 * What a deployment may do to the schema: everything. Versions are counted while synchronisation is on: while it is off
 * they stay 0.
 */
export function deploymentOptions(before: AppConfiguration): ConfigureOptions {
  return { allowsBreaking: true, startsOver: before.sync.state === "off" };
}
