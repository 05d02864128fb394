/**
 * A core that holds only what the session loop looks at, so that a test can set and see all of it.
 *
 * @module
 */

import type {
  Core,
  CoreStore,
  DownloadProgress,
  PendingReset,
  SubscriptionSetInformation,
  SyncState,
} from "../core.js";

/** What happened to a fake file, in order. */
export type FakeCall = readonly [name: string, ...values: unknown[]];

/** The state of a fake file. */
export class FakeFile {
  state: SyncState = {
    fileIdent: "0",
    fileIdentSalt: "0",
    downloadServerVersion: 0,
    downloadClientVersion: 0,
    latestServerVersion: 0,
    latestServerVersionSalt: "0",
    uploadClientVersion: 0,
    uploadServerVersion: 0,
    clientVersion: 1,
    newestUploadableVersion: 0,
    bytesUploaded: 0,
    bytesUploadable: 0,
    bytesDownloaded: 0,
    bytesDownloadable: 0,
    pendingBootstrapBytes: 0,
  };
  sets: SubscriptionSetInformation[] = [
    { version: 0, state: "pending", error: null, snapshotVersion: 0, subscriptions: [] },
  ];
  readonly calls: FakeCall[] = [];
  /** Client versions with something to upload. */
  readonly uploadable: Set<number> = new Set();
  /** How many of them were acknowledged and are forgotten. */
  #forgottenCount = 0;
  openCount = 0;
  /** How often the file was told that nobody takes uploads. */
  uploadsPausedCount = 0;
  /** Slices that the next integration takes. */
  sliceCount = 1;
  /** What the next integrations and uploads throw. */
  fault: Error | undefined;
  /** A finished bootstrap waits to be applied. */
  finishedBootstrap: number | undefined;
  #bootstrap: { queryVersion: number; progress: DownloadProgress; parts: Uint8Array[] } | undefined;
  /** Called with the parts of a bootstrap that is applied. */
  onApplied: (parts: readonly Uint8Array[]) => void = () => undefined;

  /** A commit of the application. */
  commit(isUploadable: boolean = true): number {
    const version = this.state.clientVersion + 1;
    if (isUploadable) this.uploadable.add(version);
    this.change({
      clientVersion: version,
      ...(isUploadable ? { newestUploadableVersion: version } : {}),
      bytesUploadable: this.state.bytesUploadable + (isUploadable ? 100 : 0),
    });
    return version;
  }

  /** A subscription set of the application. */
  subscribe(className: string, query: string): number {
    const snapshotVersion = this.commit(false);
    const version = (this.sets.at(-1)?.version ?? 0) + 1;
    const subscription = { id: "", name: null, className, query, createdAtMs: 0, updatedAtMs: 0 };
    this.sets.push({ version, state: "pending", error: null, snapshotVersion, subscriptions: [subscription] });
    return version;
  }

  /** Forgets calls, and versions that are acknowledged. */
  forget(): void {
    this.calls.length = 0;
    for (const version of Array.from(this.uploadable)) {
      if (version > this.state.uploadClientVersion) continue;
      this.uploadable.delete(version);
      this.#forgottenCount += 1;
    }
  }

  change(change: Partial<SyncState>): void {
    this.state = { ...this.state, ...change };
  }

  #take(progress: DownloadProgress): void {
    const { progressEstimate: _, ...cursors } = progress;
    const acknowledged = [...this.uploadable].filter((version) => version <= progress.uploadClientVersion).length;
    const bytesUploaded = (this.#forgottenCount + acknowledged) * 100;
    this.change({ ...cursors, clientVersion: this.state.clientVersion + 1, bytesUploaded });
  }

  integrate(progress: DownloadProgress, body: Uint8Array): string {
    if (this.fault !== undefined) throw this.fault;
    if (body.length > 0) this.calls.push(["integrate", progress.downloadServerVersion, body.length]);
    this.sliceCount -= 1;
    if (this.sliceCount > 0) return JSON.stringify({ version: this.state.clientVersion, done: false });
    this.sliceCount = 1;
    this.#take(progress);
    return JSON.stringify({ version: this.state.clientVersion, done: true });
  }

