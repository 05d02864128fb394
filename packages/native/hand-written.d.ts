/** The core as the engine asks for it: its interface `Core`. */
export declare const core: {
  readonly kind: "native";
  openStore(path: string | null, options: string): NativeStore;
  isOpen(path: string): boolean;
  closeAll(): void;
  deleteStore(path: string): void;
};
