/**
 * One session of a client file: from BIND to UNBIND.
 *
 * Invariants:
 * - messages of the client are worked through one after another, in the order they came;
 * - nothing is sent for the session after UNBOUND or after an error that ends it;
 * - an upload is acknowledged only when it is durable, and its compensating-write errors go out before the download
 *   that holds them: no download is made while an upload of the session is being integrated;
 * - an upload that comes while a bootstrap is owed is integrated after the bootstrap's last part was made;
 * - a MARK is answered when everything owed when it was read was sent.
 *
 * @module
 */

import {
  type BindMessage,
  type BindOptions,
  clientErrorText,
  type ClientIdentMessage,
  type ClientMessage,
  type ErrorAction,
  errorCode,
  errorCodeInformation,
  errorInformation,
  type ErrorInformation,
  isConnectionLevel,
  type LogInformation,
  logMessageVersionMin,
  type MarkMessage,
  parseUploadEntries,
  ProtocolError,
  type QueryMessage,
  type ServerMessage,
  type TestCommandMessage,
  type UploadMessage,
} from "@tidemark/protocol";
import { uncompressBody } from "@tidemark/protocol/node";
import { actionUnder, sessionRefusal } from "./app-settings.js";
import type { CommitParticipant } from "./commit-queue.js";
import { Deferred, Signal } from "./concurrency.js";
import { DownloadPump } from "./download-pump.js";
import { claimFile } from "./file-claims.js";
import { randomSalt } from "./host.js";
import type { Compensation, LedgerRefusal, LedgerSession, Role, Upload } from "./ledger.js";
import { rescueBackOff, rescueText } from "./rescue.js";
import { isSameRole } from "./session-roles.js";
import { bindOptionsOf, compensationFields, compensationText, schemaVersionChange } from "./session-texts.js";
import type { SessionPhase, SessionStatus } from "./session-status.js";
import { checkSubscriptionSet } from "./subscription-set.js";
import type { BoundSession, SyncApp } from "./sync-app.js";
import { readTestCommand } from "./test-command.js";

/** The connection as a session sees it. */
export interface SessionPeer {
  readonly app: SyncApp;
  readonly userId: string;
  readonly protocolVersion: number;
  /** For the client's log. */
  readonly requestId: string;
  /** Base of links into this server's log. */
  readonly logUrl: string;
  send(message: ServerMessage): void;
  /** Whether the receiver keeps up, so that downloads may be made for it. */
  readonly hasRoom: boolean;
  /** Resolves when there is room again, or when the connection is over. */
  room(): Promise<void>;
  /** Ends the connection with an error. */
  fail(code: number, message: string): void;
  failBy(error: ProtocolError): void;
  /** Ends the connection at once. */
  drop(reason: string): void;
  /** Received bytes that were worked through. */
  worked(bytes: number): void;
}

interface Received {
  readonly message: ClientMessage;
  readonly bytes: number;
}

/** From this version on clients take a bootstrap for a role that has changed; older ones have to reset. */
const roleBootstrapVersionMin = 14;

/** A client that meets what ends its session again and again comes ever less often. */
export const restartLaterSeconds = { backoffIntervalSec: 60, backoffMaxDelaySec: 300, backoffMultiplier: 2 } as const;

/** A session on one connection. */
export class SyncSession implements BoundSession, CommitParticipant {
  readonly ident: number;
  readonly connection: SessionPeer;
  readonly settled: Promise<void>;
  readonly judged: Promise<void>;
  readonly #settled = new Deferred<void>();
  readonly #judged = new Deferred<void>();
  readonly #app: SyncApp;
  readonly #changed = new Signal();
  #phase: SessionPhase;
  #bindOptions: BindOptions = { schemaVersion: 0, sessionReason: 0 };
  #ledgerSession: LedgerSession | null = null;
  #fileIdent = 0n;
  #fileIdentSalt = "";
  #isRefused = false;

  #inbox: Received[] = [];
  #isWorking = false;
  #uploadsUnderWay = 0;
  #queryVersion = 0;
  #role: Role | null = null;

  readonly #downloads: DownloadPump;

