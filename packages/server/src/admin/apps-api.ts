/**
 * Admin API: the apps themselves, and what their root says.
 *
 * @module
 */

import type { Context, Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { asObject } from "../schema/problem.js";
import type { AdminApp } from "./admin-app.js";
import { adminErrors } from "./admin-errors.js";
import {
  type AdminApiContext,
  adminPath,
  appOf,
  appPath,
  checkGroup,
  emptyAnswer,
  groupId,
  seconds,
} from "./admin-call.js";
import { providersPath } from "./auth-providers-api.js";
import type { FileEdits } from "./virtual-files.js";

const rootPath = "root_config.json";

const newApp = z.looseObject({
  name: z.string(),
  deployment_model: z.string().optional(),
  environment: z.string().optional(),
  provider_region: z.string().optional(),
  sync: z.looseObject({ development_mode_enabled: z.boolean().optional() }).optional(),
});
const origins = z.array(z.string().max(1000)).max(100);

/** Adds the routes. */
export function addApps(api: Hono, context: AdminApiContext): void {
  const { apps, limits } = context;

  api.get(`${adminPath}/groups/:group/apps`, (call) => {
    checkGroup(call);
    return jsonAnswer(call, 200, apps.all().map(describeApp));
  });

  api.post(`${adminPath}/groups/:group/apps`, async (call) => {
    checkGroup(call);
    const body = await readBody(limits, call, newApp);
    const app = await apps.create(body.name, (files) => fillApp(files, body));
    return jsonAnswer(call, 201, describeApp(app));
  });

  api.get(appPath, (call) => jsonAnswer(call, 200, describeApp(appOf(context, call))));

  api.delete(appPath, async (call) => {
    await apps.remove(appOf(context, call).id);
    return emptyAnswer(call);
  });

  api.post(`${appPath}/security/allowed_request_origins`, (call) => setOrigins(context, call));
  api.get(`${appPath}/security/allowed_request_origins`, (call) => {
    const root = asObject(appOf(context, call).files.get(rootPath)?.content);
    return jsonAnswer(call, 200, root?.["allowed_request_origins"] ?? []);
  });
}

/** The files of an app that has just been made. */
function fillApp(files: FileEdits, { name, sync, ...given }: z.output<typeof newApp>): void {
  if (name === "") throw adminErrors.invalid("name: the name is empty");
  files.put(rootPath, {
    name,
    deployment_model: given.deployment_model ?? "GLOBAL",
    ...(given.environment === undefined ? {} : { environment: given.environment }),
    ...(given.provider_region === undefined ? {} : { provider_region: given.provider_region }),
  });
  // The original's harnesses look for this provider and switch it on.
  files.put(providersPath, { "api-key": { name: "api-key", type: "api-key", disabled: true } });
  if (sync?.development_mode_enabled === undefined) return;
  files.put("sync/config.json", { development_mode_enabled: sync.development_mode_enabled });
}

async function setOrigins(context: AdminApiContext, call: Context): Promise<Response> {
  const app = appOf(context, call);
  const allowed = await readBody(context.limits, call, origins);
  await app.change((files) => {
    files.put(rootPath, { ...asObject(files.get(rootPath)?.content), allowed_request_origins: allowed });
  });
  return emptyAnswer(call);
}

function describeApp(app: AdminApp): object {
  const { record, configuration } = app;
  const root = asObject(app.files.get(rootPath)?.content);
  return {
    _id: record.id,
    client_app_id: record.clientAppId,
    name: configuration.name,
    location: "US-VA",
    provider_region: root?.["provider_region"] ?? "",
    deployment_model: root?.["deployment_model"] ?? "GLOBAL",
    domain_id: app.app.domainId,
    group_id: groupId,
    last_used: seconds(record.modifiedMs),
    last_modified: seconds(record.modifiedMs),
    product: "standard",
    environment: configuration.environment.tag,
  };
}
