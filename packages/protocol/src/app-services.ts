/**
 * JSON of the App Services HTTP API as clients read and write it.
 *
 * @module
 */

/** Path below which the API lives. */
export const apiPath = "/api/client/v2.0";

/** Answer of `GET …/app/<id>/location`. */
export interface LocationBody {
  /** `GLOBAL` or `LOCAL`. */
  readonly deployment_model: string;
  /** Name of a place. */
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
  /** Token of further calls. */
  readonly access_token: string;
  /** Token by which access tokens are renewed. */
  readonly refresh_token: string;
  /** 24 hex digits. */
  readonly user_id: string;
  /** 24 hex digits. */
  readonly device_id: string;
}

/** Answer of `POST …/auth/session`. */
export interface SessionBody {
  /** Token of further calls. */
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
  /** Id at the provider. */
  readonly id: string;
  /** The way to log in. */
  readonly provider_type: ProviderType;
  /** Id of the provider. */
  readonly provider_id: string;
  /** What the provider knows of the user. */
  readonly provider_data?: Readonly<Record<string, unknown>>;
}

/** Answer of `GET …/auth/profile`. */
export interface ProfileBody {
  /** 24 hex digits. */
  readonly user_id: string;
  /** 24 hex digits. */
  readonly domain_id: string;
  /** Whether it is a user of the app. */
  readonly type: "normal" | "server";
  /** The ways in which the user logs in. */
  readonly identities: readonly IdentityBody[];
  /** What the providers know of the user. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Body of every failed call. The header `Content-Type` is exactly `application/json`. */
export interface ServiceErrorBody {
  /** The text. */
  readonly error: string;
  /** Stable name of the error. */
  readonly error_code?: string;
  /** Where the server has written of it. */
  readonly link?: string;
}

/** Claims of an access token that clients read. */
export interface AccessTokenClaims {
  /** Id of the user. */
  readonly sub: string;
  /** Seconds since 1970: when it was issued. */
  readonly iat: number;
  /** Seconds since 1970: when it runs out. */
  readonly exp: number;
  /** Who issued it. */
  readonly iss: string;
  /** Kind of the token. */
  readonly typ: "access";
  /** Id of the device. */
  readonly baas_device_id: string;
  /** Id of the app. */
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
