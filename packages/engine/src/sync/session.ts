/**
 * One activation of a session: the client's side of wire protocol §3.2.
 *
 * States: active, suspended by an error until a timer, ended. On every opportunity to send it says the first
 * applicable of BIND, IDENT, JSON_ERROR, MARK, QUERY, UPLOAD. What is received is handled in order, one message at a
 * time, in slices between which the event loop turns.
 *
 * @module
 */

import {
  closeCode,
  type DownloadMessage,
  errorCode,
  type ErrorInformation,
  leavesSessionOpen,
  parseErrorInformation,
  parseLogInformation,
  type QueryErrorMessage,
  serializeClientMessage,
  type ServerErrorMessage,
  type ServerMessage,
} from "@tidemark/protocol";
import { errorCodeOf, messageOf, simpleFailure, type SyncErrorInformation, syncStatusCode } from "../errors.js";
import type { TimerId } from "../host.js";
import { BackOff } from "./back-off.js";
import { type AcceptedProgress, downloadFault } from "./checks.js";
import { backOffOf, type ConnectedSession, type Connection } from "./connection.js";
import type { ConnectionState, ErrorConsequence, ResetDemand, SessionSettings } from "./messages.js";
import { ProgressReporter } from "./progress.js";
import type { SessionFile } from "./session-file.js";
import { bindMessage, identMessage, queryMessage } from "./session-messages.js";
import type { SessionOwner, SessionRole } from "./session-owner.js";
import { Compensations, SessionWaits } from "./session-waits.js";
import { consequenceOf, restartDelayMs, serverError } from "./status.js";

/** An activated session. */
export class ClientSession implements ConnectedSession {
  readonly ident: number;
  readonly #owner: SessionOwner;
  readonly file: SessionFile;
  readonly #settings: SessionSettings;
  readonly #connect: () => Connection;
  #joined: Connection | undefined;
  readonly #role: SessionRole;
  #progress = new ProgressReporter();
  readonly #backOff: BackOff;
  #isEnded = false;
  #isSuspended = false;
  #resumeTimer: TimerId | undefined;
  // What was said and heard since BIND.
  #exchange = 0;
  #isBound = false;
  #isIdentified = false;
  #ownError: { readonly code: number; readonly text: string; isSent: boolean } | undefined;
  /** Uploads wait until the first MARK is answered, so that old files first see what happened meanwhile. */
  #areUploadsDelayed = true;
  #wantedMark = 0;
  #sentMark = 0;
  #receivedMark = 0;
  #lastQueryVersion = 0;
  #scanVersion = 0;
  #scanServerVersion = 0;
  #accepted: AcceptedProgress | undefined;
  /** Query version of the bootstrap whose parts are arriving. */
  #bootstrapVersion: number | undefined;
  #inbox: ServerMessage[] = [];
  #isHandling = false;
  readonly #compensations = new Compensations();
  readonly #waits: SessionWaits;
  /** The file is being reset: nobody takes the session up before that is done. */
  #isHeld = false;
  /** Of a file that was reset: what has to be uploaded until the server is said to have taken it. */
  #resetTarget: number | undefined;
  #onIdle: (() => void)[] = [];

