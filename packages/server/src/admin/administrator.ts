/**
 * The administrator: one account, its sessions, and tokens that no user of an app can have.
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";
import { type Host, randomId } from "../host.js";
import { serviceErrors } from "../service-error.js";
import { TokenError } from "../tokens.js";

/** Who may use the Admin API. */
export interface AdminOptions {
  /** Name to log in with, an e-mail address by habit. */
  readonly user: string;
  /** At least twelve characters, unless the account is well known. */
  readonly password: string;
  /**
   * Whether the API is offered on an address that other machines reach. False by default: whoever has this account
   * reads and changes the users and rules of every app.
   */
  readonly isRemote?: boolean;
  /**
   * Whether name and password are known to everybody: the account that test suites log in with. Its password may be
   * short, and it is not offered to other machines. False by default.
   */
  readonly isWellKnown?: boolean;
}

/** A log-in that was accepted. */
export interface AdminLogIn {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly user_id: string;
  readonly device_id: string;
}

/** Shortest password: a proxy that does not say what it is lets other machines guess. */
export const adminPasswordLengthMin = 12;

const accessSeconds = 30 * 60;
const refreshSeconds = 24 * 60 * 60;
const sessionsMax = 1000;
const tokenLengthMax = 4096;
const audience = "tidemark-admin";

/** Key of the tokens of one account: with another password, tokens of before are void. */
export function adminKey(serverKey: Uint8Array, { user, password }: AdminOptions): Uint8Array {
  return createHmac("sha256", serverKey)
    .update(JSON.stringify([audience, user, password]))
    .digest();
}

/** The account and who is logged in as it. */
export class Administrator {
  readonly #options: AdminOptions;
  readonly #key: Uint8Array;
  readonly #host: Host;
  readonly #userId: string;
  /** Sessions that were not ended, the oldest first. They end with the process. */
  readonly #sessions = new Set<string>();

  /** @param key of the tokens: {@link adminKey}. */
  constructor(options: AdminOptions, key: Uint8Array, host: Host) {
    this.#options = options;
    this.#key = key;
    this.#host = host;
    this.#userId = createHash("sha256").update(options.user).digest("hex").slice(0, 24);
  }

  get userId(): string {
    return this.#userId;
  }

  get user(): string {
    return this.#options.user;
  }

  /** Whether name and password are those of the account, in a time that does not tell which is wrong. */
  isAccount(user: string, password: string): boolean {
    const isUser = isSame(user, this.#options.user);
    return isSame(password, this.#options.password) && isUser;
  }

  /** Opens a session. */
  async openSession(): Promise<AdminLogIn> {
    const session = randomId(this.#host);
    this.#sessions.add(session);
    const [oldest] = this.#sessions;
    if (this.#sessions.size > sessionsMax && oldest !== undefined) this.#sessions.delete(oldest);
    return {
      access_token: await this.#sign("access", session, accessSeconds),
      refresh_token: await this.#sign("refresh", session, refreshSeconds),
      user_id: this.#userId,
      device_id: session,
    };
  }

  /** A new access token for a refresh token. Throws if it is not accepted. */
  async refresh(token: string): Promise<string> {
    return this.#sign("access", await this.#verify(token, "refresh"), accessSeconds);
  }

  /** Ends the session of a refresh token: its access tokens are void as well. */
  async endSession(token: string): Promise<void> {
    this.#sessions.delete(await this.#verify(token, "refresh"));
  }

  /** Throws unless it is an access token of a session that stands. */
  async check(token: string): Promise<void> {
    await this.#verify(token, "access");
  }

  #sign(type: "access" | "refresh", session: string, lifetimeSeconds: number): Promise<string> {
    const issued = Math.floor(this.#host.nowMs() / 1000);
    return new SignJWT({ typ: type, sid: session, sub: this.#userId, iat: issued, exp: issued + lifetimeSeconds })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setAudience(audience)
      .sign(this.#key);
  }

  async #verify(token: string, type: "access" | "refresh"): Promise<string> {
    if (token.length > tokenLengthMax) throw new TokenError("token-invalid");
    const currentDate = new Date(this.#host.nowMs());
    const options = { algorithms: ["HS256"], audience, currentDate };
    const { payload } = await jwtVerify(token, this.#key, options).catch((cause: unknown) => {
      throw new TokenError(cause instanceof errors.JWTExpired ? "token-expired" : "token-invalid", { cause });
    });
    const session = payload["sid"];
    if (payload["typ"] !== type || typeof session !== "string") throw new TokenError("token-invalid");
    if (!this.#sessions.has(session)) throw serviceErrors.invalidSession();
    return session;
  }
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => createHash("sha256").update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
