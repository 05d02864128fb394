/** The core as the engine asks for it: its interface `Core`. */
export declare const core: {
  readonly kind: "native";
  openStore(path: string | null, options: string, key?: Uint8Array | null, seed?: Uint8Array | null): NativeStore;
  isOpen(path: string): boolean;
  closeAll(): void;
  deleteStore(path: string): void;
};
