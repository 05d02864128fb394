/**
 * Access and refresh tokens: JWTs signed with the server's own key.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";
import { decodeJwt, errors, jwtVerify, SignJWT } from "jose";
import type { Host } from "./host.js";

/** Lifetimes. */
export const accessTokenSeconds = 1800;
export const refreshTokenSeconds: number = 60 * 24 * 60 * 60;
/** Anonymous users have nothing to log in with again: theirs lasts fifty years. */
export const anonymousRefreshTokenSeconds = 1_576_800_000;

/** Whom a token speaks for. */
export interface TokenSubject {
  readonly userId: string;
  readonly sessionId: string;
  readonly deviceId: string;
  /** Identifies the app: paths without an app id find it by this claim. */
  readonly domainId: string;
}

/** What is wrong with a token: `token-foreign` is a JWT that somebody else signed, the old service for instance. */
export type TokenErrorCode = "token-expired" | "token-foreign" | "token-invalid";

/** Why a token is not accepted. */
export class TokenError extends TidemarkError {
  declare readonly code: TokenErrorCode;
  /** Whether a foreign token says that its user is anonymous. Nobody vouches for that. */
  readonly isAnonymous: boolean;

  constructor(code: TokenErrorCode, options?: ErrorOptions & { readonly isAnonymous?: boolean }) {
    super(code, code === "token-expired" ? "the token has expired" : "the token is not one of ours", options);
    this.isAnonymous = options?.isAnonymous ?? false;
  }
}

/** Longest token that is looked at: custom user data in Base64 and the other claims. */
const tokenLengthMax = 12_288;
const keyBytes = 32;

/** A new key. */
export function createTokenKey(host: Host): Uint8Array {
  return host.randomBytes(keyBytes);
}

/** Signs and checks tokens with one key. */
export class Tokens {
  readonly #key: Uint8Array;
  readonly #host: Host;

  constructor(key: Uint8Array, host: Host) {
    this.#key = key;
    this.#host = host;
  }

  /** A token for calls and connections, good for half an hour. */
  access(subject: TokenSubject, userData: unknown): Promise<string> {
    return this.#sign(subject, accessTokenSeconds, {
      iss: subject.sessionId,
      typ: "access",
      baas_device_id: subject.deviceId,
      baas_domain_id: subject.domainId,
      stitch_devId: subject.deviceId,
      stitch_domainId: subject.domainId,
      ...(userData === undefined ? {} : { user_data: userData }),
    });
  }

  /** A token that gets new access tokens. */
  refresh(subject: TokenSubject, identity: object, lifetimeSeconds: number): Promise<string> {
    return this.#sign(subject, lifetimeSeconds, {
      typ: "refresh",
      baas_id: subject.sessionId,
      baas_identity: identity,
      baas_data: null,
      baas_device_id: subject.deviceId,
      baas_domain_id: subject.domainId,
      stitch_id: subject.sessionId,
      stitch_devId: subject.deviceId,
      stitch_domainId: subject.domainId,
      stitch_ident: identity,
      stitch_data: null,
    });
  }

  /** Checks an access token. */
  verifyAccess(token: string): Promise<TokenSubject> {
    return this.#verify(token, "access", "iss");
  }

  /** Checks a refresh token; whether its session still exists is another question. */
  verifyRefresh(token: string): Promise<TokenSubject> {
    return this.#verify(token, "refresh", "baas_id");
  }

  #sign(subject: TokenSubject, lifetimeSeconds: number, claims: Record<string, unknown>): Promise<string> {
    const issued = Math.floor(this.#host.nowMs() / 1000);
    return new SignJWT({ ...claims, sub: subject.userId, iat: issued, exp: issued + lifetimeSeconds })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(this.#key);
  }

  async #verify(token: string, type: string, sessionClaim: string): Promise<TokenSubject> {
    if (token.length > tokenLengthMax) throw new TokenError("token-invalid");
    const payload = await this.#payload(token);
    const { sub, typ, baas_device_id: deviceId, baas_domain_id: domainId } = payload;
    const sessionId = payload[sessionClaim];
    if (typ !== type || typeof sub !== "string" || typeof sessionId !== "string") {
      throw new TokenError("token-invalid");
    }
    if (typeof deviceId !== "string" || typeof domainId !== "string") throw new TokenError("token-invalid");
    return { userId: sub, sessionId, deviceId, domainId };
  }

  async #payload(token: string): Promise<Record<string, unknown>> {
    try {
      const currentDate = new Date(this.#host.nowMs());
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ["HS256"], currentDate });
      return payload;
    } catch (cause) {
      // The signature is checked first: what has expired is ours.
      if (cause instanceof errors.JWTExpired) throw new TokenError("token-expired", { cause });
      if (cause instanceof errors.JWTClaimValidationFailed) throw new TokenError("token-invalid", { cause });
      throw strangersToken(token, cause);
    }
  }
}

/** The error for a token whose signature is not ours. */
function strangersToken(token: string, cause: unknown): TokenError {
  try {
    const { sub, baas_identity: identity } = decodeJwt<{ readonly baas_identity?: unknown }>(token);
    if (typeof sub !== "string") return new TokenError("token-invalid", { cause });
    const provider = typeof identity === "object" && identity !== null ? Object(identity).provider_type : undefined;
    return new TokenError("token-foreign", { cause, isAnonymous: provider === "anon-user" });
  } catch {
    return new TokenError("token-invalid", { cause });
  }
}
