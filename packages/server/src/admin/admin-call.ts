/**
 * What the routes of the Admin API share.
 *
 * @module
 */

import type { Context } from "hono";
import type { Host } from "../host.js";
import type { ServerLimits } from "../limits.js";
import type { Tokens } from "../tokens.js";
import type { AdminApp } from "./admin-app.js";
import type { AdminApps } from "./admin-apps.js";
import { adminErrors } from "./admin-errors.js";
import type { Administrator } from "./administrator.js";

/** Where the API is. */
export const adminPath = "/api/admin/v3.0";
export const privatePath = "/api/private/v1.0";
export const appPath: string = `${adminPath}/groups/:group/apps/:appId`;
export const privateAppPath: string = `${privatePath}/groups/:group/apps/:appId`;

/** A server has one group of apps. */
export const groupId = "tidemark";

/** What {@link createAdminApi} needs. */
export interface AdminApiContext {
  readonly apps: AdminApps;
  readonly administrator: Administrator;
  /** Of the apps' users. */
  readonly tokens: Tokens;
  readonly host: Host;
  readonly limits: ServerLimits;
  /** Whether requests may come from other machines. */
  readonly isRemote: boolean;
  /** Ends the connections of a user who may not go on; `isForGood` if it cannot log in again. */
  readonly closeUser: (appId: string, userId: string, isForGood: boolean) => void;
}

/** Throws unless the group in the path is the server's. */
export function checkGroup(call: Context): void {
  const group = call.req.param("group") ?? "";
  if (group !== groupId) throw adminErrors.groupNotFound(group);
}

/** The app in the path. Throws ServiceError with 404 if there is none. */
export function appOf({ apps }: Pick<AdminApiContext, "apps">, call: Context): AdminApp {
  checkGroup(call);
  const id = call.req.param("appId") ?? "";
  const app = apps.find(id);
  if (app === undefined) throw adminErrors.appNotFound(id);
  return app;
}

/** An answer without a body. */
export function emptyAnswer(call: Context): Response {
  return call.body(null, 204);
}

/** Seconds of the Unix clock, as the API has times. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
