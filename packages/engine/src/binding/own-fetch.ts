/**
 * A host whose HTTP requests go through the application's own `fetch`.
 *
 * @module
 */

import { endOf, readAnswer } from "../app/fetch-answer.js";
import type { Host, HttpRequest, HttpResponse } from "../host.js";

/** The host with another way to fetch. */
export function withFetch(host: Host, own: typeof fetch): Host {
  const fetchHttp = async (request: HttpRequest): Promise<HttpResponse> => {
    const { method, url, headers, body } = request;
    const response = await own(url, {
      method,
      headers: { ...headers },
      signal: endOf(request),
      ...(body === undefined ? {} : { body }),
    });
    return readAnswer(response);
  };
  return { ...host, fetch: fetchHttp };
}
