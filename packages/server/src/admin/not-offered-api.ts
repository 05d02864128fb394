/**
 * Admin API: what Tidemark does not do. Each is refused with the reason, so that nobody takes silence for success.
 *
 * @module
 */

import type { Hono } from "hono";
import { adminErrors } from "./admin-errors.js";
import { appPath } from "./admin-call.js";

/** Calls below an app, and why they are refused. */
const refused: readonly (readonly [method: string, path: string, why: string])[] = [
  ["GET", "api_keys", "API keys are not offered: nobody can log in with one"],
  ["POST", "api_keys", "API keys are not offered: nobody can log in with one"],
  ["PUT", "api_keys/:id/:verb", "API keys are not offered: nobody can log in with one"],
  ["DELETE", "api_keys/:id", "API keys are not offered: nobody can log in with one"],
  ["GET", "sync/migration", "there is no partition-based sync to migrate from"],
  ["PUT", "sync/migration", "there is no partition-based sync to migrate from"],
  ["POST", "deployments/:id/redeploy", "files of earlier deployments are not kept"],
  ["PATCH", "deploy/config", "apps are not deployed from a repository"],
  ["GET", "endpoints", "HTTPS endpoints are not offered"],
  ["POST", "endpoints", "HTTPS endpoints are not offered"],
  ["GET", "triggers", "triggers are not offered"],
  ["POST", "triggers", "triggers are not offered"],
];

/** Adds the routes. */
export function addNotOffered(api: Hono): void {
  for (const [method, path, why] of refused) {
    api.on(method, `${appPath}/${path}`, () => {
      throw adminErrors.notOffered(why);
    });
  }
}
