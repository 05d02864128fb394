/**
 * JSON of the App Services HTTP API as clients read and write it.
 *
 * @module
 */

/** Path below which the API lives. */
export const apiPath = "/api/client/v2.0";

/** Answer of `GET …/app/<id>/location`. */
export interface LocationBody {
  readonly deployment_model: string;
  readonly location: string;
  /** HTTP base of all further calls; reachable by the client. */
  readonly hostname: string;
  /** WebSocket base, with its scheme. */
  readonly ws_hostname: string;
  /** Whole URL of the sync route, where it is not the usual one. */
  readonly sync_route?: string;
}

/** Answer of a login. */
export interface LoginBody {
  readonly access_token: string;
  readonly refresh_token: string;
  /** 24 hex digits. */
  readonly user_id: string;
  /** 24 hex digits. */
  readonly device_id: string;
}

/** Answer of `POST …/auth/session`. */
export interface SessionBody {
  readonly access_token: string;
}

/** Names of the ways to log in. */
export type ProviderType =
  | "anon-user"
  | "local-userpass"
  | "api-key"
  | "custom-token"
  | "custom-function"
  | "oauth2-google"
  | "oauth2-facebook"
  | "oauth2-apple";

/** One identity of a user. */
export interface IdentityBody {
  readonly id: string;
  readonly provider_type: ProviderType;
  readonly provider_id: string;
  readonly provider_data?: Readonly<Record<string, unknown>>;
}

/** Answer of `GET …/auth/profile`. */
export interface ProfileBody {
  readonly user_id: string;
  readonly domain_id: string;
  readonly type: "normal" | "server";
  readonly identities: readonly IdentityBody[];
  readonly data: Readonly<Record<string, unknown>>;
}

/** Body of every failed call. The header `Content-Type` is exactly `application/json`. */
export interface ServiceErrorBody {
  readonly error: string;
  readonly error_code?: string;
  readonly link?: string;
}

/** Claims of an access token that clients read. */
export interface AccessTokenClaims {
  readonly sub: string;
  readonly iat: number;
  readonly exp: number;
  readonly iss: string;
  readonly typ: "access";
  readonly baas_device_id: string;
  readonly baas_domain_id: string;
  /** Custom user data. */
  readonly user_data?: unknown;
}

/** Path of the location call. */
export function locationPath(appId: string): string {
  return `${apiPath}/app/${encodeURIComponent(appId)}/location`;
}

/** Path of a login. */
export function loginPath(appId: string, provider: ProviderType): string {
  return `${apiPath}/app/${encodeURIComponent(appId)}/auth/providers/${provider}/login`;
}

/** Path of e-mail registration. */
export function registerPath(appId: string): string {
  return `${apiPath}/app/${encodeURIComponent(appId)}/auth/providers/local-userpass/register`;
}

/** Path of the sync route, behind a WebSocket base; the access token follows as `?baas_at=`. */
export function syncPath(appId: string): string {
  return `${apiPath}/app/${encodeURIComponent(appId)}/realm-sync`;
}

/** Path of the profile, for an access token. */
export const profilePath: string = `${apiPath}/auth/profile`;

/** Path of session refresh (POST) and log-out (DELETE), for a refresh token. */
export const sessionPath: string = `${apiPath}/auth/session`;

/** Path of deleting one's own account, for an access token. */
export const deleteUserPath: string = `${apiPath}/auth/delete`;
