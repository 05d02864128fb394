/**
 * Admin API: secrets and values.
 *
 * @module
 */

import type { Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { asObject } from "../schema/problem.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer } from "./admin-call.js";
import { fileById, filesBelow, pathSegment, secretsFolder, type VirtualFile } from "./virtual-files.js";

const secret = z.looseObject({ name: z.string(), value: z.string() });
const value = z.looseObject({
  name: z.string(),
  value: z.unknown(),
  from_secret: z.boolean().optional(),
  private: z.boolean().optional(),
});

const secretPattern = /^secrets\//;
const valuePattern = /^values\/.+\.json$/;

/** Adds the routes. */
export function addSecretsAndValues(api: Hono, context: AdminApiContext): void {
  addSecrets(api, context);
  addValues(api, context);
}

function addSecrets(api: Hono, context: AdminApiContext): void {
  const { limits } = context;
  const nameOf = (path: string): string => path.slice(secretsFolder.length);

  api.get(`${appPath}/secrets`, (call) => {
    const secrets = filesBelow(appOf(context, call).files, secretsFolder);
    const described = secrets.map(([path, { id }]) => ({ _id: id, name: nameOf(path) }));
    return jsonAnswer(call, 200, described);
  });

  api.post(`${appPath}/secrets`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, secret);
    const path = secretsFolder + pathSegment("name", body.name);
    const { id } = await app.change((files) => {
      if (files.get(path) !== undefined) throw adminErrors.exists("SecretAlreadyExists", "secret", body.name);
      return files.put(path, body.value);
    });
    return jsonAnswer(call, 201, { _id: id, name: body.name });
  });

  api.put(`${appPath}/secrets/:id`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, secret);
    const id = call.req.param("id");
    await app.change((files) => {
      const [path] = fileById(files.result(), secretPattern, id) ?? missingSecret(id);
      if (nameOf(path) !== body.name) throw adminErrors.invalid("name: a secret keeps its name");
      files.put(path, body.value);
    });
    return emptyAnswer(call);
  });

  api.delete(`${appPath}/secrets/:id`, async (call) => {
    const id = call.req.param("id");
    await appOf(context, call).change((files) => {
      const [path] = fileById(files.result(), secretPattern, id) ?? missingSecret(id);
      files.remove(path);
    });
    return emptyAnswer(call);
  });
}

function missingSecret(id: string): never {
  throw adminErrors.notFound("SecretNotFound", "secret", id);
}

function addValues(api: Hono, context: AdminApiContext): void {
  const { limits } = context;

  api.get(`${appPath}/values`, (call) => {
    const values = filesBelow(appOf(context, call).files, "values/");
    // What a value holds is told one by one.
    const described = values.map((one) => ({ ...describeValue(one), value: undefined }));
    return jsonAnswer(call, 200, described);
  });

  api.get(`${appPath}/values/:id`, (call) => {
    const id = call.req.param("id");
    return jsonAnswer(call, 200, describeValue(fileById(appOf(context, call).files, valuePattern, id) ?? missing(id)));
  });

  api.post(`${appPath}/values`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, value);
    const path = `values/${pathSegment("name", body.name)}.json`;
    const file = await app.change((files) => {
      if (files.get(path) !== undefined) throw adminErrors.exists("ValueAlreadyExists", "value", body.name);
      return files.put(path, valueContent(body));
    });
    return jsonAnswer(call, 201, describeValue([path, file]));
  });

  api.put(`${appPath}/values/:id`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, value);
    const id = call.req.param("id");
    await app.change((files) => {
      const [path] = fileById(files.result(), valuePattern, id) ?? missing(id);
      if (path !== `values/${body.name}.json`) throw adminErrors.invalid("name: a value keeps its name");
      files.put(path, valueContent(body));
    });
    return emptyAnswer(call);
  });

  api.delete(`${appPath}/values/:id`, async (call) => {
    const id = call.req.param("id");
    await appOf(context, call).change((files) => {
      const [path] = fileById(files.result(), valuePattern, id) ?? missing(id);
      files.remove(path);
    });
    return emptyAnswer(call);
  });
}

function missing(id: string): never {
  throw adminErrors.notFound("ValueNotFound", "value", id);
}

function valueContent(body: z.output<typeof value>): object {
  const { name, from_secret: fromSecret = false } = body;
  return { name, value: body.value, from_secret: fromSecret, ...(body.private === true ? { private: true } : {}) };
}

function describeValue([, { id, content }]: readonly [string, VirtualFile]): {
  readonly _id: string;
  readonly value?: unknown;
} {
  return { _id: id, ...asObject(content) };
}
