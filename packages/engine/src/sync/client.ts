/**
 * The session loop: all sessions of a process and the connections they share. Runs on whichever thread its shell
 * chooses; it is told what to do by commands and answers with events.
 *
 * @module
 */

import type { Core, SnapshotId } from "../core.js";
import { messageOf, simpleFailure, type SyncErrorInformation, syncStatusCode } from "../errors.js";
import type { SyncHost } from "../host.js";
import { ClientReset, copyPathOf, type ResetOwner } from "./client-reset.js";
import { Connection, type ConnectionOwner } from "./connection.js";
import {
  type ErrorConsequence,
  type Generation,
  type ResetDemand,
  type SessionId,
  type SessionSettings,
  type SyncCommand,
  type SyncEvent,
} from "./messages.js";
import { ClientSession } from "./session.js";
import { SessionFile } from "./session-file.js";
import type { SessionOwner } from "./session-owner.js";
import type { WriteTurns } from "./write-turns.js";

/** What is known of a user. */
interface UserRoute {
  url: string;
  accessToken: string;
  isUrlVerified: boolean;
}

/** One session, across its activations. */
interface SessionEntry {
  readonly id: SessionId;
  generation: Generation;
  settings: SessionSettings;
  run: ClientSession | undefined;
  /** Stands for the activation that waits for the file; none once it has begun or was taken back. */
  opening: object | undefined;
  /** The client reset under way, for which the run is held. */
  reset: ClientReset | undefined;
  /** Resolves when those before it have left nothing behind. */
  resetEnd: Promise<void>;
  /** Waits asked for before the file is open. */
  early: ((run: ClientSession) => void)[];
}

/** The session loop. */
export class SyncClient {
  readonly #host: SyncHost;
  readonly #core: Core;
  readonly #emit: (event: SyncEvent) => void;
  readonly #turns: WriteTurns | undefined;
  readonly #users = new Map<string, UserRoute>();
  readonly #entries = new Map<SessionId, SessionEntry>();
  /** By path: a file is closed by one activation before the next one, also of another session, opens it. */
  readonly #closing = new Map<string, Promise<void>>();
  readonly #connections = new Map<string, Connection>();
  /** Handles that keep versions from before a client reset: by session and, as each file counts its own, snapshot. */
  readonly #keepers = new Map<string, SessionFile>();
  #lastIdent = 0;

  constructor(host: SyncHost, core: Core, emit: (event: SyncEvent) => void, turns?: WriteTurns) {
    this.#host = host;
    this.#core = core;
    this.#emit = emit;
    this.#turns = turns;
  }

