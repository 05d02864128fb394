/**
 * A device made of the engine alone, its session loop on its own thread, for tests that own its core.
 *
 * @module
 */

import { join } from "node:path";
import {
  type App,
  type ClassDeclaration,
  type ClassLayout,
  type Core,
  createObject,
  credentials,
  Engine,
  inlineTransport,
  plainConventions,
  primaryKeyOf,
  type RealmFile,
  type ResetPolicy,
  type ResetReport,
  Results,
  type SyncSession,
} from "@tidemark/engine";
import { nodeHost, nodeSyncHost } from "@tidemark/engine/node";

/** Where a device is, and what it does about client resets. */
export interface DeviceOptions {
  readonly url: string;
  readonly appId: string;
  readonly directory: string;
  readonly policy: ResetPolicy;
  readonly onReport?: (report: ResetReport) => void;
}

const itemClass: ClassDeclaration = {
  name: "Item",
  kind: "top",
  primaryKey: "_id",
  properties: [
    { name: "_id", publicName: "_id", type: "int", collection: "single", isNullable: false, isIndexed: false },
  ],
  backlinks: [],
};

/** A device with one file of items. */
export class EngineDevice {
  readonly userId: string;
  readonly file: RealmFile;
  readonly session: SyncSession;

  private constructor(app: App, file: RealmFile) {
    const { currentUser } = app;
    if (currentUser === undefined || file.sync === undefined) throw new Error("nobody is logged in");
    this.userId = currentUser.id;
    this.file = file;
    this.session = file.sync.session;
  }

  /** Opens the file, with the user who was there before or a new one. */
  static async open(core: Core, options: DeviceOptions): Promise<EngineDevice> {
    const { url, appId, directory, policy, onReport } = options;
    const engine = new Engine({
      core,
      host: nodeHost,
      conventions: plainConventions,
      startTransport: inlineTransport(nodeSyncHost, core),
    });
    const app = engine.createApp({
      id: appId,
      baseUrl: url,
      timeoutMs: 10_000,
      isMultiplexed: true,
      baseDirectory: directory,
      keepsUsers: true,
    });
    const user = app.currentUser ?? (await app.logIn(credentials.anonymous(false)));
    const file = engine.open({
      path: join(directory, "items.realm"),
      isInMemory: false,
      isReadOnly: false,
      classes: [itemClass],
      sync: {
        user,
        schemaVersion: 0,
        headers: {},
        stopPolicy: "immediately",
        cancelsWaitsOnNonFatalError: false,
        resetPolicy: policy,
        reset: onReport === undefined ? undefined : { onReport: (_, report) => onReport(report) },
      },
    });
    return new EngineDevice(app, file);
  }

  get fileIdent(): string {
    return this.file.fileIdentity().split(":", 1).join();
  }

  get hasPendingReset(): boolean {
    return this.file.database.store.pendingReset() !== null;
  }

  get #layout(): ClassLayout {
    const layout = this.file.database.layout("Item");
    if (layout === undefined) throw new Error("the class is declared");
    return layout;
  }

  get #all(): Results {
    return new Results(this.file.database, this.#layout, { kind: "class" }, []);
  }

  /** Subscribes to everything and waits for it. */
  async subscribe(): Promise<void> {
    const { sync } = this.file;
    if (sync === undefined) throw new Error("the file is synced");
    const { version } = sync.subscriptions.update((draft) => void draft.add(this.#all));
    await sync.subscriptions.waitForSynchronization(version);
  }

  /** Writes each item in a transaction of its own. */
  write(...keys: readonly number[]): void {
    const { database } = this.file;
    for (const key of keys) {
      database.beginWrite();
      createObject(database, this.#layout, { _id: key }, "never");
      database.commitWrite();
    }
  }

  /** Keys of all items, in ascending order. */
  keys(): number[] {
    const keys = Array.from(this.#all.objects(), (object) => Number(primaryKeyOf(object)));
    return keys.sort((a, b) => a - b);
  }

  async sync(): Promise<void> {
    await this.session.waitForUpload();
    await this.session.waitForDownload();
  }

  close(): void {
    this.file.close();
  }
}
