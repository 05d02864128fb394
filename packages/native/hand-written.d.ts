/** The core as the engine asks for it: its interface `Core`. */
export declare const core: {
  readonly kind: "native";
  openStore(path: string | null, options: string, key?: Uint8Array | null, seed?: Uint8Array | null): NativeStore;
  isOpen(path: string): boolean;
  closeAll(): void;
  deleteStore(path: string): void;
};

/**
 * Functions that read single objects; see `NativeStore.hotReads`. The answer stands in the bytes where the packed key
 * stood, or where it was asked for; what does not fit there is left out.
 */
export interface HotReads {
  /** Object with the packed key that stands there, or −1. */
  find(bytes: Uint8Array, at: number, snapshot: number, classIndex: number, keyLength: number): number;
  /** The same, with its row: `f64 object`, and behind it what `row` gives, whose length is the answer; or −1. */
  findRow(bytes: Uint8Array, at: number, snapshot: number, classIndex: number, keyLength: number): number;
  /** What `NativeStore.row` gives; the answer is its length, or −1. */
  row(bytes: Uint8Array, at: number, snapshot: number, classIndex: number, object: number): number;
  /** The greatest integer among the primary keys of a class, −∞ if it has none; reads no bytes. */
  greatestKey(bytes: Uint8Array, at: number, snapshot: number, classIndex: number): number;
}
