/**
 * Admin API: synchronisation as a whole: Development Mode, state, progress, versions of the schema, forced resets.
 *
 * @module
 */

import type { Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer } from "./admin-call.js";
import { syncFileOf, syncPath } from "./service-files.js";

const syncConfig = z.looseObject({ development_mode_enabled: z.boolean() });
const clientFile = z.looseObject({ file_ident: z.int().min(1) });

/** Adds the routes. */
export function addSync(api: Hono, context: AdminApiContext): void {
  const { limits } = context;

  api.get(`${appPath}/sync/config`, (call) => {
    const { development_mode_enabled: mode } = syncFileOf(appOf(context, call).files);
    return jsonAnswer(call, 200, { development_mode_enabled: mode ?? false });
  });

  api.put(`${appPath}/sync/config`, async (call) => {
    const app = appOf(context, call);
    const { development_mode_enabled: mode } = await readBody(limits, call, syncConfig);
    await app.change((files) => files.put(syncPath, { ...syncFileOf(files.result()), development_mode_enabled: mode }));
    return emptyAnswer(call);
  });

  api.get(`${appPath}/sync/progress`, (call) => {
    const { state } = appOf(context, call).configuration.sync;
    if (state === "off") throw adminErrors.noSyncState();
    // Objects are in the ledger from the beginning: there is nothing to copy first.
    return jsonAnswer(call, 200, { accepting_clients: state === "enabled", progress: {} });
  });

  api.get(`${appPath}/sync/state`, (call) => {
    const { state, type } = appOf(context, call).configuration.sync;
    const asked = call.req.query("sync_type") ?? type;
    return jsonAnswer(call, 200, { state: asked === type && state !== "off" ? state : "" });
  });

  api.put(`${appPath}/sync/force_reset`, async (call) => {
    const { app } = appOf(context, call);
    const { file_ident: ident } = await readBody(limits, call, clientFile);
    const isKnown = await (await app.sync()).forceReset(String(ident));
    if (!isKnown) throw adminErrors.notFound("ClientFileNotFound", "client file", String(ident));
    return emptyAnswer(call);
  });

  api.get(`${appPath}/sync/schemas/versions`, (call) => {
    const { schemaVersion } = appOf(context, call).record;
    const versions = Array.from({ length: schemaVersion + 1 }, (_, version) => ({ version_major: version }));
    return jsonAnswer(call, 200, { versions });
  });
}
