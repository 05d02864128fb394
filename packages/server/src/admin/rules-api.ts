/**
 * Admin API: the rules of collections, and the default rule of a data source for all others.
 *
 * @module
 */

import type { Context, Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { asObject } from "../schema/problem.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer } from "./admin-call.js";
import { type Service, serviceById } from "./service-files.js";
import { type FileEdits, filesBelow, pathSegment, type VirtualFile, type VirtualFiles } from "./virtual-files.js";

const rule = z.looseObject({
  _id: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  database: z.string().optional(),
  collection: z.string().optional(),
  roles: z.array(z.unknown()).nullish(),
  filters: z.array(z.unknown()).nullish(),
});
type Rule = z.output<typeof rule>;

/** Adds the routes. */
export function addRules(api: Hono, context: AdminApiContext): void {
  addDefaultRule(api, context);
  addCollectionRules(api, context);
}

function addDefaultRule(api: Hono, context: AdminApiContext): void {
  const path = `${appPath}/services/:service/default_rule`;
  const change = async (call: Context, edit: (files: FileEdits, file: string, body: Rule) => void): Promise<void> => {
    const app = appOf(context, call);
    const body = await readBody(context.limits, call, rule);
    await app.change((files) => edit(files, defaultRulePath(files.result(), call), body));
  };

  api.get(path, (call) => {
    const { files } = appOf(context, call);
    const file = files.get(defaultRulePath(files, call));
    if (file === undefined) throw adminErrors.noDefaultRule();
    return jsonAnswer(call, 200, describeRule(file));
  });

  api.post(path, async (call) => {
    let created: object = {};
    await change(call, (files, file, body) => {
      if (files.get(file) !== undefined) throw adminErrors.defaultRuleExists();
      created = describeRule(files.put(file, ruleContent(body)));
    });
    return jsonAnswer(call, 201, created);
  });

  api.put(path, async (call) => {
    await change(call, (files, file, body) => {
      const known = files.get(file);
      if (known === undefined) throw adminErrors.noDefaultRule();
      if ((body._id ?? body.id) !== known.id) throw adminErrors.defaultRuleMismatch();
      files.put(file, ruleContent(body));
    });
    return emptyAnswer(call);
  });

  api.delete(path, async (call) => {
    await appOf(context, call).change((files) => {
      const file = defaultRulePath(files.result(), call);
      if (files.get(file) === undefined) throw adminErrors.noDefaultRule();
      files.remove(file);
    });
    return emptyAnswer(call);
  });
}

function addCollectionRules(api: Hono, context: AdminApiContext): void {
  const { limits } = context;
  const path = `${appPath}/services/:service/rules`;

  api.get(path, (call) => {
    const { files } = appOf(context, call);
    const rules = rulesOf(files, serviceIn(files, call));
    return jsonAnswer(
      call,
      200,
      rules.map(([, file]) => describeRule(file)),
    );
  });

  api.get(`${path}/:rule`, (call) => jsonAnswer(call, 200, describeRule(ruleIn(appOf(context, call).files, call)[1])));

  api.post(path, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, rule);
    const file = await app.change((files) => {
      const target = rulePath(serviceIn(files.result(), call), body);
      if (files.get(target) !== undefined) {
        throw adminErrors.exists("RuleAlreadyExists", "rule", body.collection ?? body.name ?? "");
      }
      return files.put(target, ruleContent(body));
    });
    return jsonAnswer(call, 201, describeRule(file));
  });

  api.put(`${path}/:rule`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, rule);
    await app.change((files) => {
      const [target, known] = ruleIn(files.result(), call);
      if ((body._id ?? body.id ?? known.id) !== known.id) throw adminErrors.invalid("rule id mismatch");
      if (target !== rulePath(serviceIn(files.result(), call), body)) {
        throw adminErrors.invalid("a rule keeps its database and collection");
      }
      files.put(target, ruleContent(body));
    });
    return emptyAnswer(call);
  });

  api.delete(`${path}/:rule`, async (call) => {
    await appOf(context, call).change((files) => files.remove(ruleIn(files.result(), call)[0]));
    return emptyAnswer(call);
  });
}

function serviceIn(files: VirtualFiles, call: Context): Service {
  return serviceById(files, call.req.param("service") ?? "");
}

function defaultRulePath(files: VirtualFiles, call: Context): string {
  const { isDataSource, name } = serviceIn(files, call);
  if (!isDataSource) throw adminErrors.invalid(`the service "${name}" holds no data: it has no default rule`);
  return `data_sources/${name}/default_rule.json`;
}

/** Rules of a data source are those of its collections; those of other services have names. */
function rulePath({ isDataSource, name }: Service, body: Rule): string {
  if (!isDataSource) return `services/${name}/rules/${pathSegment("name", body.name ?? "")}.json`;
  const database = pathSegment("database", body.database ?? "");
  return `data_sources/${name}/${database}/${pathSegment("collection", body.collection ?? "")}/rules.json`;
}

function rulesOf(files: VirtualFiles, { isDataSource, name }: Service): readonly (readonly [string, VirtualFile])[] {
  if (!isDataSource) return filesBelow(files, `services/${name}/rules/`);
  return filesBelow(files, `data_sources/${name}/`).filter(([path]) => path.endsWith("/rules.json"));
}

function ruleIn(files: VirtualFiles, call: Context): readonly [string, VirtualFile] {
  const id = call.req.param("rule") ?? "";
  const found = rulesOf(files, serviceIn(files, call)).find(([, file]) => file.id === id);
  if (found === undefined) throw adminErrors.notFound("RuleNotFound", "rule", id);
  return found;
}

/** A rule as its file has it: without the id, and without what is null. */
function ruleContent(body: Rule): object {
  const isKept = ([key, value]: readonly [string, unknown]): boolean => key !== "_id" && key !== "id" && value !== null;
  return Object.fromEntries(Object.entries(body).filter(isKept));
}

function describeRule({ id, content }: VirtualFile): object {
  return { _id: id, ...asObject(content) };
}
