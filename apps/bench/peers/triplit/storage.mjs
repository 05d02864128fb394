// Where Triplit keeps data: in memory (`-`), or with LMDB in a folder.
import { LmdbKVStore } from "@triplit/client/storage/lmdb";
import { defaultMemoryStorage } from "@triplit/server/storage";
import { open } from "lmdb";

export function openStorage(folder) {
  return folder === "-" ? defaultMemoryStorage() : new LmdbKVStore(open({ path: folder }));
}
