/**
 * What attackers have in common: connections on which anything may be said, and log-ins to say it with.
 *
 * @module
 */

import {
  type ClientMessage,
  loginPath,
  type LoginBody,
  offeredSubProtocols,
  parseServerMessage,
  serializeClientMessage,
  type ServerErrorMessage,
  type ServerMessage,
  sessionPath,
  syncPath,
} from "@tidemark/protocol";
import { WebSocket } from "ws";
import type { Dice } from "../../harness/dice.js";
import type { Victim } from "../orders.js";

/** Longest wait for an answer. The server may have a thousand clients to serve before. */
const answerMs = 60_000;
/** Messages of one connection that are kept; a flood of answers must not fill this process either. */
const messagesMax = 20_000;

/** The server did something that it must not do; or nothing, where it must answer. */
export class Unexpected extends Error {}

/** A user of the attackers. */
export type Login = LoginBody;

/** What every attack may use. */
export interface Battle {
  readonly url: string;
  readonly appId: string;
  readonly dice: Dice;
  /** Own users, logged in before the first shot; their tokens are renewed. */
  readonly logins: Login[];
  /** Whose tokens are no longer or were never good for this app. */
  readonly badTokens: readonly { readonly name: string; readonly token: string; readonly codes: readonly number[] }[];
  readonly victims: readonly Victim[];
}

/** Logs an anonymous user in. */
export async function logInAnonymously(url: string, appId: string): Promise<Login> {
  const answer = await fetch(url + loginPath(appId, "anon-user"), {
    method: "POST",
    body: '{"provider":"anon-user"}',
  });
  if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Login;
}

/** A log-in with a new token, or as it was while the server does not answer. */
export async function renewed(url: string, login: Login): Promise<Login> {
  const headers = { Authorization: `Bearer ${login.refresh_token}` };
  const answer = await fetch(url + sessionPath, { method: "POST", headers }).catch(() => null);
  if (answer === null || !answer.ok) return login;
  const { access_token } = (await answer.json()) as Pick<Login, "access_token">;
  return { ...login, access_token };
}

/** One of the attackers' tokens. */
export function ownToken({ dice, logins }: Battle): string {
  return dice.choose(logins).access_token;
}

/** How a connection ended. */
export interface End {
  /** Close code; 1006 without one. */
  readonly code: number;
  /** HTTP status, where the upgrade was refused. */
  readonly status?: number;
}

/** A connection of an attacker. */
export class Assault {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  readonly opened: Promise<boolean>;
  #end: End | undefined;
  readonly #watchers = new Set<() => void>();

  constructor({ url, appId }: Pick<Battle, "url" | "appId">, token: string) {
    const target = `${url.replace(/^http/, "ws")}${syncPath(appId)}?baas_at=${encodeURIComponent(token)}`;
    const socket = new WebSocket(target, [...offeredSubProtocols()], { perMessageDeflate: false });
    this.socket = socket;
    this.opened = new Promise((resolve) => {
      socket.once("open", () => resolve(true));
      this.#watchers.add(() => {
        if (this.#end !== undefined) resolve(false);
      });
    });
    let status: number | undefined;
    socket.on("unexpected-response", (request, response) => {
      status = response.statusCode;
      response.resume();
      request.destroy();
      this.#finish({ code: 1006, ...(status === undefined ? {} : { status }) });
    });
    socket.on("error", () => undefined);
    socket.on("close", (code) => this.#finish({ code, ...(status === undefined ? {} : { status }) }));
    socket.on("message", (data: Buffer) => {
      this.messages.push(parseServerMessage(data));
      if (this.messages.length > messagesMax) this.messages.shift();
      for (const watcher of this.#watchers) watcher();
    });
  }

  #finish(end: End): void {
    this.#end ??= end;
    for (const watcher of this.#watchers) watcher();
  }

  get end(): End | undefined {
    return this.#end;
  }

  say(message: ClientMessage): void {
    this.socket.send(serializeClientMessage(message), () => undefined);
  }

  raw(bytes: string | Uint8Array): void {
    this.socket.send(typeof bytes === "string" ? Buffer.from(bytes) : bytes, { binary: true }, () => undefined);
  }

  /** The first message that fits; how the connection ended, if it does before. */
  async answer(fits: (message: ServerMessage) => boolean, what: string): Promise<ServerMessage | End> {
    await this.#until(() => this.#end !== undefined || this.messages.some(fits), what);
    return this.messages.find(fits) ?? (this.#end as End);
  }

  /** How the connection ends. */
  async over(what: string): Promise<End> {
    await this.#until(() => this.#end !== undefined, what);
    return this.#end as End;
  }

  #until(holds: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Unexpected(`no answer to ${what}`))), answerMs);
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        how();
      };
      const watcher = (): void => {
        if (holds()) settle(resolve);
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  /** Errors that were sent. */
  errors(): ServerErrorMessage[] {
    return this.messages.filter((message): message is ServerErrorMessage => message.type === "json_error");
  }

  leave(): void {
    this.socket.terminate();
  }
}

/** A connection that is open; `undefined` if the server was just killed. */
export async function assault(battle: Battle, token: string = ownToken(battle)): Promise<Assault | undefined> {
  const one = new Assault(battle, token);
  return (await one.opened) ? one : undefined;
}

/** A connection with a new file, up to its IDENT; `undefined` if the server was just killed. */
export async function identified(battle: Battle, token?: string): Promise<Assault | undefined> {
  const one = await assault(battle, token);
  if (one === undefined) return undefined;
  one.say(bindOf(1, true));
  const answer = await one.answer(({ type }) => type === "ident", "BIND");
  if (!("type" in answer) || answer.type !== "ident") return undefined;
  one.say(identOf(answer.fileIdent, answer.fileIdentSalt));
  return one;
}

/** BIND. */
export function bindOf(session: number, needsFileIdent: boolean): ClientMessage {
  const json = '{"schemaVersion":0,"sessionReason":0}';
  return { type: "bind", session, json, token: "", needsFileIdent, isSubserver: false };
}

/** IDENT of a file that has nothing yet. */
export function identOf(fileIdent: bigint, fileIdentSalt: bigint, query = "{}"): ClientMessage {
  return {
    type: "ident",
    session: 1,
    fileIdent,
    fileIdentSalt,
    downloadServerVersion: 0,
    downloadClientVersion: 0,
    latestServerVersion: 0,
    latestServerVersionSalt: 0n,
    queryVersion: 0,
    query,
  };
}

/** The connection's next error must have one of some codes; a closed connection is an answer too. */
export async function expectError(one: Assault, codes: readonly number[], what: string): Promise<void> {
  const answer = await one.answer(({ type }) => type === "json_error", what);
  if (!("type" in answer)) return;
  const { errorCode } = answer as ServerErrorMessage;
  if (!codes.includes(errorCode)) throw new Unexpected(`${what} was answered with error ${errorCode}`);
}

/** The connection must be closed with one of some codes, or broken off. */
export async function expectClose(one: Assault, codes: readonly number[], what: string): Promise<void> {
  const { code } = await one.over(what);
  if (code !== 1006 && !codes.includes(code)) throw new Unexpected(`${what} was closed with ${code}`);
}
