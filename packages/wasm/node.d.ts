// Written by hand, so that what is compiled against it needs no module. Meanings stand with `Core` and `CoreStore` in
// @tidemark/engine.

/** The core, as the engine uses it. */
export declare const core: {
  readonly kind: "wasm";
  openStore(path: string | null, options: string, key?: Uint8Array | null, seed?: Uint8Array | null): WasmStore;
  isOpen(path: string): boolean;
  closeAll(): void;
  deleteStore(path: string): void;
};

/** Replays one line of a golden vector of the format given, in modules that are built for that; the answer is JSON. */
export declare function replayVector(format: string, line: string): string;

/** A handle of one open database. */
export declare class WasmStore {
  private constructor();
  close(): void;
  sizes(): string;
  compact(): boolean;
  writeCopy(path: string, form: string, key?: Uint8Array | null, seed?: Uint8Array | null): void;
  schema(snapshot: number): string;
  updateSchema(schema: string): void;
  migrateSchema(operations: string): void;
  declaredVersion(snapshot: number): number;
  setDeclaredVersion(version: number): void;
  version(): number;
  beginRead(): number;
  snapshotVersion(snapshot: number): number;
  endRead(snapshot: number): void;
  count(snapshot: number, classIndex: number): number;
  find(snapshot: number, classIndex: number, packedKey: Uint8Array): number;
  row(snapshot: number, classIndex: number, object: number): Uint8Array | null;
  rows(snapshot: number, classIndex: number, objects: Float64Array): Uint8Array;
  column(snapshot: number, classIndex: number, column: number, objects?: Float64Array | null): Uint8Array;
  sum(snapshot: number, classIndex: number, column: number, objects?: Float64Array | null): number;
  query(
    snapshot: number,
    classIndex: number,
    text: string,
    parameters: Uint8Array,
    restrict?: Float64Array | null,
  ): Float64Array;
  setQueryNames(names: string): void;
  origins(
    snapshot: number,
    classIndex: number,
    targets: Float64Array,
    originClass: number,
    column: number,
  ): Float64Array;
  linkPositions(
    snapshot: number,
    classIndex: number,
    object: number,
    column: number,
    targetClass: number,
    targets: Float64Array,
  ): Float64Array;
  collectionSizes(snapshot: number, classIndex: number, object: number, column: number, path: Uint8Array): Uint8Array;
  valueAt(snapshot: number, classIndex: number, object: number, column: number, path: Uint8Array): Uint8Array;
  setContains(
    snapshot: number,
    classIndex: number,
    object: number,
    column: number,
    path: Uint8Array,
    value: Uint8Array,
  ): boolean;
  describeQuery(snapshot: number, classIndex: number, text: string, parameters: Uint8Array): string;
  changesSince(version: number): string;
  beginWrite(timeoutMs: number): number;
  mutate(batch: Uint8Array): Uint8Array;
  commitWrite(timestampMs: number): number;
  abortWrite(): void;
  subscriptionSets(): string;
  commitSubscriptionSet(subscriptions: string, timestampMs: number): number;
  setSubscriptionState(version: number, state: string, error?: string | null): void;
  setRuleFields(fields: string): void;
  syncState(): string;
  setFileIdent(ident: bigint, salt: bigint): void;
  nextUpload(scanVersion: number, scanServerVersion: number, targetVersion: number, bytesMax: number): Uint8Array;
  uploadsPaused(): void;
  integrate(progress: string, body: Uint8Array, timestampMs: number): string;
  storeBootstrap(queryVersion: number, first: boolean, last: boolean, progress: string, body: Uint8Array): void;
  applyBootstrap(timestampMs: number): string;
  discardPartialBootstrap(): boolean;
  pendingReset(): string | null;
  checkReset(policy: string, allowsRecovery: boolean): "recover" | "discard";
  beginReset(demand: string): "recover" | "discard";
  resetFrom(fresh: WasmStore, timestampMs: number): number;
  finishReset(): void;
  resetReports(): string | null;
  forgetResetReports(): void;
  shareRead(snapshot: number): void;
}
