/**
 * Write transactions, and who is next.
 *
 * @module
 */

import type { Database } from "@tidemark/engine";
import { type Cancellation, throwIfCancelled, untilCancelled } from "./cancellation.js";
import { engine } from "./engine.js";
import { call, RealmException } from "./errors.js";

/** Open transactions by file, and those who wait for their end. */
const open = new WeakMap<Database, Transaction>();

/** A write transaction that is ended by hand: {@link Realm.beginWrite} begins one. */
export class Transaction {
  readonly #database: Database;
  #end: () => void = () => undefined;
  /** @internal Resolves when the transaction is over. */
  readonly ended: Promise<void>;

  private constructor(database: Database) {
    this.#database = database;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** @internal Begins one over the newest version. */
  static begin(database: Database): Transaction {
    call(() => database.beginWrite());
    const transaction = new Transaction(database);
    open.set(database, transaction);
    return transaction;
  }

  /** @internal Begins one in a later turn, when no other of the file is open on this thread. */
  static async beginAsync(database: Database, cancellation: Cancellation | undefined): Promise<Transaction> {
    const { host } = engine();
    throwIfCancelled(cancellation);
    await untilCancelled(host, new Promise<void>((resolve) => host.defer(resolve)), cancellation);
    for (let before = open.get(database); before !== undefined; before = open.get(database)) {
      await untilCancelled(host, before.ended, cancellation);
    }
    return Transaction.begin(database);
  }

  /** Whether it can still be committed. */
  get isOpen(): boolean {
    return open.get(this.#database) === this;
  }

  #require(): void {
    if (!this.isOpen) throw new RealmException("Transaction was already closed. Cannot commit or roll back");
  }

  #close(): void {
    open.delete(this.#database);
    this.#end();
  }

  /** Makes the changes durable. */
  commit(): void {
    this.#require();
    try {
      call(() => this.#database.commitWrite());
    } finally {
      if (!this.#database.isInWrite) this.#close();
    }
  }

  /** The same in a later turn. A token that is cancelled before leaves the transaction open. */
  async commitAsync(cancellationToken?: Cancellation): Promise<void> {
    this.#require();
    throwIfCancelled(cancellationToken);
    const { host } = engine();
    await untilCancelled(host, new Promise<void>((resolve) => host.defer(resolve)), cancellationToken);
    this.commit();
  }

  /** Undoes the changes. */
  rollback(): void {
    this.#require();
    if (this.#database.isInWrite) call(() => this.#database.cancelWrite());
    this.#close();
  }

  /** @internal Undoes it if it is open: its realm is being closed. */
  abandon(): void {
    if (!this.isOpen) return;
    if (!this.#database.isClosed && this.#database.isInWrite) this.#database.cancelWrite();
    this.#close();
  }
}
