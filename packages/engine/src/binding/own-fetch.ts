/**
 * A host whose HTTP requests go through the application's own `fetch`.
 *
 * @module
 */

import type { Host, HttpRequest, HttpResponse } from "../host.js";

/** The host with another way to fetch. */
export function withFetch(host: Host, own: typeof fetch): Host {
  const fetchHttp = async (request: HttpRequest): Promise<HttpResponse> => {
    const { method, url, headers, body, timeoutMs } = request;
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await own(url, {
      method,
      headers: { ...headers },
      signal,
      ...(body === undefined ? {} : { body }),
    });
    return {
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      body: await response.text(),
    };
  };
  return { ...host, fetch: fetchHttp };
}