  storeBootstrap(
    queryVersion: number,
    first: boolean,
    last: boolean,
    progress: DownloadProgress,
    body: Uint8Array,
  ): void {
    this.calls.push(["storeBootstrap", queryVersion, first, last]);
    this.#bootstrap = { queryVersion, progress, parts: [...(first ? [] : (this.#bootstrap?.parts ?? [])), body] };
  }

  applyBootstrap(): string {
    const queryVersion = this.#bootstrap?.queryVersion ?? this.finishedBootstrap ?? 0;
    this.calls.push(["applyBootstrap", queryVersion]);
    if (this.#bootstrap !== undefined) {
      this.onApplied(this.#bootstrap.parts);
      this.#take(this.#bootstrap.progress);
    }
    this.#bootstrap = undefined;
    this.finishedBootstrap = undefined;
    this.sets = this.sets.filter(({ version }) => version >= queryVersion);
    return JSON.stringify({ version: this.state.clientVersion, done: true, queryVersion });
  }

  /** The client reset that is not acknowledged yet. */
  pendingReset: PendingReset | undefined;

  discardPartialBootstrap(): boolean {
    this.#bootstrap = undefined;
    return this.finishedBootstrap !== undefined;
  }

  setState(version: number, state: SubscriptionSetInformation["state"], error: string | null): void {
    this.calls.push(["setState", version, state]);
    this.sets = this.sets.map((set) => (set.version === version ? { ...set, state, error } : set));
  }

  nextUpload(scan: number, scanServer: number, target: number): Uint8Array {
    if (this.fault !== undefined) throw this.fault;
    const versions = [...this.uploadable].filter((version) => version > scan && version <= target);
    const serverVersion = Math.max(scanServer, this.state.downloadServerVersion);
    const bytes = new Uint8Array(20 + versions.length);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, target, true);
    view.setFloat64(8, serverVersion, true);
    view.setUint32(16, versions.length, true);
    return bytes;
  }
}

function notUsed(): never {
  throw new Error("the session loop does not use this");
}

function storeOf(file: FakeFile): CoreStore {
  const store: Partial<CoreStore> = {
    close: () => {
      file.openCount -= 1;
    },
    version: () => file.state.clientVersion,
    syncState: () => JSON.stringify(file.state),
    subscriptionSets: () => JSON.stringify(file.sets),
    setFileIdent: (ident, salt) => {
      file.calls.push(["setFileIdent", ident]);
      file.change({ fileIdent: String(ident), fileIdentSalt: String(salt) });
    },
    setSubscriptionState: (version, state, error) =>
      file.setState(version, state as SubscriptionSetInformation["state"], error),
    nextUpload: (scan, scanServer, target) => file.nextUpload(scan, scanServer, target),
    setRuleFields: (fields) => {
      file.calls.push(["setRuleFields", JSON.parse(fields) as unknown]);
    },
    uploadsPaused: () => {
      file.uploadsPausedCount += 1;
    },
    integrate: (progress, body) => file.integrate(JSON.parse(progress) as DownloadProgress, body),
    storeBootstrap: (queryVersion, first, last, progress, body) =>
      file.storeBootstrap(queryVersion, first, last, JSON.parse(progress) as DownloadProgress, body),
    applyBootstrap: () => file.applyBootstrap(),
    discardPartialBootstrap: () => file.discardPartialBootstrap(),
    pendingReset: () => (file.pendingReset === undefined ? null : JSON.stringify(file.pendingReset)),
    checkReset: () => "discard",
    finishReset: () => {
      file.calls.push(["finishReset"]);
      file.pendingReset = undefined;
    },
  };
  return store as CoreStore;
}

/** Makes a core of a file and the fresh copy that a client reset may make of it. */
export function fakeCore(file: FakeFile, copy: FakeFile = new FakeFile()): Core {
  return fakeCoreOf((path) => (path.endsWith(".fresh") ? copy : file));
}

/** Makes a core of files by their paths. */
export function fakeCoreOf(fileAt: (path: string) => FakeFile): Core {
  return {
    kind: "native",
    openStore: (path) => {
      const opened = fileAt(path ?? "");
      opened.openCount += 1;
      return storeOf(opened);
    },
    isOpen: (path) => fileAt(path).openCount > 0,
    closeAll: notUsed,
    deleteStore: () => undefined,
  };
}
