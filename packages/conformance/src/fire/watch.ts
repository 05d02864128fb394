/**
 * Looks at everything that arrives: no client may be sent what none of its user's subscriptions ever selected.
 *
 * @module
 */

import { inflateSync } from "node:zlib";
import type { SocketFactory } from "@tidemark/engine";
import { parseServerMessage } from "@tidemark/protocol";
import { type Belonging, belongingsIn, markOf } from "./schema.js";
import { admits, type Selection } from "./subscriptions.js";

/** Findings kept with their text; beyond it they are only counted. */
const findingsMax = 20;

/** What every user was ever allowed to see, and what was seen beyond it. */
export class Watch {
  readonly findings: string[] = [];
  findingCount = 0;
  /** Downloads looked at. */
  downloadCount = 0;
  readonly #ever = new Map<string, Map<string, Selection>>();
  readonly #hasRules: boolean;

  /** @param hasRules whether the app's rules keep private objects away from whoever subscribes to them. */
  constructor(hasRules: boolean) {
    this.#hasRules = hasRules;
  }

  /** Notes what a user is about to ask for. */
  allow(userId: string, selections: readonly Selection[]): void {
    const known = this.#ever.get(userId) ?? new Map<string, Selection>();
    for (const selection of selections) known.set(JSON.stringify(selection), selection);
    this.#ever.set(userId, known);
  }

  /** Whether a user ever asked for such an object, and may have it. */
  isAllowed(userId: string, belonging: Belonging): boolean {
    if (this.#hasRules && belonging.className === "Private" && belonging.owner !== userId) return false;
    for (const selection of this.#ever.get(userId)?.values() ?? []) if (admits(selection, belonging)) return true;
    return false;
  }

  report(text: string): void {
    this.findingCount += 1;
    if (this.findings.length < findingsMax) this.findings.push(text);
  }

  /** The same sockets, watched. */
  over(sockets: SocketFactory): SocketFactory {
    return {
      open: (url, protocols, headers, events) => {
        const userId = subjectOf(new URL(url).searchParams.get("baas_at") ?? "");
        const onMessage = (bytes: Uint8Array): void => {
          this.#look(userId, bytes);
          events.onMessage(bytes);
        };
        return sockets.open(url, protocols, headers, { ...events, onMessage });
      },
    };
  }

  #look(userId: string, bytes: Uint8Array): void {
    let message;
    try {
      message = parseServerMessage(bytes);
    } catch (error) {
      this.report(`user ${userId} was sent what is no message: ${String(error)}`);
      return;
    }
    if (message.type !== "download") return;
    this.downloadCount += 1;
    const body = message.isCompressed ? inflateSync(message.body) : Buffer.from(message.body);
    for (const belonging of belongingsIn(body.toString("latin1"))) {
      if (!this.isAllowed(userId, belonging)) this.report(`user ${userId} was sent ${markOf(belonging)}`);
    }
  }
}

/** The user that an access token speaks for. */
function subjectOf(token: string): string {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  return (JSON.parse(payload) as { readonly sub: string }).sub;
}
