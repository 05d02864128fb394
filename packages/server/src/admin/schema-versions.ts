/**
 * Versions of an app's schema: every deployment that breaks clients of before adds one.
 *
 * @module
 */

import type { AppConfiguration } from "../app-directory/configuration.js";
import { compareSchemas } from "../schema/compare.js";

/** Whether clients with a model of before may stumble: something is gone or is something else. */
export function isBreaking(before: AppConfiguration, after: AppConfiguration): boolean {
  // What was expected before and is not found any more, or differently; what is only added breaks nobody.
  return compareSchemas(before.classes, after.classes).some(({ kind }) => kind !== "unexpected");
}

/**
 * The version after a deployment. Versions are counted while synchronisation is on; when it is switched off for good,
 * what follows begins with 0 again.
 */
export function versionAfter(version: number, before: AppConfiguration, after: AppConfiguration): number {
  if (before.sync.state === "off" || after.sync.state === "off") return 0;
  return isBreaking(before, after) ? version + 1 : version;
}
