/**
 * The apps that the Admin API made: made, found again after a restart, removed.
 *
 * They are put in force at every start, also where the API itself is not offered: their rules do not depend on it.
 *
 * @module
 */

import type { AppConfiguration } from "../app-directory/configuration.js";
import { type App, AppError, type AppRegistry } from "../app-registry.js";
import { Semaphore } from "../concurrency.js";
import { type Host, randomId } from "../host.js";
import { getJson, jsonChange, type KeyValue, listJson } from "../key-value.js";
import type { Logger } from "../logger.js";
import {
  AdminApp,
  type AdminAppRecord,
  describeErrors,
  downloadSettingsOf,
  type Draft,
  draftKey,
  fileChanges,
  readFiles,
  recordKey,
} from "./admin-app.js";
import { adminErrors } from "./admin-errors.js";
import { FileEdits, type VirtualFile, type VirtualFiles } from "./virtual-files.js";

/** What {@link AdminApps} needs. */
export interface AdminAppsContext {
  readonly registry: AppRegistry;
  readonly store: KeyValue;
  readonly host: Host;
  readonly logger: Logger;
}

const letters = "abcdefghijklmnopqrstuvwxyz";
const suffixLength = 5;

/** All apps of the Admin API. */
export class AdminApps {
  readonly #context: AdminAppsContext;
  readonly #byId = new Map<string, AdminApp>();
  /** Apps come and go one after another. */
  readonly #changes = new Semaphore(1);

  constructor(context: AdminAppsContext) {
    this.#context = context;
  }

  /** Puts the apps of earlier runs in force, and finishes what a killed process began. */
  async load(): Promise<void> {
    const records = await listJson<AdminAppRecord>(this.#context.store, recordKey(""));
    for (const { value: record } of records) {
      if (record.isDeleted) await this.#erase(record);
      else await this.#open(record);
    }
  }

  all(): readonly AdminApp[] {
    return [...this.#byId.values()].toSorted((a, b) => a.record.createdMs - b.record.createdMs);
  }

  find(id: string): AdminApp | undefined {
    return this.#byId.get(id);
  }

  /**
   * Makes an app.
   *
   * @param fill writes its first files.
   * @throws ServiceError with 400 if they are wrong or there are too many apps.
   */
  create(name: string, fill: (files: FileEdits) => void): Promise<AdminApp> {
    return this.#changes.run(async () => {
      const { store, host } = this.#context;
      const edits = new FileEdits(new Map(), host);
      fill(edits);
      const refusal = describeErrors(readFiles(edits.result()).findings);
      if (refusal !== null) throw adminErrors.configuration(refusal);
      const record: AdminAppRecord = {
        id: randomId(host),
        clientAppId: this.#freeClientAppId(name),
        createdMs: host.nowMs(),
        modifiedMs: host.nowMs(),
        isDeleted: false,
        deployments: [],
        tuning: {},
        features: [],
      };
      // The record comes first: an app without one would be nobody's after a crash.
      await store.write([jsonChange(recordKey(record.id), record), ...fileChanges(record.id, edits.changes)]);
      try {
        return await this.#open(record);
      } catch (error) {
        await this.#erase(record);
        throw error instanceof AppError ? adminErrors.configuration(error.message) : error;
      }
    });
  }

  /** Removes an app with its users and everything that was synchronised. */
  remove(id: string): Promise<void> {
    return this.#changes.run(async () => {
      const app = this.#byId.get(id);
      if (app === undefined) throw adminErrors.appNotFound(id);
      await app.markDeleted();
      this.#byId.delete(id);
      await this.#erase(app.record);
    });
  }

  /** May be repeated: what is gone already does not matter, and the record goes last. */
  async #erase({ id, clientAppId }: AdminAppRecord): Promise<void> {
    const { registry, store } = this.#context;
    await registry.remove(clientAppId);
    const files = await store.list(filePrefix(id));
    await store.write([
      ...files.map(({ key }) => ({ key, value: null })),
      { key: draftKey(id), value: null },
      { key: recordKey(id), value: null },
    ]);
  }

  async #open(record: AdminAppRecord): Promise<AdminApp> {
    const { store, host, logger } = this.#context;
    const app = await this.#registered(record.clientAppId);
    const files = await this.#files(record.id);
    const draft = await getJson<Draft>(store, draftKey(record.id));
    const configuration = await this.#putInForce(app, files);
    await app.setDownloadSettings(downloadSettingsOf(record.tuning));
    const opened = new AdminApp({ app, store, host, logger }, record, files, draft, configuration);
    await opened.finish();
    this.#byId.set(record.id, opened);
    return opened;
  }

  async #files(id: string): Promise<VirtualFiles> {
    const stored = await listJson<VirtualFile>(this.#context.store, filePrefix(id));
    return new Map(stored.map(({ key, value }) => [key.slice(filePrefix(id).length), value]));
  }

  async #registered(clientAppId: string): Promise<App> {
    const { registry } = this.#context;
    const known = registry.has(clientAppId) ? await registry.find(clientAppId) : undefined;
    return known ?? registry.create(clientAppId);
  }

  /** An app whose files cannot be put in force any more is paused: without its rules nobody may come in. */
  async #putInForce(app: App, files: VirtualFiles): Promise<AppConfiguration> {
    const { configuration, findings } = readFiles(files);
    try {
      const refusal = describeErrors(findings);
      if (refusal !== null) throw new Error(refusal);
      // After a crash in a deployment the ledger is ahead of the files; they win, as if it had not been.
      await app.configure(configuration, { allowsBreaking: true });
      return configuration;
    } catch (error) {
      this.#context.logger.error({ app: app.id, err: error }, "the app cannot be put in force and is paused");
      const paused: AppConfiguration = {
        ...configuration,
        collections: [],
        classes: [],
        defaultRoles: {},
        sync: { ...configuration.sync, state: "disabled", isDevelopmentMode: false },
      };
      await app.configure(paused);
      return paused;
    }
  }

  #freeClientAppId(name: string): string {
    for (;;) {
      const suffix = Array.from({ length: suffixLength }, () => randomLetter(this.#context.host)).join("");
      const clientAppId = `${name}-${suffix}`;
      if (!this.#context.registry.has(clientAppId)) return clientAppId;
    }
  }
}

function filePrefix(id: string): string {
  return `admin/file/${id}/`;
}

function randomLetter(host: Host): string {
  // Bytes beyond the last whole alphabet would make the first letters likelier.
  const bound = 256 - (256 % letters.length);
  for (;;) {
    const [byte = bound] = host.randomBytes(1);
    if (byte < bound) return letters.charAt(byte % letters.length);
  }
}
