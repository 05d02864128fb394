/**
 * One session of the loop with a fake file and a fake host, and the usual answers of a server.
 *
 * @module
 */

import type { DownloadMessage } from "@tidemark/protocol";
import type { ResetPolicy } from "../core.js";
import { SyncClient } from "../sync/client.js";
import {
  defaultSyncTimeouts,
  type SessionSettings,
  type SyncCommand,
  type SyncEvent,
  type SyncTimeouts,
} from "../sync/messages.js";
import { fakeCore, FakeFile } from "./fake-core.js";
import { FakeHost } from "./fake-host.js";

export const userKey = "user";

/** The harness. */
export class LoopHarness {
  readonly host: FakeHost = new FakeHost();
  readonly file: FakeFile = new FakeFile();
  readonly events: SyncEvent[] = [];
  readonly client: SyncClient = new SyncClient(this.host, fakeCore(this.file), (event) => this.events.push(event));
  resetPolicy: ResetPolicy | "manual" = "manual";
  #generation = 0;
  #serverVersion = 0;

  async do(...commands: SyncCommand[]): Promise<void> {
    for (const command of commands) this.client.handle(command);
    await this.host.run();
  }

  async user(accessToken: string = "token"): Promise<void> {
    await this.do({ type: "user", userKey, url: "ws://server/sync", accessToken, isUrlVerified: true });
  }

  async activate(
    session: number = 1,
    isMultiplexed: boolean = true,
    path: string = `/file-${session}`,
    timeouts: Partial<SyncTimeouts> = {},
  ): Promise<void> {
    this.#generation += 1;
    const settings = this.settings(path, isMultiplexed, timeouts);
    await this.do({ type: "activate", session, generation: this.#generation, settings });
  }

  /** How a session is activated. */
  settings(path: string, isMultiplexed: boolean = true, timeouts: Partial<SyncTimeouts> = {}): SessionSettings {
    return {
      path,
      userKey,
      isMultiplexed,
      schemaVersion: 0,
      headers: {},
      resetPolicy: this.resetPolicy,
      timeouts: { ...defaultSyncTimeouts, ...timeouts },
    };
  }

  async deactivate(session: number = 1, mayLinger: boolean = false): Promise<void> {
    this.#generation += 1;
    await this.do({ type: "deactivate", session, generation: this.#generation, mayLinger });
  }

  /** Accepts the newest socket. */
  async accept(): Promise<void> {
    this.host.socket.accept();
    await this.host.run();
  }

  /** States of the connection since the last call. */
  takeStates(): string[] {
    const states = this.events.flatMap((event) => (event.type === "connection" ? [event.state] : []));
    this.events.length = 0;
    return states;
  }

  takeEvents(): SyncEvent[] {
    return this.events.splice(0);
  }

  /** A DOWNLOAD of the server; without anything it acknowledges what the file says. */
  download(change: Partial<DownloadMessage> = {}): DownloadMessage {
    if (change.downloadServerVersion === undefined) this.#serverVersion += 1;
    const { state } = this.file;
    const serverVersion = change.downloadServerVersion ?? this.#serverVersion;
    return {
      type: "download",
      session: 1,
      downloadServerVersion: serverVersion,
      downloadClientVersion: state.downloadClientVersion,
      latestServerVersion: serverVersion,
      latestServerVersionSalt: 7n,
      uploadClientVersion: state.uploadClientVersion,
      uploadServerVersion: state.uploadServerVersion,
      queryVersion: 0,
      batchState: 2,
      progressEstimate: 1,
      isCompressed: false,
      uncompressedSize: 3,
      body: new Uint8Array(3),
      ...change,
    };
  }

  async answer(message: Parameters<FakeHost["socket"]["answer"]>[0]): Promise<void> {
    this.host.socket.answer(message);
    await this.host.run();
  }

  /** From the start to the answer of the first MARK. */
  async reachSteadyState(): Promise<void> {
    await this.user();
    await this.activate();
    await this.accept();
    await this.answer({ type: "ident", session: 1, fileIdent: 5n, fileIdentSalt: 6n });
    await this.answer(this.download({ batchState: 1 }));
    await this.answer({ type: "mark", session: 1, request: 1 });
    this.host.socket.take();
    this.takeEvents();
  }
}
