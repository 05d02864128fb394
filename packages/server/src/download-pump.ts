/**
 * The outgoing side of a session: pulls what the ledger owes the client, as fast as the client reads, and answers
 * MARKs behind it.
 *
 * @module
 */

import { batchState, type ServerMessage } from "@tidemark/protocol";
import { Signal } from "./concurrency.js";
import type { DownloadPart, LedgerSession } from "./ledger.js";
import type { SyncApp } from "./sync-app.js";

/** After a larger one a client may be owed much more. */
const updateBytesMax = 64 * 1024;

/** Where downloads go. */
export interface DownloadReceiver {
  send(message: ServerMessage): void;
  /** Whether the receiver keeps up, so that downloads may be made for it. */
  readonly hasRoom: boolean;
  /** Resolves when there is room again, or when the connection is over. */
  room(): Promise<void>;
}

/** What {@link DownloadPump} needs. */
export interface DownloadPumpContext {
  readonly app: SyncApp;
  /** The session's ident in messages. */
  readonly ident: number;
  readonly peer: DownloadReceiver;
  readonly isOver: () => boolean;
  /** Called when {@link DownloadPump.bootstrapsOwed} or {@link DownloadPump.isIdle} may have changed. */
  readonly onChange: () => void;
  readonly onBroken: (error: unknown) => void;
}

interface PendingMark {
  readonly request: number;
  /** Everything up to this version was there when the mark was read. */
  readonly version: number;
  /** How many bootstraps must be over before it is answered. */
  readonly bootstraps: number;
}

/** Pulls and sends the downloads of one session. */
export class DownloadPump {
  readonly #context: DownloadPumpContext;
  readonly #pulled = new Signal();
  #session: LedgerSession | null = null;
  #marks: PendingMark[] = [];
  #bootstrapsOwed = 0;
  #bootstrapsDone = 0;
  #isInBootstrap = false;
  #holds = 0;
  #isPaused = false;
  #isResting = false;
  #isWanted = false;
  #isPumping = false;
  #isPulling = false;
  /** Whether the client had everything when it was last asked for: what it is owed since is little. */
  #isUpToDate = false;
  #serverVersion = 0;
  #uploadClientVersion = 0;

  constructor(context: DownloadPumpContext) {
    this.#context = context;
  }

