/**
 * Admin API: the newest errors that ended sessions of an app. Nothing else is kept.
 *
 * @module
 */

import type { Hono } from "hono";
import { jsonAnswer } from "../http-answers.js";
import { type AdminApiContext, appOf, appPath } from "./admin-call.js";

/** Adds the route. */
export function addLogs(api: Hono, context: AdminApiContext): void {
  api.get(`${appPath}/logs`, async (call) => {
    const app = appOf(context, call);
    const { sessionErrors } = await app.app.sync();
    const logs = sessionErrors.newestFirst().map(({ atMs, requestId, userId, code, message }) => ({
      _id: requestId,
      co_id: requestId,
      type: "SYNC_SESSION",
      app_id: app.id,
      user_id: userId,
      error: message,
      error_code: String(code),
      started: new Date(atMs).toISOString(),
      completed: new Date(atMs).toISOString(),
    }));
    return jsonAnswer(call, 200, { logs });
  });
}
