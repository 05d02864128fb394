/**
 * HTTP by the application's own means: `realm::networking::http_transport_client`.
 *
 * @module
 */

import type { Host, HttpRequest, HttpResponse } from "@tidemark/engine";

/** A request that the transport is to send. */
export interface http_request {
  /** Verb of HTTP. */
  readonly method: "get" | "post" | "put" | "del";
  /** Complete address. */
  readonly url: string;
  /** Milliseconds. */
  readonly timeout_ms: number;
  /** Headers by name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty if there is none. */
  readonly body: string;
}

/** What the server answered. */
export interface http_response {
  /** Status of HTTP. */
  readonly http_status_code: number;
  /** Headers by name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text of the answer. */
  readonly body: string;
}

/** Sends requests. */
export interface http_transport_client {
  /** Calls `completion` once, when there is an answer. What it throws is a failed request. */
  send_request_to_server(request: http_request, completion: (response: http_response) => void): void;
}

const methods = { GET: "get", POST: "post", PUT: "put", DELETE: "del" } as const;

/** @internal The host with the application's transport. */
export function withTransport(host: Host, transport: http_transport_client): Host {
  const fetch = ({ method, url, headers, body, timeoutMs }: HttpRequest): Promise<HttpResponse> =>
    new Promise((resolve) => {
      const request = { method: methods[method], url, timeout_ms: timeoutMs, headers, body: body ?? "" };
      transport.send_request_to_server(request, (response) => {
        const contentType = Object.entries(response.headers).find(([name]) => name.toLowerCase() === "content-type");
        resolve({ status: response.http_status_code, contentType: contentType?.[1] ?? "", body: response.body });
      });
    });
  return { ...host, fetch };
}

/** @internal The host with headers of the application's own. */
export function withHeaders(
  host: Host,
  given: Readonly<Record<string, string>> | ReadonlyMap<string, string> | undefined,
): Host {
  if (given === undefined) return host;
  const own: Readonly<Record<string, string>> = Object.fromEntries(
    given instanceof Map ? given : Object.entries(given),
  );
  return { ...host, fetch: (request) => host.fetch({ ...request, headers: { ...own, ...request.headers } }) };
}
