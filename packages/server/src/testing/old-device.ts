/**
 * A device of the old service, as it comes to this server: a file whose ident we never gave out, with objects that the
 * old server had given it and a write that it never got to upload, and a user with tokens that somebody else signed.
 *
 * It does what original clients do: keeps everything on an answer that says "try again", logs its user out on 401, and
 * resets with recovery when it is told to, through a fresh file (wire protocol §4.8).
 *
 * @module
 */

import { type BindOptions, type ServerMessage, sessionPath, sessionReason, writeBindOptions } from "@tidemark/protocol";
import { SignJWT } from "jose";
import { newCity } from "./changesets.js";
import { registerAndLogIn, ScriptedClient, ScriptedFile, within } from "./scripted-client.js";

/** Where a device stands. */
export type DevicePhase =
  /** It has its old file. */
  | "old"
  /** The server said that the file has to reset. */
  | "told to reset"
  /** Its fresh file has an ident and the first bootstrap. */
  | "fresh"
  /** Its fresh file holds what it subscribes to. */
  | "fresh complete"
  /** Its file was made equal to the fresh one; the unsynced write was made again on top. */
  | "reset"
  /** The write was acknowledged. */
  | "synced"
  /** The client deleted the file of an anonymous user who was logged out. */
  | "deleted";

/** What the device logs in with. */
export type DeviceTokens = "old" | "ours" | "none";

export const deviceAppId = "moved-app";
export const deviceQuery = '{"City":"(TRUEPREDICATE)"}';
/** The names of what the operator has to load: the device holds them, too. */
export const givenNames: readonly string[] = ["Aarhus", "Malmo"];
const unsyncedName = "Ribe";
/** The old file's ident is the first that a new ledger gives out, too. */
export const oldFileIdent = 2n;

/** A refresh token as the old service signed them. */
export function oldRefreshToken(providerType: string): Promise<string> {
  const identity = { id: "5f0f7c0d8a9b1c2d3e4f5061", provider_type: providerType, provider_id: "old" };
  const claims = { typ: "refresh", baas_id: "session", baas_identity: identity, baas_domain_id: "old-domain" };
  return oldToken({ ...claims, baas_device_id: "device" });
}

/** A token with any claims, signed with another key than the server's. */
export function oldToken(claims: Readonly<Record<string, unknown>>): Promise<string> {
  const issued = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...claims, sub: "5f0f7c0d8a9b1c2d3e4f5060", iat: issued, exp: issued + 5_000_000 })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode("the secret of the old service, long"));
}

/** See the module. */
export class OldDevice {
  phase: DevicePhase = "old";
  tokens: DeviceTokens = "old";
  /** Names of objects that a server gave it, and whether it still has the write that was never acknowledged. */
  given: readonly string[] = givenNames;
  hasUnsynced = true;
  /** Answers seen, for those who want to know that a case came up. */
  readonly answers: Set<string> = new Set();
  readonly isAnonymous: boolean;
  readonly #refreshToken: Promise<string>;
  #accessToken = "";
  #file: FileMemory = { ident: oldFileIdent, salt: 77n, serverVersion: 500, latestVersion: 510, latestSalt: 99n };
  #fresh: ScriptedFile | null = null;
  #client: ScriptedClient | null = null;

  constructor(isAnonymous: boolean) {
    this.isAnonymous = isAnonymous;
    this.#refreshToken = oldRefreshToken(isAnonymous ? "anon-user" : "local-userpass");
  }

  /** Whether a session of its fresh file is open. */
  get isDownloading(): boolean {
    return this.phase === "fresh" && this.#client !== null;
  }

  /** The server went away. */
  disconnect(): void {
    this.#client?.close();
    this.#client = null;
  }

  /** Takes in what the server said while the device was waiting for it. */
  async listen(): Promise<void> {
    const [client, file] = [this.#client, this.#fresh];
    if (client === null || file === null) return;
    client.send({ type: "ping", timestamp: 4711, roundTripMs: 0 });
    for (;;) {
      const message = await client.receive();
      if (message.type === "pong") return;
      if (message.type === "download") await file.take(message);
      else {
        this.#note(message);
        this.disconnect();
        return;
      }
    }
  }

  /** Its user logs in by hand. */
  async logIn(url: string): Promise<void> {
    this.#accessToken = (await registerAndLogIn(url, deviceAppId, "old@example.com")).access_token;
    this.tokens = "ours";
  }

  /** Does the next thing that a client does. */
  async proceed(url: string): Promise<void> {
    if (this.tokens === "old") return this.#refresh(url);
    switch (this.phase) {
      case "old":
        return this.#identifyOldFile(url);
      case "told to reset":
        return this.#openFresh(url);
      case "fresh":
        return this.#completeFresh(url);
      case "fresh complete":
        this.#reset();
        return this.#upload(url);
      case "reset":
        return this.#upload(url);
      default:
    }
  }

  async #refresh(url: string): Promise<void> {
    const headers = { Authorization: `Bearer ${await this.#refreshToken}` };
    const { status } = await fetch(url + sessionPath, { method: "POST", headers });
    this.answers.add(String(status));
    if (status !== 401 && status !== 403) return;
    this.tokens = "none";
    if (!this.isAnonymous) return;
    this.phase = "deleted";
    this.hasUnsynced = false;
  }

