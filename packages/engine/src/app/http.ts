/**
 * Calls of the App Services API: JSON in, JSON out, errors as {@link ServiceError}.
 *
 * @module
 */

import { messageOf, ServiceError } from "../errors.js";
import type { Host, HttpRequest } from "../host.js";

/** A call of the API. */
export interface ApiCall {
  /** HTTP method. */
  readonly method: HttpRequest["method"];
  /** Path and query behind the host name. */
  readonly path: string;
  /** To be sent as JSON. */
  readonly body?: unknown;
  /** Bearer token. */
  readonly token?: string;
  /** Ends the call when nobody wants the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Sends a call and reads its answer. */
export async function sendCall(host: Host, base: string, call: ApiCall, timeoutMs: number): Promise<unknown> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json;charset=utf-8",
    Accept: "application/json",
    ...(call.token === undefined ? {} : { Authorization: `Bearer ${call.token}` }),
  };
  const request: HttpRequest = {
    method: call.method,
    url: `${base}${call.path}`,
    headers,
    timeoutMs,
    signal: call.signal,
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
  let response;
  try {
    response = await host.fetch(request);
  } catch (cause) {
    throw new ServiceError(`Request failed: ${messageOf(cause)}`, { status: 0 }, { cause });
  }
  const parsed = parse(response.body);
  const { error, error_code: code, link } = errorFields(parsed);
  const isSuccess = response.status >= 200 && response.status < 300;
  if (isSuccess && error === undefined && code === undefined) return parsed;
  const message = error ?? code ?? `http error code considered fatal: ${response.body}. Status: ${response.status}`;
  throw new ServiceError(message, {
    status: response.status,
    serviceCode: code,
    link,
    hasText: error !== undefined,
  });
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function errorFields(value: unknown): { error?: string; error_code?: string; link?: string } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const { error, error_code: code, link } = value as Record<string, unknown>;
  return {
    ...(typeof error === "string" ? { error } : {}),
    ...(typeof code === "string" && code !== "" ? { error_code: code } : {}),
    ...(typeof link === "string" ? { link } : {}),
  };
}
