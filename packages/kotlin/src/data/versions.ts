/**
 * The versions of a realm that are in use. The newest is kept; an older one is closed when nobody can reach an object
 * of it any more, or with the realm.
 *
 * @module
 */

import type { RealmFile } from "@tidemark/engine";
import type { Binding } from "../binding.js";
import { engine } from "../engine.js";

/** A file that shows one version, among those that are open. */
interface Frozen {
  readonly file: RealmFile;
  readonly open: Set<RealmFile>;
}

function close({ file, open }: Frozen): void {
  // Those of a closed realm are closed already.
  if (open.delete(file)) file.close();
}

const unreachable = new FinalizationRegistry<Frozen>(close);

/** The versions of one realm. */
export class Versions {
  readonly #file: RealmFile;
  readonly #bind: (file: RealmFile) => Binding;
  readonly #open = new Set<RealmFile>();
  #newest: { readonly version: number; readonly binding: Binding } | undefined;

  /** @param bind makes the binding that all objects of a version hold on to. */
  constructor(file: RealmFile, bind: (file: RealmFile) => Binding) {
    this.#file = file;
    this.#bind = bind;
  }

  /** The newest version; inside of a write transaction the one before it. */
  current(): Binding {
    const { version } = this.#file.database;
    if (this.#newest?.version === version) return this.#newest.binding;
    const frozen = engine().freeze(this.#file, "committed");
    const binding = this.#bind(frozen);
    this.#open.add(frozen);
    unreachable.register(binding, { file: frozen, open: this.#open });
    this.#newest = { version, binding };
    return binding;
  }

  /** How many are in use. */
  get count(): number {
    return this.#open.size;
  }

  close(): void {
    this.#newest = undefined;
    for (const file of Array.from(this.#open)) close({ file, open: this.#open });
  }
}
