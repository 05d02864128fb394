/**
 * The App Services HTTP API that clients call: location, registration, login, sessions, profile.
 *
 * Error answers carry exactly `Content-Type: application/json`; clients ignore the body of any other.
 *
 * @module
 */

import { apiPath, type LocationBody } from "@tidemark/protocol";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { z } from "zod";
import type { App, AppRegistry } from "./app-registry.js";
import { type Host, randomId } from "./host.js";
import { bearerToken, jsonAnswer, readBody } from "./http-answers.js";
import type { ServerLimits } from "./limits.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";
import { refreshSession } from "./refresh-session.js";
import { ServiceError, serviceErrors } from "./service-error.js";
import { TokenError, type TokenSubject, type Tokens } from "./tokens.js";

/** What {@link createHttpApi} needs. */
export interface HttpApiContext {
  readonly registry: AppRegistry;
  readonly tokens: Tokens;
  readonly host: Host;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Base of all URLs, where the server cannot be reached by the name it was asked by. */
  readonly publicUrl: string | null;
  /** Called after a user was deleted or disabled. */
  readonly onUserGone: (appId: string, userId: string) => void;
}

const device = z
  .looseObject({ device: z.looseObject({ deviceId: z.string().max(100).optional() }).optional() })
  .optional();
const registration = z.looseObject({ email: z.string(), password: z.string() });
const passwordLogin = z.looseObject({ username: z.string(), password: z.string(), options: device });
const anonymousLogin = z.looseObject({ options: device });
const functionCall = z.looseObject({ name: z.string() });

const deviceIdPattern = /^[0-9a-f]{24}$/;
const noDeviceId = "000000000000000000000000";

/** The API as an application of Hono: it answers requests without a socket as well. */
export function createHttpApi(context: HttpApiContext): Hono {
  const api = new Hono();
  api.use(`${apiPath}/*`, cors({ origin: "*", exposeHeaders: ["X-Appservices-Request-Id"] }));
  api.use("*", async (call, next) => {
    context.metrics.count("requests");
    await next();
  });
  addLocation(api, context);
  addLogin(api, context);
  addSessions(api, context);
  addFunctions(api, context);
  api.notFound((call) => errorAnswer(context, call, serviceErrors.notFound()));
  api.onError((error, call) => {
    if (error instanceof ServiceError) return errorAnswer(context, call, error);
    if (error instanceof TokenError) {
      const expired = error.code === "token-expired";
      return errorAnswer(context, call, expired ? serviceErrors.sessionExpired() : serviceErrors.invalidSession());
    }
    context.logger.error({ err: error, path: call.req.path }, "a request failed");
    return errorAnswer(context, call, serviceErrors.internal());
  });
  return api;
}

/** The base URL by which the client reached the server. */
export function baseUrl(publicUrl: string | null, hostHeader: string | undefined): string {
  return publicUrl ?? `http://${hostHeader ?? "127.0.0.1"}`;
}

/** Link to the log of a request. */
export function logLink(base: string, appId: string, requestId: string): string {
  return `${base}/groups/tidemark/apps/${encodeURIComponent(appId)}/logs?co_id=${requestId}`;
}

function addLocation(api: Hono, context: HttpApiContext): void {
  api.get(`${apiPath}/app/:appId/location`, (call) => {
    const appId = call.req.param("appId");
    // No app comes into being by being looked for.
    if (!context.registry.accepts(appId)) throw serviceErrors.appNotFound(appId);
    const hostname = baseUrl(context.publicUrl, call.req.header("host"));
    const body: LocationBody = {
      deployment_model: "GLOBAL",
      location: "US-VA",
      hostname,
      ws_hostname: hostname.replace(/^http/, "ws"),
    };
    return jsonAnswer(call, 200, body);
  });
}

function addLogin(api: Hono, context: HttpApiContext): void {
  const providers = `${apiPath}/app/:appId/auth/providers`;

  api.post(`${providers}/local-userpass/register`, async (call) => {
    const app = await findApp(context, call.req.param("appId"));
    checkProvider(app, "local-userpass");
    const { email, password } = await readBody(context.limits, call, registration);
    await app.users.register(email, password);
    return jsonAnswer(call, 201, {});
  });

  api.post(`${providers}/:provider/login`, async (call) => {
    const app = await findApp(context, call.req.param("appId"));
    const provider = call.req.param("provider");
    try {
      const answer = await logIn(context, call, app, provider);
      context.metrics.count("logins");
      return jsonAnswer(call, 200, answer);
    } catch (error) {
      context.metrics.count("loginsRefused");
      throw error;
    }
  });
}

