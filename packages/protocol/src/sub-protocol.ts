/**
 * Sub-protocol tokens of the WebSocket handshake: the prefix says which kind of sync, the number which version.
 *
 * @module
 */

import { protocolVersionMax, protocolVersionMin } from "./constants.js";

/** Kind of sync, told by the token's prefix alone. */
export type SyncMode = "flexible" | "partition";

const prefixes: Readonly<Record<SyncMode, string>> = {
  flexible: "com.mongodb.realm-query-sync",
  partition: "com.mongodb.realm-sync",
};

/** A token as it was offered. */
export interface SubProtocol {
  /** The text to answer with, byte for byte what the client offered. */
  readonly token: string;
  /** Kind of sync. */
  readonly mode: SyncMode;
  /** Version of the protocol. */
  readonly version: number;
}

/** What to answer an upgrade request with. */
export type SubProtocolChoice =
  | {
      /** The token to answer with. */
      readonly chosen: SubProtocol;
    }
  | {
      /** `none`: no token of ours at all. */
      readonly mismatch: "client-too-old" | "client-too-new" | "none";
    };

/** Longest `Sec-WebSocket-Protocol` header that is looked at. */
const headerBytesMax = 4096;

const tokenPattern = /^(com\.mongodb\.realm-(?:query-)?sync)[#/]([1-9][0-9]{0,3})$/;

/** Reads one token; `undefined` if it is none of this protocol's. Both separators, `#` and `/`, are known. */
export function parseSubProtocol(token: string): SubProtocol | undefined {
  const match = tokenPattern.exec(token);
  if (match === null) return undefined;
  const mode: SyncMode = match[1] === prefixes.flexible ? "flexible" : "partition";
  return { token, mode, version: Number(match[2]) };
}

/** The token for a version. */
export function subProtocolToken(mode: SyncMode, version: number): string {
  return `${prefixes[mode]}#${version}`;
}

/** Tokens that a client offers, newest first. */
export function offeredSubProtocols(
  mode: SyncMode = "flexible",
  versionMax: number = protocolVersionMax,
  versionMin: number = protocolVersionMin,
): string[] {
  const tokens: string[] = [];
  for (let version = versionMax; version >= versionMin; version -= 1) {
    tokens.push(subProtocolToken(mode, version));
  }
  return tokens;
}

/**
 * Chooses the newest common version from a `Sec-WebSocket-Protocol` header, flexible sync before the other mode.
 *
 * @param header the header's value, tokens joined by commas with or without spaces.
 */
export function chooseSubProtocol(
  header: string | undefined,
  versionMax: number = protocolVersionMax,
  versionMin: number = protocolVersionMin,
): SubProtocolChoice {
  const offered: SubProtocol[] = [];
  if (header !== undefined && header.length <= headerBytesMax) {
    for (const text of header.split(",")) {
      const protocol = parseSubProtocol(text.trim());
      if (protocol !== undefined) offered.push(protocol);
    }
  }
  for (const mode of ["flexible", "partition"] as const) {
    const common = offered
      .filter((one) => one.mode === mode && one.version <= versionMax && one.version >= versionMin)
      .sort((a, b) => b.version - a.version)[0];
    if (common !== undefined) return { chosen: common };
  }
  if (offered.length === 0) return { mismatch: "none" };
  return { mismatch: offered.every((one) => one.version < versionMin) ? "client-too-old" : "client-too-new" };
}