  /** Does what the application's side asks. */
  handle(command: SyncCommand): void {
    switch (command.type) {
      case "user":
        return this.#onUser(command);
      case "forget-user":
        this.#users.delete(command.userKey);
        return;
      case "activate":
        return this.#activate(command.session, command.generation, command.settings);
      case "deactivate":
        return this.#deactivate(command.session, command.generation, command.mayLinger);
      case "finish":
        return this.#finish(command.session, command.generation);
      case "committed":
        return this.#entries.get(command.session)?.run?.onCommitted();
      case "wait-upload":
        return this.#withRun(command.session, (run) =>
          run.waitForUpload(command.wait, command.targetVersion, command.fileIdentity),
        );
      case "wait-download":
        return this.#withRun(command.session, (run) => run.waitForDownload(command.wait));
      case "demand-reset":
        return this.#demandReset(command.session, command.generation, command.demand);
      case "reset-answer":
        return this.#onResetAnswer(command.session, command.generation, command.refusal);
      case "reset-seen":
        return this.#onResetSeen(keeperKey(command.session, command.before));
      case "reconnect":
        return this.#reconnect(command.session);
      case "stop":
        return this.#stop();
    }
  }

  #onUser(command: Extract<SyncCommand, { type: "user" }>): void {
    const { userKey, url, accessToken, isUrlVerified } = command;
    const known = this.#users.get(userKey);
    this.#users.set(userKey, { url, accessToken, isUrlVerified });
    if (known === undefined) return;
    for (const [key, connection] of this.#connections) {
      if (key === userKey || key.startsWith(`${userKey}#`)) connection.onRoute();
    }
  }

  #withRun(session: SessionId, act: (run: ClientSession) => void): void {
    const entry = this.#entries.get(session);
    if (entry === undefined) return;
    if (entry.run === undefined) entry.early.push(act);
    else act(entry.run);
  }

  #activate(id: SessionId, generation: Generation, settings: SessionSettings): void {
    const known = this.#entries.get(id);
    const entry: SessionEntry = known ?? {
      id,
      generation,
      settings,
      run: undefined,
      opening: undefined,
      reset: undefined,
      resetEnd: Promise.resolve(),
      early: [],
    };
    if (!isSameExchange(entry.settings, settings)) this.#endRun(entry, true);
    entry.generation = generation;
    entry.settings = settings;
    this.#entries.set(id, entry);
    if (entry.run !== undefined) return this.#adopt(entry, entry.run);
    // An activation that was to finish before it had begun is wanted for good.
    entry.early.push((run) => run.keep());
    void this.#beginWhenClosed(entry);
  }

  async #beginWhenClosed(entry: SessionEntry): Promise<void> {
    const opening = {};
    entry.opening = opening;
    await this.#closing.get(entry.settings.path);
    // A later command may have ended this activation or begun another one.
    if (entry.opening === opening) this.#begin(entry);
  }

  /** A session that was finishing is wanted again: its connection is as good as a new one. */
  #adopt(entry: SessionEntry, run: ClientSession): void {
    run.keep();
    const { state } = this.#connectionOf(entry.id, entry.settings);
    if (state !== "disconnected") this.#emitState(entry, "connecting");
    if (state === "connected") this.#emitState(entry, "connected");
    run.onCommitted();
  }

  #emitState(entry: SessionEntry, state: "connecting" | "connected" | "disconnected"): void {
    this.#emit({ type: "connection", session: entry.id, generation: entry.generation, state });
  }

  #begin(entry: SessionEntry): void {
    entry.opening = undefined;
    let file: SessionFile;
    try {
      // A process that ended during a client reset may have left its copy.
      this.#core.deleteStore(copyPathOf(entry.settings.path));
      file = new SessionFile(this.#host, this.#core, entry.settings, this.#turns);
    } catch (error) {
      this.#emit({
        type: "error",
        session: entry.id,
        generation: entry.generation,
        consequence: "stop",
        error: simpleFailure(syncStatusCode.runtimeError, messageOf(error), true),
      });
      return;
    }
    this.#lastIdent += 1;
    const connect = (): Connection => this.#connectionOf(entry.id, entry.settings);
    const run = new ClientSession(this.#lastIdent, this.#ownerOf(entry), file, entry.settings, connect);
    entry.run = run;
    void run.start();
    for (const act of entry.early.splice(0)) act(run);
  }

  #ownerOf(entry: SessionEntry): SessionOwner {
    const { id: session } = entry;
    return {
      host: this.#host,
      timeouts: entry.settings.timeouts,
      onConnectionState: (state) => this.#emitState(entry, state),
      onChanged: () => this.#emit({ type: "changed", session }),
      onProgress: (report) => this.#emit({ type: "progress", session, report }),
      onWaitDone: (wait) => this.#emit({ type: "wait-done", session, wait }),
      onError: (error, consequence) => this.#emitError(entry, error, consequence),
      onNeeds: (what) =>
        this.#emit({ type: what === "token" ? "token-needed" : "location-needed", userKey: entry.settings.userKey }),
      onFinished: () => this.#emit({ type: "finished", session, generation: entry.generation }),
      onResetDemanded: (demand) => this.#startReset(entry, demand),
      onCopyComplete: () => undefined,
    };
  }

  // --- client resets ---------------------------------------------------------------------------------------

  #demandReset(id: SessionId, generation: Generation, demand: ResetDemand): void {
    const entry = this.#entries.get(id);
    if (entry?.run === undefined || entry.generation !== generation || entry.reset !== undefined) return;
    entry.run.hold();
    this.#startReset(entry, demand);
  }

  #startReset(entry: SessionEntry, demand: ResetDemand): void {
    const { run, settings } = entry;
    const { resetPolicy: policy } = settings;
    // A file that nobody has open is reset when it is opened again: its callbacks belong to the application.
    if (policy === "manual" || run === undefined || run.isFinishing) {
      return this.#emitError(entry, demand.error, "stop");
    }
    const parts = { host: this.#host, core: this.#core, file: run.file, place: settings, policy, demand };
    const reset = new ClientReset(parts, this.#resetOwnerOf(entry, run));
    entry.reset = reset;
    // What was received before the demand is still being taken in.
    void reset.start(Promise.all([entry.resetEnd, run.idle()]));
  }

  #resetOwnerOf(entry: SessionEntry, run: ClientSession): ResetOwner {
    const { id: session } = entry;
    return {
      openSession: (copy, events) => {
        this.#lastIdent += 1;
        const connect = (): Connection => this.#connectionOf(session, entry.settings);
        const owner = { ...this.#ownerOf(entry), onWaitDone: () => undefined, onFinished: () => undefined, ...events };
        const made = new ClientSession(this.#lastIdent, owner, copy, entry.settings, connect, "copy");
        void made.start();
        return made;
      },
      onReady: () => this.#emit({ type: "reset-ready", session, generation: entry.generation }),
      onDone: (before, keeper, isRecovered) => {
        entry.reset = undefined;
        this.#keepers.set(keeperKey(session, before), keeper);
        this.#emit({ type: "changed", session });
        this.#emit({ type: "reset-done", session, generation: entry.generation, before, isRecovered });
        run.goOn();
      },
      onFailed: (error, consequence) => {
        this.#cancelReset(entry);
        this.#emitError(entry, error, consequence);
      },
      onRetry: (error, consequence) => this.#emitError(entry, error, consequence),
    };
  }

  #onResetSeen(key: string): void {
    this.#keepers.get(key)?.close();
    this.#keepers.delete(key);
  }

  #emitError(entry: SessionEntry, error: SyncErrorInformation, consequence: ErrorConsequence): void {
    this.#emit({ type: "error", session: entry.id, generation: entry.generation, consequence, error });
  }

  #onResetAnswer(id: SessionId, generation: Generation, refusal: string | null): void {
    const entry = this.#entries.get(id);
    if (entry?.generation !== generation) return;
    if (refusal === null) void entry.reset?.apply();
    else entry.reset?.refuse(refusal);
  }

  #connectionOf(session: SessionId, settings: SessionSettings): Connection {
    const { userKey, isMultiplexed } = settings;
    const key = isMultiplexed ? userKey : `${userKey}#${session}`;
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const connection: Connection = new Connection(this.#connectionOwner(key, settings), settings.headers);
    this.#connections.set(key, connection);
    return connection;
  }

  #connectionOwner(key: string, { userKey, timeouts }: SessionSettings): ConnectionOwner {
    return {
      host: this.#host,
      timeouts,
      route: () => this.#users.get(userKey),
      onNeeds: (what) => this.#emit({ type: what === "token" ? "token-needed" : "location-needed", userKey }),
      onUrlVerified: () => {
        const user = this.#users.get(userKey);
        if (user === undefined || user.isUrlVerified) return;
        user.isUrlVerified = true;
        this.#emit({ type: "url-verified", userKey });
      },
      onUnused: () => this.#connections.delete(key),
    };
  }

  #deactivate(id: SessionId, generation: Generation, mayLinger: boolean): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.generation = generation;
    this.#endRun(entry, mayLinger);
  }

  #endRun(entry: SessionEntry, mayLinger: boolean): void {
    entry.opening = undefined;
    entry.early = [];
    const { run } = entry;
    this.#cancelReset(entry);
    entry.run = undefined;
    const { path } = entry.settings;
    const closing = this.#close(entry, run, mayLinger).finally(() => {
      if (this.#closing.get(path) === closing) this.#closing.delete(path);
    });
    this.#closing.set(path, closing);
  }

  #cancelReset(entry: SessionEntry): void {
    const { reset, resetEnd } = entry;
    if (reset === undefined) return;
    entry.reset = undefined;
    entry.resetEnd = Promise.all([resetEnd, reset.cancel()]).then(() => undefined);
  }

  async #close(entry: SessionEntry, run: ClientSession | undefined, mayLinger: boolean): Promise<void> {
    const { generation, resetEnd } = entry;
    const closing = this.#closing.get(entry.settings.path);
    await resetEnd;
    await run?.end(mayLinger);
    run?.file.close();
    await closing;
    this.#emit({ type: "closed", session: entry.id, generation });
    if (entry.run === undefined && entry.generation === generation) this.#entries.delete(entry.id);
  }

  #finish(id: SessionId, generation: Generation): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      this.#emit({ type: "finished", session: id, generation });
      return;
    }
    entry.generation = generation;
    if (entry.reset !== undefined) {
      // Nothing can be uploaded before the reset, and that waits until the file is opened again.
      this.#cancelReset(entry);
      this.#emit({ type: "finished", session: id, generation });
      return;
    }
    this.#withRun(id, (run) => run.finish());
  }

  #reconnect(session: SessionId | null): void {
    const chosen = session === null ? [...this.#entries.values()] : [this.#entries.get(session)];
    const connections = new Set(
      chosen.flatMap((entry) => (entry?.run === undefined ? [] : [this.#connectionOf(entry.id, entry.settings)])),
    );
    for (const connection of connections) connection.retryNow();
  }

  #stop(): void {
    for (const key of Array.from(this.#keepers.keys())) this.#onResetSeen(key);
    for (const id of Array.from(this.#entries.keys())) this.#deactivate(id, Number.MAX_SAFE_INTEGER, false);
    for (const connection of Array.from(this.#connections.values())) connection.close();
  }
}

/** Whether what a session has said to the server holds with other settings too. */
function isSameExchange(a: SessionSettings, b: SessionSettings): boolean {
  return a.userKey === b.userKey && a.isMultiplexed === b.isMultiplexed && a.schemaVersion === b.schemaVersion;
}

function keeperKey(session: SessionId, before: SnapshotId): string {
  return `${session} ${before}`;
}
