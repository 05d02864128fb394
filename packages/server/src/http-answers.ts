/**
 * What the HTTP APIs share: reading bodies and tokens of requests, and answering in the form that clients compare with.
 *
 * @module
 */

import type { Context } from "hono";
import type { z } from "zod";
import type { ServerLimits } from "./limits.js";
import { serviceErrors } from "./service-error.js";

/** JSON with the exact content type that clients compare with. */
export function jsonAnswer(call: Context, status: number, body: unknown): Response {
  call.header("Content-Type", "application/json");
  return call.newResponse(JSON.stringify(body), status as 200);
}

/** The token of a request. Throws ServiceError with 401 without one. */
export function bearerToken(call: Context): string {
  const header = call.req.header("authorization");
  if (header === undefined) throw serviceErrors.missingAuthentication();
  const match = /^Bearer +(\S+)$/.exec(header);
  if (match?.[1] === undefined) throw serviceErrors.emptyBearer();
  return match[1];
}

/** The body of a request in an expected form. Throws ServiceError with 400 or 413 if it is not in it. */
export async function readBody<T>(
  limits: Pick<ServerLimits, "requestBytesMax">,
  call: Context,
  form: z.ZodType<T>,
): Promise<T> {
  const text = await readText(call.req.raw, limits.requestBytesMax);
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch {
    throw serviceErrors.badRequest("invalid JSON");
  }
  const parsed = form.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw serviceErrors.badRequest(`invalid parameter '${issue?.path.join(".") ?? ""}': ${issue?.message ?? ""}`);
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw serviceErrors.tooLarge();
  if (request.body === null) return "";
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body) {
    bytes += part.length;
    if (bytes > bytesMax) throw serviceErrors.tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
