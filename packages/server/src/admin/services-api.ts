/**
 * Admin API: services and their configuration, of which synchronisation is a part.
 *
 * @module
 */

import type { Context, Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { asObject } from "../schema/problem.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer, seconds } from "./admin-call.js";
import {
  describeSync,
  putSync,
  type Service,
  serviceById,
  servicePath,
  servicesOf,
  syncFileOf,
  type SyncKey,
  syncPath,
} from "./service-files.js";
import type { FileEdits } from "./virtual-files.js";

const object = z.record(z.string(), z.unknown());
const newService = z.looseObject({
  name: z.string(),
  type: z.string().min(1),
  config: object.nullish(),
  secret_config: object.nullish(),
});

/** Adds the routes. */
export function addServices(api: Hono, context: AdminApiContext): void {
  const { limits } = context;

  api.get(`${appPath}/services`, (call) =>
    jsonAnswer(call, 200, servicesOf(appOf(context, call).files).map(describeService)),
  );

  api.post(`${appPath}/services`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, newService);
    const path = servicePath(body.name, body.type);
    await app.change((files) => {
      if (servicesOf(files.result()).some((one) => one.name === body.name)) {
        throw adminErrors.exists("ServiceAlreadyExists", "service", body.name);
      }
      const { name, type, secret_config: secrets } = body;
      files.put(path, { name, type, config: {}, ...(secrets ? { secret_config: secrets } : {}) });
      configure(context, files, newestService(files, body.name), body.config ?? {});
    });
    const service = servicesOf(app.files).find((one) => one.path === path);
    return jsonAnswer(call, 201, service && describeService(service));
  });

  api.delete(`${appPath}/services/:service`, async (call) => {
    await appOf(context, call).change((files) => {
      const { name, path } = serviceIn(files, call);
      const folder = path.slice(0, -"config.json".length);
      for (const one of files.result().keys()) if (one.startsWith(folder)) files.remove(one);
      if (syncFileOf(files.result())["service_name"] === name) files.remove(syncPath);
    });
    return emptyAnswer(call);
  });

  api.get(`${appPath}/services/:service/config`, (call) => {
    const { files } = appOf(context, call);
    const { name, file } = serviceById(files, call.req.param("service"));
    const config = asObject(asObject(file.content)?.["config"]);
    return jsonAnswer(call, 200, { ...config, ...describeSync(files, name) });
  });

  api.patch(`${appPath}/services/:service/config`, async (call) => {
    const app = appOf(context, call);
    const config = await readBody(limits, call, object);
    await app.change((files) => configure(context, files, serviceIn(files, call), config));
    return emptyAnswer(call);
  });
}

function serviceIn(files: FileEdits, call: Context): Service {
  return serviceById(files.result(), call.req.param("service") ?? "");
}

function newestService(files: FileEdits, name: string): Service {
  const service = servicesOf(files.result()).find((one) => one.name === name);
  if (service === undefined) throw new Error("a service that was put is there");
  return service;
}

/** Takes a configuration: settings are merged by name, and synchronisation goes to the file of its own. */
function configure(
  { host }: AdminApiContext,
  files: FileEdits,
  { name, path, file, isDataSource }: Service,
  given: Readonly<Record<string, unknown>>,
): void {
  const content = asObject(file.content) ?? {};
  const { flexible_sync: flexible, sync: partition, ...settings } = given;
  if (Object.keys(settings).length > 0) {
    files.put(path, { ...content, config: { ...asObject(content["config"]), ...settings } });
  }
  const parts: readonly [SyncKey, unknown][] = [
    ["flexible_sync", flexible],
    ["sync", partition],
  ];
  for (const [key, value] of parts) {
    if (value === undefined || value === null) continue;
    const part = asObject(value);
    if (part === undefined) throw adminErrors.invalid(`${key}: an object is expected`);
    if (!isDataSource) throw adminErrors.invalid(`${key}: a service of this type holds no data`);
    putSync(files, name, key, part, host.nowMs());
  }
}

function describeService({ id, name, type, file }: Service): object {
  return { _id: id, name, type, version: file.version, last_modified: seconds(file.modifiedMs) };
}
