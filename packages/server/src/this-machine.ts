/**
 * What only this machine may ask for.
 *
 * Listening on a loopback address is not enough: what comes over it may be from elsewhere.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import { ServiceError } from "./service-error.js";

const loopbackName = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;
/** By these a proxy says that a request is somebody else's. */
const proxyHeader = /^(forwarded|via|x-real-ip|x-forwarded-.*)$/i;

/**
 * Refuses what comes from elsewhere although it comes over the loopback address. A page can have its own name lead to
 * this machine; a proxy that passes everybody's requests on says so, though not every one does.
 */
export function thisMachineOnly(what: string): MiddlewareHandler {
  return async (call, next) => {
    const isProxied = [...call.req.raw.headers.keys()].some((name) => proxyHeader.test(name));
    if (isProxied || !loopbackName.test(call.req.header("host") ?? "")) {
      throw new ServiceError(403, "AuthError", `${what} of this server is for this machine only`);
    }
    await next();
  };
}
