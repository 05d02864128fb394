/**
 * One client under fire: an ordinary file of the engine with its session, and a hand that writes and subscribes.
 *
 * @module
 */

import {
  type Engine,
  type FileSync,
  packParameters,
  type RealmFile,
  Results,
  type SyncErrorInformation,
  type SyncState,
  syncStatusCode,
  type User,
} from "@tidemark/engine";
import type { Dice } from "../harness/dice.js";
import { classes } from "./schema.js";
import { queryOf, randomSelections, type Selection, type Subscriber } from "./subscriptions.js";
import type { Watch } from "./watch.js";
import { layoutOf, Writer, type Writing } from "./writer.js";

/** What a device is made of. */
export interface DeviceParts extends Writing {
  readonly engine: Engine;
  readonly user: User;
  readonly path: string;
  readonly dice: Dice;
  readonly watch: Watch;
  readonly groupCount: number;
  readonly hasRules: boolean;
}

/** A write that the server has undone and reported. */
interface Reported {
  readonly className: string;
  readonly key: string;
}

/** A device. */
export class Device {
  readonly parts: DeviceParts;
  readonly writer: Writer;
  /** What the device has subscribed to last. */
  selections: readonly Selection[] = [];
  readonly reported: Reported[] = [];
  /** Errors that no fault explains. */
  readonly errors: string[] = [];
  restartCount = 0;
  #file: RealmFile;

  constructor(parts: DeviceParts) {
    this.parts = parts;
    this.writer = new Writer(parts, parts.dice);
    this.#file = this.#open();
  }

  get name(): string {
    return `device ${this.parts.device} of user ${this.parts.owner}`;
  }

  get file(): RealmFile {
    return this.#file;
  }

  get sync(): FileSync {
    const { sync } = this.#file;
    if (sync === undefined) throw new Error("the file is synced");
    return sync;
  }

  #open(): RealmFile {
    const { engine, path, user } = this.parts;
    return engine.open({
      path,
      isInMemory: false,
      isReadOnly: false,
      classes,
      sync: {
        user,
        schemaVersion: 0,
        headers: {},
        stopPolicy: "immediately",
        cancelsWaitsOnNonFatalError: false,
        onError: (_session, error) => this.#onError(error),
      },
    });
  }

  #onError(error: SyncErrorInformation): void {
    if (error.status !== syncStatusCode.syncCompensatingWrite) {
      this.errors.push(`${this.name}: error ${error.status} (${error.protocolCode ?? "own"}): ${error.message}`);
      return;
    }
    for (const { objectName, primaryKey } of error.writes) {
      this.reported.push({ className: objectName, key: String(primaryKey) });
    }
  }

  /** Takes a new random set of subscriptions. */
  subscribe(): void {
    const { dice, owner, homeGroup, groupCount, hasRules } = this.parts;
    const subscriber: Subscriber = { owner, homeGroup, groupCount, hasRules };
    this.subscribeTo(randomSelections(subscriber, dice));
  }

  subscribeTo(selections: readonly Selection[]): void {
    const { watch, user } = this.parts;
    // Before the first byte of it can arrive.
    watch.allow(user.id, selections);
    this.selections = selections;
    const { database } = this.#file;
    this.sync.subscriptions.update((draft) => {
      draft.remove(() => true);
      for (const selection of selections) {
        const all = new Results(database, layoutOf(database, selection.className), { kind: "class" }, []);
        draft.add(all.refine(queryOf(selection), packParameters(database, [])));
      }
    });
  }

  /** Resolves when the newest subscriptions have arrived. */
  async subscribed(): Promise<void> {
    const { subscriptions } = this.sync;
    const { version } = subscriptions.latest();
    if (version > 0) await subscriptions.waitForSynchronization(version);
  }

  /** One random act. */
  act(): void {
    const { dice } = this.parts;
    const { session } = this.sync;
    const chance = dice.below(100);
    if (chance < 4) this.subscribe();
    else if (chance < 6) this.#restart();
    else if (chance < 8 && session.state === "active") session.pause();
    else if (session.state === "paused") session.resume();
    this.writer.write(this.#file.database);
  }

  /** The application ends and begins again. */
  #restart(): void {
    this.restartCount += 1;
    this.#file.close();
    this.#file = this.#open();
  }

  /**
   * Goes back to work, whatever the last act was. As on a device that is told that it is online again, the waiting
   * between attempts ends: after failures in a row it may take minutes.
   */
  wake(): void {
    const { session } = this.sync;
    if (session.state === "paused") session.resume();
    else session.reconnect();
  }

  get hasUploadedAll(): boolean {
    const { newestUploadableVersion, uploadClientVersion } = this.state();
    return newestUploadableVersion <= uploadClientVersion;
  }

  state(): SyncState {
    return JSON.parse(this.#file.database.store.syncState()) as SyncState;
  }

  /** Where it stands, for a report of one that hangs. */
  describe(): string {
    const { session, subscriptions } = this.sync;
    const { version, state } = subscriptions.latest();
    const sync = this.state();
    return [
      `${this.name}: session ${session.state}, ${session.connectionState}, file ${sync.fileIdent}`,
      `uploaded ${sync.uploadClientVersion} of ${sync.newestUploadableVersion}`,
      `downloaded ${sync.downloadServerVersion} of ${sync.latestServerVersion}`,
      `subscriptions ${version} ${state}`,
    ].join(", ");
  }
}
