/**
 * Admin API: functions. They are kept as they are given; none runs yet, and whoever calls one is told.
 *
 * @module
 */

import type { Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { asObject } from "../schema/problem.js";
import { serviceErrors } from "../service-error.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer, seconds } from "./admin-call.js";
import {
  fileById,
  type FileEdits,
  filesBelow,
  pathSegment,
  type VirtualFile,
  type VirtualFiles,
} from "./virtual-files.js";

const functionBody = z.looseObject({
  name: z.string(),
  source: z.string(),
  private: z.boolean().optional(),
  can_evaluate: z.unknown().optional(),
  disable_arg_logs: z.boolean().optional(),
  run_as_system: z.boolean().optional(),
  run_as_user_id: z.string().optional(),
  run_as_user_id_script_source: z.string().optional(),
});
const execution = z.looseObject({ name: z.string() });

const settingsPath = "functions/config.json";
const sourcePattern = /^functions\/.+\.js$/;
const settingNames = [
  "private",
  "can_evaluate",
  "disable_arg_logs",
  "run_as_system",
  "run_as_user_id",
  "run_as_user_id_script_source",
] as const;

/** Adds the routes. */
export function addFunctions(api: Hono, context: AdminApiContext): void {
  const { limits } = context;

  api.get(`${appPath}/functions`, (call) => {
    const sources = filesBelow(appOf(context, call).files, "functions/").filter(([path]) => sourcePattern.test(path));
    const described = sources.map(([path, { id, modifiedMs }]) => ({
      _id: id,
      name: nameOf(path),
      last_modified: seconds(modifiedMs),
    }));
    return jsonAnswer(call, 200, described);
  });

  api.get(`${appPath}/functions/:id`, (call) => {
    const { files } = appOf(context, call);
    const id = call.req.param("id");
    const [path, { content }] = fileById(files, sourcePattern, id) ?? missing(id);
    const name = nameOf(path);
    return jsonAnswer(call, 200, { _id: id, name, source: content, ...settingsOf(files.get(settingsPath), name) });
  });

  api.post(`${appPath}/functions`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, functionBody);
    const path = sourcePath(body.name);
    const { id } = await app.change((files) => {
      if (files.get(path) !== undefined) {
        throw adminErrors.exists("FunctionDuplicateName", "function", body.name);
      }
      putSettings(files, body);
      return files.put(path, body.source);
    });
    return jsonAnswer(call, 201, { _id: id, name: body.name });
  });

  api.put(`${appPath}/functions/:id`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, functionBody);
    const id = call.req.param("id");
    await app.change((files) => {
      const [path] = fileById(files.result(), sourcePattern, id) ?? missing(id);
      if (nameOf(path) !== body.name) throw adminErrors.invalid("name: a function keeps its name");
      putSettings(files, body);
      files.put(path, body.source);
    });
    return emptyAnswer(call);
  });

  api.delete(`${appPath}/functions/:id`, async (call) => {
    const id = call.req.param("id");
    await appOf(context, call).change((files) => {
      const [path] = fileById(files.result(), sourcePattern, id) ?? missing(id);
      files.remove(path);
      files.put(settingsPath, otherSettings(files.get(settingsPath), nameOf(path)));
    });
    return emptyAnswer(call);
  });

  api.post(`${appPath}/debug/execute_function`, async (call) => {
    const { files } = appOf(context, call);
    const { name } = await readBody(limits, call, execution);
    if (!files.has(`functions/${name}.js`)) throw serviceErrors.functionNotFound(name);
    throw adminErrors.notOffered(`the function "${name}" does not run: there are no functions yet`);
  });
}

/** Name of the function with an id; `undefined` if there is none. */
export function functionName(files: VirtualFiles, id: string): string | undefined {
  const found = fileById(files, sourcePattern, id);
  return found && nameOf(found[0]);
}

/** Id of the function with a name; `undefined` if there is none. */
export function functionId(files: VirtualFiles, name: string): string | undefined {
  return files.get(`functions/${name}.js`)?.id;
}

function sourcePath(name: string): string {
  const parts = name.split("/").map((part) => pathSegment("name", part));
  return `functions/${parts.join("/")}.js`;
}

function nameOf(path: string): string {
  return path.slice("functions/".length, -".js".length);
}

function missing(id: string): never {
  throw adminErrors.notFound("FunctionNotFound", "function", id);
}

function putSettings(files: FileEdits, body: z.output<typeof functionBody>): void {
  const given = settingNames.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]] as const]));
  const own = { name: body.name, ...Object.fromEntries(given) };
  files.put(settingsPath, [...otherSettings(files.get(settingsPath), body.name), own]);
}

function allSettings(file: VirtualFile | undefined): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(file?.content) ? (file.content as readonly Readonly<Record<string, unknown>>[]) : [];
}

function otherSettings(file: VirtualFile | undefined, name: string): readonly object[] {
  return allSettings(file).filter((one) => one["name"] !== name);
}

function settingsOf(file: VirtualFile | undefined, name: string): object {
  return asObject(allSettings(file).find((one) => one["name"] === name)) ?? {};
}