  /** Bootstraps whose last part was not sent yet. */
  get bootstrapsOwed(): number {
    return this.#bootstrapsOwed;
  }

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return !this.#isPumping;
  }

  /** Server version up to which the client was served. */
  get serverVersion(): number {
    return this.#serverVersion;
  }

  /** Newest acknowledgement that was sent. */
  get uploadClientVersion(): number {
    return this.#uploadClientVersion;
  }

  /** Begins to serve a session that the ledger has identified. */
  open(session: LedgerSession, isBootstrapDue: boolean): void {
    this.#session = session;
    if (isBootstrapDue) this.#bootstrapsOwed += 1;
    this.wake();
  }

  /** The ledger has taken a QUERY: its bootstrap follows. */
  expectBootstrap(): void {
    this.#bootstrapsOwed += 1;
    this.wake();
  }

  /** Answers a MARK when everything owed at this moment was sent; of very many, the newest for all. */
  addMark(request: number): void {
    const bootstraps = this.#bootstrapsDone + this.#bootstrapsOwed;
    // A later answer is one to the marks before it too.
    if (this.#marks.length >= this.#context.app.limits.marksMax) this.#marks.pop();
    this.#marks.push({ request, version: this.#context.app.ledger.version(), bootstraps });
    this.wake();
  }

  /** There may be something to send. */
  wake(): void {
    this.#isWanted = true;
    if (!this.#isPumping && this.#session !== null && !this.#context.isOver()) void this.#pump();
  }

  /** Keeps further pulls off; resolves once none is under way. */
  async hold(): Promise<void> {
    this.#holds += 1;
    while (this.#isPulling) await this.#pulled.wait();
  }

  release(): void {
    this.#holds -= 1;
    if (this.#isWanted) this.wake();
  }

  /** Stops or goes on by order of a test command. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.wake();
  }

  async #pump(): Promise<void> {
    const { peer, isOver, onBroken, onChange } = this.#context;
    this.#isPumping = true;
    try {
      while (this.#isWanted && this.#holds === 0 && !this.#isPaused && !this.#isResting && !isOver()) {
        if (peer.hasRoom) await this.#pullOnce();
        else await peer.room();
      }
    } catch (error) {
      onBroken(error);
    } finally {
      this.#isPumping = false;
      onChange();
    }
  }

  async #pullOnce(): Promise<void> {
    this.#isWanted = false;
    const marksBefore = this.#marks.length;
    const part = await this.#pull();
    if (this.#context.isOver()) return;
    const isAll = part === null || part.isLast;
    this.#isUpToDate = isAll || (this.#isUpToDate && part.uncompressedSize <= updateBytesMax);
    if (part === null) {
      // Nothing is owed: neither entries nor bootstraps, so every mark that was there before the question is due.
      for (const mark of this.#marks.splice(0, marksBefore)) this.#answer(mark);
      return;
    }
    // Marks that were there before the question are answered with the message: it goes up to the newest version.
    if (!isAll) this.#isWanted = true;
    this.#send(part);
    this.#rest();
  }

  /** Where downloads are to be slow, the next one is made a while after this one. */
  #rest(): void {
    const { host, downloadSettings } = this.#context.app;
    if (downloadSettings.pauseMs === 0) return;
    this.#isResting = true;
    host.after(downloadSettings.pauseMs, () => {
      this.#isResting = false;
      this.wake();
    });
  }

  async #pull(): Promise<DownloadPart | null> {
    const { app, isOver } = this.#context;
    this.#isPulling = true;
    try {
      if (this.#session !== null && this.#isUpToDate && this.#bootstrapsOwed === 0) {
        return await app.updates.next(this.#session, isOver);
      }
      return await app.downloads.run(async () => {
        if (this.#session === null || isOver()) return null;
        return await app.ledger.nextDownload(this.#session, app.downloadSettings);
      });
    } finally {
      this.#isPulling = false;
      this.#pulled.raise();
    }
  }

  #send(part: DownloadPart): void {
    const { app, ident, peer, onChange } = this.#context;
    app.metrics.count("downloads");
    app.metrics.count("entriesSent", part.entries);
    peer.send({
      type: "download",
      session: ident,
      downloadServerVersion: part.downloadServerVersion,
      downloadClientVersion: part.downloadClientVersion,
      latestServerVersion: part.latestServerVersion,
      latestServerVersionSalt: BigInt(part.latestServerVersionSalt),
      uploadClientVersion: part.uploadClientVersion,
      uploadServerVersion: part.uploadServerVersion,
      queryVersion: part.queryVersion,
      batchState: part.batchState,
      progressEstimate: part.progressEstimate,
      isCompressed: part.isCompressed,
      uncompressedSize: part.uncompressedSize,
      body: part.body,
    });
    this.#serverVersion = part.downloadServerVersion;
    this.#uploadClientVersion = part.uploadClientVersion;
    this.#isInBootstrap = part.batchState === batchState.moreToCome;
    if (part.batchState === batchState.lastInBatch) {
      this.#bootstrapsOwed = Math.max(0, this.#bootstrapsOwed - 1);
      this.#bootstrapsDone += 1;
      onChange();
    }
    if (!this.#isInBootstrap) this.#answerReached(part.downloadServerVersion);
  }

  /** Answers marks that a constant stream of new versions would otherwise keep waiting. */
  #answerReached(version: number): void {
    for (let mark = this.#marks[0]; mark !== undefined; mark = this.#marks[0]) {
      if (mark.version > version || mark.bootstraps > this.#bootstrapsDone) return;
      this.#marks.shift();
      this.#answer(mark);
    }
  }

  #answer(mark: PendingMark): void {
    this.#context.peer.send({ type: "mark", session: this.#context.ident, request: mark.request });
  }
}