  constructor(
    ident: number,
    owner: SessionOwner,
    file: SessionFile,
    settings: SessionSettings,
    connect: () => Connection,
    role: SessionRole = "main",
  ) {
    this.ident = ident;
    this.#owner = owner;
    this.file = file;
    this.#settings = settings;
    this.#connect = connect;
    this.#role = role;
    this.#waits = new SessionWaits(
      (wait) => owner.onWaitDone(wait),
      () => owner.onFinished(),
    );
    const { backOffInitialMs, backOffMaxMs } = owner.timeouts;
    this.#backOff = new BackOff({ initialMs: backOffInitialMs, maxMs: backOffMaxMs, multiplier: 2 });
  }

  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** Readies the file, then joins the connection. */
  async start(): Promise<void> {
    this.#isHandling = true;
    try {
      if (!this.file.isFree) await this.file.turn();
      // A bootstrap that had arrived whole before a crash is applied before the server is asked for anything.
      if (this.file.discardPartialBootstrap()) await this.#applyBootstrap();
    } catch (error) {
      this.#owner.onError(simpleFailure(syncStatusCode.badChangeset, messageOf(error), true), "stop");
      this.#isEnded = true;
    }
    this.#isHandling = false;
    if (!this.#isEnded) {
      this.#joined = this.#connect();
      this.#joined.add(this);
    }
    this.#settle();
  }

  /** Ends the session; the file may be closed when the promise resolves. */
  async end(mayLinger: boolean): Promise<void> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#clearResume();
      this.#inbox = [];
      this.file.uploadsPaused();
      this.#joined?.remove(this, this.#isBound, mayLinger);
    }
    await this.idle();
  }

  /** Resolves when what has been received is handled: nothing more is written to the file until the next message. */
  idle(): Promise<void> {
    if (!this.#isHandling) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #settle(): void {
    if (this.#isHandling) return;
    for (const onIdle of this.#onIdle.splice(0)) onIdle();
  }

  // --- the application's wishes ----------------------------------------------------------------------------

  onCommitted(): void {
    this.file.forgetSets();
    this.#report();
    this.#enlist();
  }

  /** @param fileIdentity the file's identity when the version was the newest. */
  waitForUpload(wait: number, targetVersion: number, fileIdentity: string): void {
    const state = this.file.state();
    const isReset = fileIdentity !== "0" && fileIdentity !== this.file.identity();
    this.#waits.addUpload(wait, isReset ? state.newestUploadableVersion : targetVersion);
    this.#checkUploads();
    this.#enlist();
  }

  waitForDownload(wait: number): void {
    this.#wantedMark += 1;
    this.#waits.addDownload(wait, this.#wantedMark);
    this.#enlist();
  }

  /** Ends once everything is uploaded. */
  finish(): void {
    this.#waits.finishAt(this.file.state().newestUploadableVersion);
    this.#checkUploads();
    // Somebody who has the file open without a session may have written to it.
    this.#enlist();
  }

  /** The session is wanted again. */
  keep(): void {
    this.#waits.finishAt(undefined);
    // A reset that was given up for the end is demanded again.
    this.#isHeld = false;
    this.resumeNow();
  }

  // --- client resets ---------------------------------------------------------------------------------------

  /** Whether the session is about to end once everything is uploaded. */
  get isFinishing(): boolean {
    return this.#waits.isFinishing;
  }

  /** Steps aside, waits and all, until {@link goOn}: the file is about to change under it. */
  hold(): void {
    this.#isHeld = true;
    this.#stepAside();
  }

  /** The file has its new shape: everything is said anew. */
  goOn(): void {
    this.#isHeld = false;
    this.file.forgetSets();
    this.#areUploadsDelayed = true;
    this.#progress = new ProgressReporter();
    this.#waits.moveUploads(this.file.state().newestUploadableVersion);
    this.#backOff.reset();
    this.resumeNow();
  }

  #demandReset(demand: ResetDemand): void {
    this.hold();
    this.#owner.onResetDemanded(demand);
  }

  /** The server has taken the file in its new shape once it has everything and the first MARK is answered. */
  #checkReset(uploadClientVersion: number): void {
    if (this.#resetTarget === undefined || this.#areUploadsDelayed) return;
    if (uploadClientVersion < this.#resetTarget) return;
    this.#resetTarget = undefined;
    this.file.whenFree(() => this.file.finishReset());
  }

  // --- the connection --------------------------------------------------------------------------------------

  onConnectionState(state: ConnectionState): void {
    this.#owner.onConnectionState(state);
  }

  onEstablished(isFast: boolean): void {
    this.#forgetExchange();
    if (!isFast) this.#areUploadsDelayed = true;
    if (this.#areUploadsDelayed) this.#wantedMark += 1;
  }

  onLost(): void {
    this.#inbox = [];
    this.#forgetExchange();
    this.file.uploadsPaused();
  }

  onConnectionError(error: SyncErrorInformation, consequence: ErrorConsequence): void {
    if (this.#isHeld) return;
    if (!error.isClientReset || this.#role === "copy") return this.#owner.onError(error, consequence);
    this.#demandReset({ error, code: error.protocolCode ?? closeCode.messageTooBig, allowsRecovery: true });
  }

  /** Everything that BIND begins anew. */
  #forgetExchange(): void {
    this.#exchange += 1;
    this.#isBound = false;
    this.#isIdentified = false;
    this.#ownError = undefined;
    this.#sentMark = this.#receivedMark;
    this.#bootstrapVersion = undefined;
    this.#compensations.clear();
    this.#accepted = undefined;
  }

  #enlist(): void {
    if (!this.#isEnded) this.#joined?.enlist(this);
  }

  async nextMessage(): Promise<Uint8Array | undefined> {
    try {
      return await this.#nextMessage();
    } catch (error) {
      this.#isSuspended = true;
      this.#onBroken(error);
      return undefined;
    }
  }

  /** Only a defect of ours or a broken file comes here. */
  #onBroken(error: unknown): void {
    this.#owner.onError(simpleFailure(syncStatusCode.runtimeError, messageOf(error), true), "stop");
  }

  async #nextMessage(): Promise<Uint8Array | undefined> {
    if (this.#isEnded || this.#isSuspended) return undefined;
    if (!this.#isBound) return this.#bind();
    // IDENT names cursors: what came on the connection before may still be moving them.
    if (!this.#isIdentified) return this.#isHandling ? undefined : this.#identify();
    if (this.#ownError !== undefined) return this.#reportOwnError(this.#ownError);
    if (this.#wantedMark > this.#sentMark) {
      this.#sentMark = this.#wantedMark;
      return serializeClientMessage({ type: "mark", session: this.ident, request: this.#sentMark });
    }
    if (this.#areUploadsDelayed) return undefined;
    return this.#query() ?? (this.#role === "copy" ? undefined : await this.#upload());
  }

  #bind(): Uint8Array {
    this.#isBound = true;
    const isReset = this.#role === "copy" || this.file.isResetPending();
    return bindMessage(this.ident, this.#settings.schemaVersion, isReset, this.file.state());
  }

  #identify(): Uint8Array | undefined {
    const state = this.file.state();
    if (state.fileIdent === "0") return undefined;
    this.#isIdentified = true;
    const active = this.file.activeSet();
    this.#lastQueryVersion = active?.version ?? 0;
    this.#scanVersion = state.uploadClientVersion;
    this.#scanServerVersion = state.uploadServerVersion;
    this.#accepted = state;
    this.#resetTarget = this.file.isResetPending() ? state.newestUploadableVersion : undefined;
    return identMessage(this.ident, state, active);
  }

  #reportOwnError(error: { readonly code: number; readonly text: string; isSent: boolean }): Uint8Array | undefined {
    if (error.isSent) return undefined;
    error.isSent = true;
    const body = JSON.stringify({ message: error.text });
    return serializeClientMessage({ type: "json_error", errorCode: error.code, session: this.ident, body });
  }

  /** A set may be sent once everything written before it is. */
  #query(): Uint8Array | undefined {
    const pending = this.file.pendingSet(this.#lastQueryVersion);
    const isEarly = this.#role === "main" && this.#scanVersion < (pending?.snapshotVersion ?? 0);
    if (pending === undefined || isEarly) return undefined;
    this.#lastQueryVersion = pending.version;
    // The MARK that follows tells when the set has arrived.
    this.#wantedMark += 1;
    this.#progress.onQuery(pending.version);
    this.#report();
    return queryMessage(this.ident, pending);
  }

  async #upload(): Promise<Uint8Array | undefined> {
    const pending = this.file.pendingSet(this.#lastQueryVersion);
    const newest = this.file.version();
    const target = pending === undefined ? newest : Math.min(newest, pending.snapshotVersion);
    const upload = this.file.nextUpload(this.#scanVersion, this.#scanServerVersion, target);
    const hasNews = upload.entryCount > 0 || upload.serverVersion > this.#scanServerVersion;
    this.#scanVersion = Math.max(this.#scanVersion, upload.clientVersion);
    // Versions without content are passed over in silence; that may be what a pending set was waiting for.
    if (!hasNews) return pending === undefined ? undefined : this.#query();
    this.#scanServerVersion = upload.serverVersion;
    const exchange = this.#exchange;
    const body = await this.#owner.host.compression.compress(upload.body);
    // An UNBIND may have been sent meanwhile; nothing of this session may follow it.
    if (this.#isEnded || exchange !== this.#exchange) return undefined;
    return serializeClientMessage({
      type: "upload",
      session: this.ident,
      ...body,
      progressClientVersion: upload.clientVersion,
      progressServerVersion: upload.serverVersion,
      lockedServerVersion: upload.serverVersion,
    });
  }

  // --- receiving -------------------------------------------------------------------------------------------

  onMessage(message: ServerMessage): void {
    if (this.#isEnded || this.#isSuspended) return;
    this.#inbox.push(message);
    if (!this.#isHandling) void this.#handleAll();
  }

  async #handleAll(): Promise<void> {
    this.#isHandling = true;
    while (this.#inbox.length > 0) {
      try {
        if (!this.file.isFree) await this.file.turn();
        // What came on a connection that was lost meanwhile is gone.
        const message = this.#inbox.shift();
        if (message !== undefined) await this.#handle(message);
      } catch (error) {
        this.#onBroken(error);
        this.#inbox = [];
      }
    }
    this.#isHandling = false;
    if (this.#isBound && !this.#isIdentified) this.#enlist();
    this.#settle();
  }

  #handle(message: ServerMessage): Promise<void> | void {
    switch (message.type) {
      case "ident":
        return this.#onIdent(message.fileIdent, message.fileIdentSalt);
      case "download":
        return this.#onDownload(message);
      case "mark":
        return this.#onMark(message.request);
      case "json_error":
        return this.#onServerError(message);
      case "query_error":
        return this.#onQueryError(message);
      case "unbound":
        return this.#joined?.violation("unbound without unbind");
      case "log_message":
        return this.#onLogMessage(message.body);
      case "test_command":
      case "pong":
        return undefined;
    }
  }

  #onLogMessage(body: string): void {
    let ruleFields: Readonly<Record<string, readonly string[]>> | undefined;
    try {
      ruleFields = parseLogInformation(body).tidemark?.ruleFields;
    } catch (error) {
      return this.#joined?.violation(messageOf(error));
    }
    if (ruleFields !== undefined) this.file.setRuleFields(ruleFields);
  }

  #onIdent(ident: bigint, salt: bigint): void {
    if (this.#isIdentified) return this.#joined?.violation("ident for a session that has one");
    this.file.setFileIdent(ident, salt);
    this.#enlist();
  }

  async #onDownload(message: DownloadMessage): Promise<void> {
    if (this.#ownError !== undefined) return;
    if (!this.#isIdentified || this.#accepted === undefined) {
      return this.#joined?.violation("download before ident");
    }
    const fault = downloadFault(this.#accepted, message, this.file.version());
    if (fault !== undefined) return this.#joined?.violation(`download: ${fault}`);
    // A connection that is lost meanwhile forgets them, but the server will not repeat what has been taken in.
    const reverted = this.#compensations.takeDue(message.downloadServerVersion);
    const exchange = this.#exchange;
    try {
      const body = await this.#owner.host.compression.uncompress(message);
      if (!this.file.isFree) await this.file.turn();
      // The parts before it went with the exchange: alone it would pass for the whole bootstrap.
      if (message.batchState !== 2 && exchange !== this.#exchange) return;
      if (message.batchState === 2) await this.file.integrate(message, body);
      else await this.#onBootstrap(message, body);
    } catch (error) {
      return this.#onIntegrationError(error);
    }
    if (message.batchState !== 0 && exchange === this.#exchange) this.#accepted = message;
    this.#joined?.onHealthy();
    this.#backOff.reset();
    this.#afterDownload(message);
    for (const error of reverted) this.#owner.onError(error, "warn");
  }

  async #onBootstrap(message: DownloadMessage, body: Uint8Array): Promise<void> {
    const { queryVersion } = message;
    const isFirst = this.#bootstrapVersion !== queryVersion;
    const isLast = message.batchState === 1;
    if (isFirst) {
      this.#bootstrapVersion = queryVersion;
      const set = this.file.sets().find(({ version }) => version === queryVersion);
      if (set?.state === "pending") this.file.setState(queryVersion, "bootstrapping");
    }
    this.file.storeBootstrap(message, body, isFirst, isLast);
    if (!isLast) return;
    this.#bootstrapVersion = undefined;
    await this.#applyBootstrap();
  }

  async #applyBootstrap(): Promise<void> {
    const queryVersion = await this.file.applyBootstrap();
    const set = this.file.sets().find(({ version }) => version === queryVersion);
    // A bootstrap of a set that was already complete comes from a change of rules.
    if (set?.state === "pending" || set?.state === "bootstrapping") {
      this.file.setState(queryVersion, "awaiting-mark");
    }
    this.#owner.onChanged();
  }

  #afterDownload(message: DownloadMessage): void {
    this.#owner.onChanged();
    this.#progress.onDownload(message.queryVersion, message.progressEstimate);
    this.#report();
    this.#checkUploads();
    this.#enlist();
  }

  #report(): void {
    const report = this.#progress.report(this.file.state());
    if (report !== undefined) this.#owner.onProgress(report);
  }

  #checkUploads(): void {
    if (this.#waits.needsNoUploads && this.#resetTarget === undefined) return;
    const { uploadClientVersion } = this.file.state();
    this.#checkReset(uploadClientVersion);
    this.#waits.onUploaded(uploadClientVersion);
  }

  #onMark(request: number): void {
    if (request <= this.#receivedMark || request > this.#sentMark) {
      return this.#joined?.violation("unexpected mark");
    }
    this.#receivedMark = request;
    this.#areUploadsDelayed = false;
    const active = this.file.activeSet();
    if (active?.state === "awaiting-mark") {
      this.file.setState(active.version, "complete");
      this.#owner.onChanged();
    }
    this.#checkUploads();
    this.#waits.onMark(request);
    if (this.#role === "copy" && this.file.pendingSet(0) === undefined) this.#owner.onCopyComplete();
    this.#enlist();
  }

  #onQueryError(message: QueryErrorMessage): void {
    const set = this.file.sets().find(({ version }) => version === message.queryVersion);
    // Complete sets are never refused; a server that does so is not worth a violation.
    if (set === undefined || set.state === "complete") return;
    this.file.setState(message.queryVersion, "error", message.message);
    if (this.#role === "copy") {
      this.#owner.onError(simpleFailure(syncStatusCode.invalidSubscriptionQuery, message.message, true), "stop");
    }
    this.#owner.onChanged();
    this.#progress.onQueryRefused();
    this.#report();
    this.#enlist();
  }

  /** The download could not be taken in: the server is told, and nothing more is said until the next BIND. */
  #onIntegrationError(error: unknown): void {
    const text = messageOf(error);
    const code = errorCodeOf(error) === "bad-progress" ? errorCode.badProgress : errorCode.badChangeset;
    this.#ownError = { code, text: `BadChangeset: ${text}`, isSent: false };
    this.#owner.onError(simpleFailure(syncStatusCode.badChangeset, text, false), "warn");
    this.#enlist();
  }

  #onServerError(message: ServerErrorMessage): void {
    let information: ErrorInformation;
    try {
      information = parseErrorInformation(message.body);
    } catch (error) {
      return this.#joined?.violation(messageOf(error));
    }
    const error = serverError(message.errorCode, information);
    if (message.errorCode === errorCode.schemaVersionChanged) return this.#onOtherSchema();
    if (leavesSessionOpen(message.errorCode)) return this.#onOpenError(information, error);
    const { action } = information;
    if (this.#role === "main" && (action === "ClientReset" || action === "ClientResetNoRecovery")) {
      return this.#demandReset({ error, code: message.errorCode, allowsRecovery: action === "ClientReset" });
    }
    this.#suspend(message.errorCode, information);
    if (information.action === "RefreshUser") this.#owner.onNeeds("token");
    if (information.action === "RefreshLocation") this.#owner.onNeeds("location");
    this.#owner.onError(error, consequenceOf(information));
  }

  /** A compensating write is told to the application when the download that carries it has arrived. */
  #onOpenError(information: ErrorInformation, error: SyncErrorInformation): void {
    const serverVersion = information.compensatingWriteServerVersion;
    if (serverVersion !== undefined) this.#compensations.add(serverVersion, error);
  }

  /**
   * The file goes on in the version of the schema that it was made with, and uploads at once what there is: a newer
   * version begins with another file (wire protocol §4.10).
   */
  #onOtherSchema(): void {
    this.#areUploadsDelayed = false;
    this.#enlist();
  }

  /** UNBIND, and nothing more until the session is resumed. */
  #stepAside(): void {
    this.#isSuspended = true;
    this.#clearResume();
    this.#inbox = [];
    if (this.#isBound) this.#joined?.sendUnbind(this.ident);
    this.#forgetExchange();
    this.file.uploadsPaused();
    this.file.whenFree(() => this.file.discardPartialBootstrap());
  }

  /** UNBIND, wait, and BIND again under the same ident; the server does not answer this UNBIND. */
  #suspend(code: number, information: ErrorInformation): void {
    this.#stepAside();
    if (!information.tryAgain) return;
    const delayMs =
      code === errorCode.sessionClosed
        ? restartDelayMs
        : this.#backOff.next(`error ${code}`, () => this.#owner.host.random(), backOffOf(information));
    this.#resumeTimer = this.#owner.host.setTimer(delayMs, () => this.resumeNow());
  }

  resumeNow(): void {
    this.#clearResume();
    if (!this.#isSuspended || this.#isEnded || this.#isHeld) return;
    this.#isSuspended = false;
    if (this.#joined?.state === "connected") this.onEstablished(true);
    this.#joined?.wake(this);
  }

  #clearResume(): void {
    if (this.#resumeTimer !== undefined) this.#owner.host.clearTimer(this.#resumeTimer);
    this.#resumeTimer = undefined;
  }
}
