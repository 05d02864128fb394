/**
 * The Admin API of App Services, as far as the SDKs' own test harnesses need it: it makes apps and sets up their
 * services, schemas, rules, synchronisation and users.
 *
 * @module
 */

import { getConnInfo } from "@hono/node-server/conninfo";
import { type Context, Hono } from "hono";
import { z } from "zod";
import { bearerToken, jsonAnswer, readBody } from "../http-answers.js";
import type { ServiceError } from "../service-error.js";
import { serviceErrors } from "../service-error.js";
import { thisMachineOnly } from "../this-machine.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, adminPath, groupId, privatePath } from "./admin-call.js";
import { addApps } from "./apps-api.js";
import { addAuthProviders } from "./auth-providers-api.js";
import { addDrafts } from "./drafts-api.js";
import { addFunctions } from "./functions-api.js";
import { addLogs } from "./logs-api.js";
import { LogInAttempts } from "./log-in-attempts.js";
import { addNotOffered } from "./not-offered-api.js";
import { addPrivate } from "./private-api.js";
import { addRules } from "./rules-api.js";
import { addSchemas } from "./schemas-api.js";
import { addSecretsAndValues } from "./secrets-api.js";
import { addServices } from "./services-api.js";
import { addSync } from "./sync-api.js";
import { addUsers } from "./users-api.js";

const passwordLogIn = z.looseObject({ username: z.string(), password: z.string() });

/** The API as an application of Hono; whoever mounts it answers its errors. */
export function createAdminApi(context: AdminApiContext): Hono {
  const api = new Hono();
  for (const path of [`${adminPath}/*`, `${privatePath}/*`]) {
    // Of proxies that do not say what they are the password has to take care.
    if (!context.isRemote) api.use(path, thisMachineOnly("the Admin API"));
  }
  api.get(`${privatePath}/version`, (call) => jsonAnswer(call, 200, { server: "Tidemark" }));
  addLogIn(api, context);
  for (const path of [`${adminPath}/*`, `${privatePath}/*`]) {
    api.use(path, async (call, next) => {
      await context.administrator.check(bearerToken(call));
      await next();
    });
  }
  addProfile(api, context);
  addApps(api, context);
  addSecretsAndValues(api, context);
  addFunctions(api, context);
  addAuthProviders(api, context);
  addServices(api, context);
  addRules(api, context);
  addSchemas(api, context);
  addSync(api, context);
  addDrafts(api, context);
  addUsers(api, context);
  addLogs(api, context);
  addPrivate(api, context);
  addNotOffered(api);
  return api;
}

function addLogIn(api: Hono, context: AdminApiContext): void {
  const { administrator, host, limits } = context;
  const attempts = new LogInAttempts(host);

  api.post(`${adminPath}/auth/providers/:provider/login`, async (call) => {
    const provider = call.req.param("provider");
    if (provider !== "local-userpass") throw serviceErrors.providerNotFound(provider);
    const { username, password } = await readBody(limits, call, passwordLogIn);
    const address = addressOf(call);
    if (!attempts.isAllowed(address)) throw refusedForNow(call);
    if (!administrator.isAccount(username, password)) {
      attempts.failed(address);
      throw serviceErrors.invalidPassword();
    }
    return jsonAnswer(call, 200, await administrator.openSession());
  });

  api.post(`${adminPath}/auth/session`, async (call) =>
    jsonAnswer(call, 201, { access_token: await administrator.refresh(bearerToken(call)) }),
  );

  api.delete(`${adminPath}/auth/session`, async (call) => {
    await administrator.endSession(bearerToken(call));
    return call.body(null, 204);
  });
}

function refusedForNow(call: Context): ServiceError {
  call.header("Retry-After", "60");
  return adminErrors.tooManyAttempts();
}

function addressOf(call: Context): string {
  return getConnInfo(call).remote.address ?? "";
}

function addProfile(api: Hono, { administrator }: AdminApiContext): void {
  api.get(`${adminPath}/auth/profile`, (call) =>
    jsonAnswer(call, 200, {
      user_id: administrator.userId,
      data: { email: administrator.user },
      identities: [{ id: administrator.userId, provider_type: "local-userpass" }],
      type: "normal",
      roles: [{ role_name: "GROUP_OWNER", group_id: groupId }],
    }),
  );
}