async function logIn(context: HttpApiContext, call: Context, app: App, provider: string): Promise<object> {
  const isLink = call.req.query("link") === "true";
  checkProvider(app, provider);
  if (provider === "anon-user" && !isLink) {
    const { options } = await readBody(context.limits, call, anonymousLogin);
    return app.users.logInAnonymously(knownDevice(options?.device?.deviceId));
  }
  if (provider !== "local-userpass") throw serviceErrors.providerNotFound(provider);
  const { username, password, options } = await readBody(context.limits, call, passwordLogin);
  if (!isLink) return app.users.logInWithPassword(username, password, knownDevice(options?.device?.deviceId));
  const { subject } = await authenticate(context, call);
  return app.users.linkPassword(subject, username, password);
}

/** An app with a configuration has the providers that it names and does not disable, any other all there are. */
function checkProvider({ configuration }: App, provider: string): void {
  const isEnabled = configuration?.providers.some((one) => one.type === provider && !one.isDisabled) ?? true;
  if (!isEnabled) throw serviceErrors.providerNotFound(provider);
}

function knownDevice(deviceId: string | undefined): string | undefined {
  return deviceId !== undefined && deviceIdPattern.test(deviceId) && deviceId !== noDeviceId ? deviceId : undefined;
}

function addSessions(api: Hono, context: HttpApiContext): void {
  api.post(`${apiPath}/auth/session`, async (call) => {
    return jsonAnswer(call, 201, { access_token: await refreshSession(context, bearerToken(call)) });
  });

  api.delete(`${apiPath}/auth/session`, async (call) => {
    const token = bearerToken(call);
    const { app } = await subjectOf(context, await context.tokens.verifyRefresh(token));
    await app.users.logOut(token);
    return call.body(null, 204);
  });

  api.get(`${apiPath}/auth/profile`, async (call) => {
    const { app, subject } = await authenticate(context, call);
    return jsonAnswer(call, 200, await app.users.profile(subject.userId));
  });

  api.delete(`${apiPath}/auth/delete`, async (call) => {
    const { app, subject } = await authenticate(context, call);
    await app.users.remove(subject.userId);
    context.onUserGone(app.id, subject.userId);
    return call.body(null, 204);
  });
}

function addFunctions(api: Hono, context: HttpApiContext): void {
  api.post(`${apiPath}/app/:appId/functions/call`, async (call) => {
    if ((call.req.header("authorization") ?? "").trim() === "Bearer") throw serviceErrors.unauthorized();
    await authenticate(context, call);
    const { name } = await readBody(context.limits, call, functionCall);
    throw serviceErrors.functionNotFound(name);
  });
}

async function findApp(context: HttpApiContext, appId: string): Promise<App> {
  const app = await context.registry.find(appId);
  if (app === undefined) throw serviceErrors.appNotFound(appId);
  return app;
}

/** The app and user behind an access token. */
async function authenticate(context: HttpApiContext, call: Context): Promise<{ app: App; subject: TokenSubject }> {
  const found = await subjectOf(context, await context.tokens.verifyAccess(bearerToken(call)));
  const user = await found.app.users.find(found.subject.userId);
  if (user === null) throw serviceErrors.invalidSession();
  if (user.isDisabled) throw serviceErrors.userDisabled();
  return found;
}

function subjectOf(context: HttpApiContext, subject: TokenSubject): Promise<{ app: App; subject: TokenSubject }> {
  const app = context.registry.findByDomain(subject.domainId);
  if (app === undefined) return Promise.reject(serviceErrors.invalidSession());
  return Promise.resolve({ app, subject });
}

function errorAnswer(context: HttpApiContext, call: Context, error: ServiceError): Response {
  const requestId = randomId(context.host);
  const base = baseUrl(context.publicUrl, call.req.header("host"));
  const link = logLink(base, call.req.param("appId") ?? "app", requestId);
  context.logger.info({ path: call.req.path, status: error.status, requestId }, error.message);
  call.header("X-Appservices-Request-Id", requestId);
  if (error.retryAfterSeconds !== undefined) call.header("Retry-After", String(error.retryAfterSeconds));
  return jsonAnswer(call, error.status, error.body(link));
}
