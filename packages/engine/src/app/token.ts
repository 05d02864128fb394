/**
 * What a client reads of its tokens. Signatures are the server's business.
 *
 * @module
 */

/** The claims that matter here. */
export interface TokenClaims {
  /** Seconds since 1970. */
  readonly exp: number;
  /** Custom user data. */
  readonly userData: unknown;
}

/** Reads a token's payload; `undefined` if it is none. */
export function readToken(token: string): TokenClaims | undefined {
  const [head, payload, signature, ...rest] = token.split(".");
  if (!head || payload === undefined || !signature || rest.length > 0) return undefined;
  try {
    const base64 = payload.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { exp?: unknown; user_data?: unknown };
    return typeof claims.exp === "number" ? { exp: claims.exp, userData: claims.user_data } : undefined;
  } catch {
    return undefined;
  }
}

/** A token counts as expired only some seconds after its time, as clocks differ. */
const graceSeconds = 5;

/** Whether a token must be refreshed before a session starts with it. */
export function isExpired(token: string, nowMs: number): boolean {
  const claims = readToken(token);
  return claims === undefined || claims.exp < nowMs / 1000 - graceSeconds;
}