  async #identifyOldFile(url: string): Promise<void> {
    const file = await this.#open(url, this.#file, sessionReason.sync);
    await this.#refused(file);
    this.disconnect();
  }

  async #openFresh(url: string): Promise<void> {
    const file = await this.#connect(url);
    file.bind(true, bindOptions(sessionReason.clientReset));
    const answer = await file.client.receive();
    if (answer.type === "ident") {
      [file.fileIdent, file.fileIdentSalt] = [answer.fileIdent, answer.fileIdentSalt];
      file.ident();
      await file.download();
      this.#fresh = file;
      this.phase = "fresh";
      return;
    }
    this.#note(answer);
    this.disconnect();
  }

  async #completeFresh(url: string): Promise<void> {
    let file = this.#fresh;
    if (file === null) throw new Error("no fresh file");
    if (this.#client === null) {
      const memory = memoryOf(file);
      file = await this.#open(url, memory, sessionReason.clientReset);
      if (await this.#refused(file)) return this.disconnect();
    }
    file.sendQuery(1, deviceQuery);
    file.mark(2);
    for (;;) {
      const message = await file.client.receive();
      if (message.type === "mark") break;
      if (message.type === "download") await file.take(message);
      else {
        this.#note(message);
        return this.disconnect();
      }
    }
    this.#fresh = file;
    this.phase = "fresh complete";
    this.disconnect();
  }

  /** Durable once BIND was written, whatever the server answers. */
  #reset(): void {
    const fresh = this.#fresh;
    if (fresh === null) throw new Error("no fresh file");
    const text = fresh.received.join("\n");
    this.given = givenNames.filter((name) => text.includes(name));
    const serverVersion = fresh.latestServerVersion;
    this.#file = { ...memoryOf(fresh), serverVersion, query: deviceQuery, queryVersion: fresh.queryVersion };
    this.#fresh = null;
    this.phase = "reset";
  }

  async #upload(url: string): Promise<void> {
    const file = await this.#open(url, this.#file, sessionReason.clientReset);
    if (!(await this.#refused(file))) {
      // Versions go on from those of the old file.
      file.clientVersion = 40;
      file.upload(newCity(3, unsyncedName, "DK"));
      while (file.uploadClientVersion < file.clientVersion) await file.download();
      this.hasUnsynced = false;
      this.phase = "synced";
    }
    this.disconnect();
  }

  /** Whether the first answer to an IDENT is an error; a download is taken in. */
  async #refused(file: ScriptedFile): Promise<boolean> {
    const answer = await file.client.receive();
    if (answer.type === "download") {
      await file.take(answer);
      return false;
    }
    this.#note(answer);
    return true;
  }

  #note(answer: ServerMessage): void {
    if (answer.type !== "json_error") throw new Error(`not expected: ${answer.type}`);
    const { action, tryAgain } = JSON.parse(answer.body) as { action: string; tryAgain: boolean };
    this.answers.add(`${answer.errorCode} ${action}`);
    if (action === "ClientReset") {
      // Whatever was downloaded for an earlier reset is thrown away.
      this.#fresh = null;
      this.phase = "told to reset";
    } else if (action !== "Transient" || !tryAgain) throw new Error(`the device ends with ${answer.body}`);
  }

  async #open(url: string, memory: FileMemory, reason: number): Promise<ScriptedFile> {
    const file = await this.#connect(url);
    Object.assign(file, {
      fileIdent: memory.ident,
      fileIdentSalt: memory.salt,
      downloadServerVersion: memory.serverVersion,
      latestServerVersion: memory.latestVersion,
      latestServerVersionSalt: memory.latestSalt,
      query: memory.query ?? "{}",
      queryVersion: memory.queryVersion ?? 0,
      received: memory.received ?? [],
    });
    file.bind(false, bindOptions(reason));
    file.ident();
    return file;
  }

  async #connect(url: string): Promise<ScriptedFile> {
    this.disconnect();
    this.#client = await within(ScriptedClient.connect(url, deviceAppId, this.#accessToken), "the connection");
    return new ScriptedFile(this.#client);
  }
}

interface FileMemory {
  readonly ident: bigint;
  readonly salt: bigint;
  readonly serverVersion: number;
  readonly latestVersion: number;
  readonly latestSalt: bigint;
  readonly query?: string;
  readonly queryVersion?: number;
  readonly received?: string[];
}

function memoryOf(file: ScriptedFile): FileMemory {
  return {
    ident: file.fileIdent,
    salt: file.fileIdentSalt,
    serverVersion: file.downloadServerVersion,
    latestVersion: file.latestServerVersion,
    latestSalt: file.latestServerVersionSalt,
    received: file.received,
  };
}

function bindOptions(reason: number): string {
  const options: BindOptions = { schemaVersion: 0, sessionReason: reason };
  return writeBindOptions(options);
}