  constructor(connection: SessionPeer, bind: BindMessage) {
    this.connection = connection;
    this.ident = bind.session;
    this.settled = this.#settled.promise;
    this.judged = this.#judged.promise;
    this.#app = connection.app;
    this.#phase = bind.needsFileIdent ? "allocating" : "waiting";
    this.#downloads = new DownloadPump({
      app: connection.app,
      ident: bind.session,
      peer: connection,
      isOver: () => this.isOver,
      onChange: () => this.#changed.raise(),
      onBroken: (error) => this.#broke(error),
    });
  }

  get userId(): string {
    return this.connection.userId;
  }

  get fileIdentSalt(): string {
    return this.#fileIdentSalt;
  }

  get phase(): SessionPhase {
    return this.#phase;
  }

  get isOver(): boolean {
    return this.#phase === "failed" || this.#phase === "ended";
  }

  get isJudged(): boolean {
    return this.#ledgerSession !== null;
  }

  get role(): Role | null {
    return this.#role;
  }

  get isRefused(): boolean {
    return this.#isRefused;
  }

  status(): SessionStatus {
    return {
      session: this.ident,
      fileIdent: this.#fileIdent.toString(),
      phase: this.#phase,
      downloadServerVersion: this.#downloads.serverVersion,
      uploadClientVersion: this.#downloads.uploadClientVersion,
      queryVersion: this.#queryVersion,
      isBootstrapping: this.#downloads.bootstrapsOwed > 0,
    };
  }

  // --- receiving ------------------------------------------------------------------------------------------

  /** Takes the BIND that made the session. */
  start(bind: BindMessage): void {
    this.#bindOptions = bindOptionsOf(bind.json, this.connection.protocolVersion);
    this.log({ co_id: this.connection.requestId });
    const refusal = sessionRefusal(this.#app.settings);
    if (refusal !== null) {
      this.fail(refusal.code, refusal.message, refusal.overrides);
      return;
    }
    const unknownVersion = this.#app.ledger.checkSchemaVersion(this.#bindOptions.schemaVersion);
    if (unknownVersion !== null) return this.#refuse(unknownVersion);
    this.#app.sessions.add(this);
    if (this.#app.rescue.holdsBack(this.#bindOptions)) this.#waitForRescue();
    else if (this.#phase === "allocating") this.#work(() => this.#allocate());
  }

  /** Takes a message, checks that it may come now, and puts it behind those before it. */
  receive(message: ClientMessage, bytes: number): void {
    if (this.#phase === "failed") {
      this.connection.worked(bytes);
      return;
    }
    const problem = this.#orderProblem(message);
    if (problem !== null) {
      this.connection.fail(errorCode.badMessageOrder, problem);
      return;
    }
    if (message.type === "ident") this.#phase = "identified";
    if (message.type === "query") this.#queryVersion = message.queryVersion;
    this.#inbox.push({ message, bytes });
    this.#workThroughInbox();
  }

  #orderProblem(message: ClientMessage): string | null {
    if (message.type === "test_command") return null;
    if (message.type === "ident") {
      if (this.#phase === "waiting") return null;
      return this.#phase === "allocating"
        ? "Bad message order (IDENT): before the server's IDENT"
        : "Bad message order (IDENT): a second time";
    }
    const name = message.type.toUpperCase();
    if (this.#phase !== "identified") return `Bad message order (${name}): before IDENT`;
    if (message.type === "query" && message.queryVersion <= this.#queryVersion) {
      return `Bad message order (QUERY): version ${message.queryVersion} after ${this.#queryVersion}`;
    }
    return null;
  }

  /** UNBIND: the session is over, and says so unless it had already ended with an error. */
  unbind(): void {
    const wasFailed = this.#phase === "failed";
    if (!wasFailed) this.connection.send({ type: "unbound", session: this.ident });
    this.end();
  }

  /** Ends the session without a word: the connection is gone, or UNBIND was answered. */
  end(): void {
    if (this.#phase === "ended") return;
    const wasFailed = this.#phase === "failed";
    this.#phase = "ended";
    if (!wasFailed) this.#windUp();
  }

  dropConnection(): void {
    this.connection.drop("the client file was bound on another connection");
  }

  /** Sends an error that ends the session, and ignores what comes until UNBIND. */
  fail(code: number, message: string, overrides: Partial<ErrorInformation> = {}): void {
    if (this.isOver) return;
    if (isConnectionLevel(code)) {
      this.connection.fail(code, message);
      return;
    }
    const sendable = errorCodeInformation(code)?.isSendable === false ? errorCode.otherSessionError : code;
    const { userId, connection } = this;
    this.#app.sessionFailed({ requestId: connection.requestId, userId, code: sendable, message });
    this.#sendError(sendable, message, overrides);
    this.#phase = "failed";
    this.#isRefused = true;
    this.#windUp();
  }

  get isOwnClient(): boolean {
    return this.#bindOptions.tidemark !== undefined;
  }

  log(information: LogInformation): void {
    if (this.isOver || this.connection.protocolVersion < logMessageVersionMin) return;
    this.connection.send({ type: "log_message", session: this.ident, body: JSON.stringify(information) });
  }

  roleChanged(): void {
    const message = "session closed: the user's permissions have changed";
    if (this.connection.protocolVersion >= roleBootstrapVersionMin) this.fail(errorCode.sessionClosed, message);
    else this.#refuseFile({ code: errorCode.serverPermissionsChanged, message, action: "ClientReset" });
  }

  /** Ends a session that downloads for a client reset, so that it tries again. */
  holdBackReset(): void {
    if (this.#app.rescue.holdsBack(this.#bindOptions)) this.#waitForRescue();
  }

  /** A file that has identified itself is not known any more, and has to reset. */
  forgetFile(): void {
    if (this.#phase !== "identified") return;
    const message = "Bad client file identifier (IDENT)";
    this.#refuseFile({ code: errorCode.badClientFileIdent, message, action: "ClientReset" });
  }

  #waitForRescue(): void {
    this.#app.metrics.count("rescueWaits");
    this.fail(errorCode.initialSyncNotCompleted, rescueText, rescueBackOff);
  }

  /** Refuses a file that has to reset, but not while there is nothing to reset onto. */
  #refuseFile(refusal: LedgerRefusal): void {
    if (this.#app.rescue.replaces(refusal)) this.#waitForRescue();
    else this.#refuse(refusal);
  }

  #refuse(refusal: LedgerRefusal): void {
    if (refusal.damage !== undefined) return this.#broke(new Error(`the ledger is damaged: ${refusal.damage}`));
    const action = refusal.action as ErrorAction;
    this.fail(refusal.code, refusal.message, { action, tryAgain: action === "Transient" || action === "Warning" });
  }

  #sendError(code: number, message: string, overrides: Partial<ErrorInformation>): void {
    const { action, ...others } = overrides;
    const usual = (action as ErrorAction | undefined) ?? errorCodeInformation(code)?.action;
    const known = usual === undefined ? {} : { action: actionUnder(this.#app.settings, usual) };
    const information = errorInformation(code, message, { logURL: this.connection.logUrl, ...others, ...known });
    const body = JSON.stringify(information);
    this.connection.send({ type: "json_error", errorCode: code, session: this.ident, body });
  }

  #windUp(): void {
    if (this.#ledgerSession !== null) this.#app.active.delete(this.#ledgerSession);
    this.#app.sessions.delete(this);
    for (const { bytes } of this.#inbox) this.connection.worked(bytes);
    this.#inbox = [];
    this.#judged.resolve();
    this.#changed.raise();
    void this.#settle();
  }

  async #settle(): Promise<void> {
    while (this.#isWorking || !this.#downloads.isIdle || this.#uploadsUnderWay > 0) await this.#changed.wait();
    if (this.#ledgerSession !== null) this.#app.ledger.endSession(this.#ledgerSession);
    this.#ledgerSession = null;
    if (this.#app.files.get(this.#fileIdent) === this) this.#app.files.delete(this.#fileIdent);
    this.#settled.resolve();
  }

  // --- working through messages ---------------------------------------------------------------------------

  #workThroughInbox(): void {
    if (this.#isWorking || this.#inbox.length === 0) return;
    this.#work(async () => {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        await this.#handle(next);
        if (this.isOver) return;
      }
    });
  }

  /** Runs one piece of work; whatever it throws ends the session, never the server. */
  #work(task: () => Promise<void>): void {
    this.#isWorking = true;
    void task()
      .catch((error: unknown) => this.#broke(error))
      .finally(() => {
        this.#isWorking = false;
        this.#changed.raise();
        if (!this.isOver) this.#workThroughInbox();
      });
  }

  #broke(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.connection.failBy(error);
      return;
    }
    if (error instanceof Error && "code" in error) {
      if (error.code === "history-trimmed") return this.fail(errorCode.clientFileExpired, "Client file has expired");
      if (error.code === "query-too-costly") {
        // Asking again would cost as much again: the application has to ask for less.
        return this.fail(errorCode.badQuery, `Invalid query: ${error.message}`);
      }
      if (error.code === "restart-session") {
        // A bound of the ledger was reached: the client's next IDENT tells what has arrived.
        return this.fail(errorCode.sessionClosed, `session closed: ${error.message}`, restartLaterSeconds);
      }
    }
    this.#app.logger.error({ session: this.ident, err: error }, "a session failed");
    this.fail(errorCode.otherSessionError, "internal server error", restartLaterSeconds);
  }

  async #handle({ message, bytes }: Received): Promise<void> {
    if (message.type === "upload") {
      await this.#upload(message, bytes);
      return;
    }
    try {
      switch (message.type) {
        case "ident":
          return await this.#identify(message);
        case "query":
          return await this.#query(message);
        case "mark":
          return await this.#mark(message);
        case "json_error":
          return this.#clientError(message.errorCode, message.body);
        case "test_command":
          return this.#testCommand(message);
        default:
          throw new ProtocolError("unknown-message", message.type);
      }
    } finally {
      this.connection.worked(bytes);
    }
  }

  async #allocate(): Promise<void> {
    const { ledger, host } = this.#app;
    const salt = randomSalt(host);
    const ident = await ledger.allocateFileIdent(this.userId, salt, host.nowMs());
    if (this.isOver) return;
    this.#phase = "waiting";
    const fileIdent = BigInt(ident);
    this.connection.send({ type: "ident", session: this.ident, fileIdent, fileIdentSalt: BigInt(salt) });
  }

  async #identify(message: ClientIdentMessage): Promise<void> {
    const { ledger, host, limits } = this.#app;
    const problem = checkSubscriptionSet(message.query, limits);
    if (problem !== null) {
      this.fail(errorCode.badQuery, problem);
      return;
    }
    this.#fileIdentSalt = message.fileIdentSalt.toString();
    if (!(await this.#claimFile(message.fileIdent))) return;
    this.#queryVersion = Math.max(this.#queryVersion, message.queryVersion);
    const { revision } = this.#app.roles;
    const role = await this.#app.roles.roleOf(this.userId);
    if (this.isOver) return;
    const answer = await ledger.identify(
      {
        fileIdent: message.fileIdent.toString(),
        fileIdentSalt: this.#fileIdentSalt,
        userId: this.userId,
        downloadServerVersion: message.downloadServerVersion,
        downloadClientVersion: message.downloadClientVersion,
        latestServerVersion: message.latestServerVersion,
        latestServerVersionSalt: message.latestServerVersionSalt.toString(),
        queryVersion: message.queryVersion,
        query: message.query,
        role,
        isOwnClient: this.isOwnClient,
        protocolVersion: this.connection.protocolVersion,
        schemaVersion: this.#bindOptions.schemaVersion,
      },
      host.nowMs(),
    );
    if ("refusal" in answer) {
      this.#refuseFile(answer.refusal);
      return;
    }
    this.#ledgerSession = answer.session;
    this.#judged.resolve();
    if (this.isOver || !(await this.#isStillRole(role, revision))) return;
    const change = schemaVersionChange(answer.previousSchemaVersion, this.connection.protocolVersion);
    if (change !== null) this.#sendError(errorCode.schemaVersionChanged, change.text, change.fields);
    for (const compensation of answer.compensations) this.#sendCompensation(compensation);
    this.#app.active.set(answer.session, this);
    this.#downloads.open(answer.session, answer.bootstrapDue);
    await this.#app.tellRuleFields([this]);
  }

  /** Whether the role that the session was opened with is its user's still; otherwise the session ends. */
  async #isStillRole(role: Role, computedAt: number): Promise<boolean> {
    const { roles } = this.#app;
    for (let revision = computedAt; revision !== roles.revision;) {
      revision = roles.revision;
      if (!isSameRole(role, await roles.roleOf(this.userId))) this.roleChanged();
      if (this.isOver) return false;
    }
    this.#role = role;
    return true;
  }

  /** Makes this the one session of its client file, or says why it cannot be. */
  async #claimFile(fileIdent: bigint): Promise<boolean> {
    const claim = await claimFile(this.#app.files, this, fileIdent);
    if (claim === "bound-on-same-connection") {
      this.connection.fail(errorCode.boundInOtherSession, "Client file bound in other session (IDENT)");
    } else if (claim === "of-another-user") {
      this.fail(errorCode.userMismatch, "User mismatch for client file identifier (IDENT)");
    } else if (claim === "of-another-salt") {
      const message = "Bad client file identifier salt (IDENT)";
      this.#refuseFile({ code: errorCode.divergingHistories, message, action: "ClientReset" });
    }
    if (claim === "claimed") this.#fileIdent = fileIdent;
    return claim === "claimed";
  }

  async #query(message: QueryMessage): Promise<void> {
    await this.#until(() => this.#downloads.bootstrapsOwed === 0 && this.#uploadsUnderWay === 0);
    const session = this.#ledgerSession;
    if (this.isOver || session === null) return;
    this.#app.metrics.count("queries");
    const problem =
      checkSubscriptionSet(message.query, this.#app.limits) ?? (await this.#ledgerQuery(session, message));
    if (this.isOver) return;
    if (problem === null) {
      this.#downloads.expectBootstrap();
      return;
    }
    this.#app.metrics.count("queryErrors");
    this.connection.send({
      type: "query_error",
      errorCode: errorCode.badQuery,
      session: this.ident,
      queryVersion: message.queryVersion,
      message: problem,
    });
  }

  /** Hands a QUERY to the ledger while no download of the session is being made. */
  async #ledgerQuery(session: LedgerSession, message: QueryMessage): Promise<string | null> {
    await this.holdDownloads();
    try {
      return await this.#app.ledger.query(session, message.queryVersion, message.query);
    } finally {
      this.releaseDownloads();
    }
  }

  async #mark(message: MarkMessage): Promise<void> {
    await this.#until(() => this.#uploadsUnderWay === 0);
    if (this.isOver) return;
    this.#downloads.addMark(message.request);
  }

  async #upload(message: UploadMessage, bytes: number): Promise<void> {
    let isSubmitted = false;
    try {
      await this.#until(() => this.#downloads.bootstrapsOwed === 0);
      const body = this.isOver ? null : await uncompressBody(message);
      const session = this.#ledgerSession;
      if (body === null || this.isOver || session === null) return;
      // A broken frame is an error of the connection, a broken changeset inside only one of the session.
      parseUploadEntries(body);
      this.#app.metrics.count("uploads");
      const { progressClientVersion, progressServerVersion, lockedServerVersion } = message;
      const upload = { session, progressClientVersion, progressServerVersion, lockedServerVersion, body };
      this.#uploadsUnderWay += 1;
      isSubmitted = true;
      void this.#integrate(upload, bytes);
    } finally {
      if (!isSubmitted) this.connection.worked(bytes);
    }
  }

  async #integrate(upload: Upload, bytes: number): Promise<void> {
    try {
      const answer = await this.#app.commits.submit(this, upload);
      if (answer === null || this.isOver) return;
      if (answer.changesets > 0) {
        this.#app.clockSkew.note(this.#fileIdent.toString(), this.userId, answer.clockAheadMs);
      }
      for (const compensation of answer.compensations) this.#sendCompensation(compensation);
      if (answer.refusal !== undefined) this.#refuse(answer.refusal);
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#uploadsUnderWay -= 1;
      this.connection.worked(bytes);
      this.#changed.raise();
    }
  }

  #sendCompensation(compensation: Compensation): void {
    this.#sendError(errorCode.compensatingWrite, compensationText, compensationFields(compensation));
  }

  #clientError(code: number, body: string): void {
    const text = clientErrorText(body).slice(0, 1000);
    this.#app.logger.warn({ session: this.ident, user: this.userId, code, text }, "a client reported an error");
    this.fail(errorCode.badClientFile, `The client reported error ${code}: ${text}`);
  }

  #testCommand(message: TestCommandMessage): void {
    const { request } = message;
    this.connection.send({ type: "test_command", session: this.ident, request, body: "{}" });
    if (!this.#app.developmentMode) return;
    const { command, args } = readTestCommand(message.body);
    if (command === "PAUSE_DOWNLOAD_BUILDER") this.#downloads.pause(true);
    if (command === "RESUME_DOWNLOAD_BUILDER") this.#downloads.pause(false);
    if (command !== "ECHO_ERROR" || typeof args["errorCode"] !== "number") return;
    if (errorCodeInformation(args["errorCode"])?.isSendable === false) return;
    const overrides = (args["errorBody"] ?? {}) as Partial<ErrorInformation>;
    this.fail(args["errorCode"], overrides.message ?? "", overrides);
  }

  /** Waits until a condition holds or the session is over. */
  async #until(condition: () => boolean): Promise<void> {
    while (!this.isOver && !condition()) await this.#changed.wait();
  }

  // --- downloads ------------------------------------------------------------------------------------------

  wake(): void {
    this.#downloads.wake();
  }

  holdDownloads(): Promise<void> {
    return this.#downloads.hold();
  }

  releaseDownloads(): void {
    this.#downloads.release();
  }
}
