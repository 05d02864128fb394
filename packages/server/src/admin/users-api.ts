/**
 * Admin API: the users of an app, their sessions and tokens, and addresses that were registered and never logged in.
 *
 * @module
 */

import type { Context, Hono } from "hono";
import { decodeJwt } from "jose";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { serviceErrors } from "../service-error.js";
import { TokenError } from "../tokens.js";
import type { UserRecord } from "../users.js";
import type { AdminApp } from "./admin-app.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer, seconds } from "./admin-call.js";

const newUser = z.looseObject({ email: z.string(), password: z.string() });
const tokenBody = z.looseObject({ token: z.string() });

/** Users in one answer. */
const usersPerPage = 50;

/** Adds the routes. */
export function addUsers(api: Hono, context: AdminApiContext): void {
  addAccounts(api, context);
  addSessions(api, context);
  addRegistrations(api, context);
}

function addAccounts(api: Hono, context: AdminApiContext): void {
  api.get(`${appPath}/users`, async (call) => {
    const { users } = appOf(context, call).app;
    const after = call.req.query("after") ?? "";
    const found = (await users.list()).filter(({ id }) => id > after).slice(0, usersPerPage);
    return jsonAnswer(call, 200, found.map(describeUser));
  });

  api.post(`${appPath}/users`, async (call) => {
    const { app } = appOf(context, call);
    const { email, password } = await readBody(context.limits, call, newUser);
    return jsonAnswer(call, 201, describeUser(await app.users.create(email, password)));
  });

  api.get(`${appPath}/users/:user`, async (call) =>
    jsonAnswer(call, 200, describeUser(await userIn(appOf(context, call), call))),
  );

  api.delete(`${appPath}/users/:user`, async (call) => {
    const app = appOf(context, call);
    const { id } = await userIn(app, call);
    await app.app.users.remove(id);
    context.closeUser(app.app.id, id, true);
    return emptyAnswer(call);
  });
}

function addSessions(api: Hono, context: AdminApiContext): void {
  api.put(`${appPath}/users/:user/logout`, async (call) => {
    const app = appOf(context, call);
    const { id } = await userIn(app, call);
    await app.app.users.endSessions(id);
    context.closeUser(app.app.id, id, false);
    return emptyAnswer(call);
  });

  for (const verb of ["disable", "enable"] as const) {
    api.put(`${appPath}/users/:user/${verb}`, async (call) => {
      const app = appOf(context, call);
      const { id } = await userIn(app, call);
      await app.app.users.setDisabled(id, verb === "disable");
      if (verb === "disable") context.closeUser(app.app.id, id, true);
      return emptyAnswer(call);
    });
  }

  api.post(`${appPath}/users/verify_token`, async (call) => {
    const { app } = appOf(context, call);
    const { token } = await readBody(context.limits, call, tokenBody);
    try {
      const { userId, sessionId, deviceId, domainId } = await context.tokens.verifyAccess(token);
      if (domainId !== app.domainId) throw new TokenError("token-invalid");
      const { exp, iat } = decodeJwt(token);
      const claims = { sub: userId, exp, iat, iss: sessionId, domain_id: domainId, device_id: deviceId };
      return jsonAnswer(call, 200, claims);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      if (error.code === "token-expired") return jsonAnswer(call, 200, "token expired");
      throw adminErrors.tokenInvalid();
    }
  });
}

/** Addresses whose user has not come into being: it does with the first log-in. */
function addRegistrations(api: Hono, context: AdminApiContext): void {
  api.get(`${appPath}/user_registrations/pending_users`, async (call) => {
    const { app } = appOf(context, call);
    const found = (await app.users.registrations()).slice(0, usersPerPage);
    const described = found.map(({ id, email }) => ({
      _id: id,
      domain_id: app.domainId,
      user_id: id,
      login_ids: [{ id_type: "email", id: email }],
    }));
    return jsonAnswer(call, 200, described);
  });

  api.delete(`${appPath}/user_registrations/by_email/:email`, async (call) => {
    const { app } = appOf(context, call);
    if (!(await app.users.removeRegistration(call.req.param("email")))) throw serviceErrors.userNotFound();
    return emptyAnswer(call);
  });
}

async function userIn({ app }: AdminApp, call: Context): Promise<UserRecord> {
  const user = await app.users.find(call.req.param("user") ?? "");
  if (user === null) throw serviceErrors.userNotFound();
  return user;
}

function describeUser({ id, createdMs, isDisabled, identities, data, customData }: UserRecord): object {
  return {
    _id: id,
    type: "normal",
    creation_date: seconds(createdMs),
    disabled: isDisabled,
    identities,
    data,
    ...(customData === undefined ? {} : { custom_data: customData }),
  };
}
