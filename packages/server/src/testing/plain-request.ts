/**
 * Requests with headers that `fetch` does not let be chosen.
 *
 * @module
 */

import { request } from "node:http";

/** What proxies add, one by one. */
export const proxyHeaders: readonly Readonly<Record<string, string>>[] = [
  { Forwarded: "for=192.0.2.1" },
  { "X-Forwarded-For": "192.0.2.1" },
  { "X-Forwarded-Proto": "https" },
  { "x-real-ip": "127.0.0.1" },
  { Via: "1.1 proxy" },
];

/** The status of the answer to a GET of a server on this machine. */
export async function statusOf(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on("error", reject)
      .end();
  });
}
