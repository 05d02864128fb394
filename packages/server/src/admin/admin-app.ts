/**
 * One app that the Admin API made: its files, its draft, and what of them is in force.
 *
 * Invariants:
 * - the files always read without an error, so that the app can be put in force after a restart;
 * - a change is in force and durable, all of it in one write, before the call that made it is answered;
 * - with an open draft, changes of files go there and are of no effect until it is deployed.
 *
 * @module
 */

import type { AppConfiguration } from "../app-directory/configuration.js";
import type { Finding } from "../app-directory/findings.js";
import type { ReadAppDirectory } from "../app-directory/read.js";
import type { App } from "../app-registry.js";
import { readApp } from "../app-rules.js";
import { Semaphore } from "../concurrency.js";
import { ConfigurationError } from "../configuration-error.js";
import type { DownloadSettings } from "../download-settings.js";
import { type Host, randomId } from "../host.js";
import { jsonChange, type KeyValue, type KeyValueChange } from "../key-value.js";
import type { Logger } from "../logger.js";
import { adminErrors } from "./admin-errors.js";
import { deploymentOptions } from "./schema-versions.js";
import {
  appFilesOf,
  changedFiles,
  type FileChanges,
  fileBytes,
  FileEdits,
  secretsOf,
  type VirtualFile,
  type VirtualFiles,
} from "./virtual-files.js";

/** What is kept of an app beside its files. */
export interface AdminAppRecord {
  /** `_id`. */
  readonly id: string;
  readonly clientAppId: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
  /** Its removal has begun and is finished at the next start if need be. */
  readonly isDeleted: boolean;
  /** All client files have to start over and were not told yet: done at the next change or start if need be. */
  readonly isResetOwed?: boolean;
  /** The newest ones first. */
  readonly deployments: readonly Deployment[];
  readonly tuning: Tuning;
  /** Flags that were switched on; none has an effect. */
  readonly features: readonly string[];
}

/** How an app's downloads are made, by the names of the private API. */
export interface Tuning {
  /** Kept, of no effect: parts of a bootstrap are measured in bytes. */
  readonly num_objects_before_bootstrap_flush?: number;
  readonly qbs_download_changeset_soft_max_byte_size?: number;
  readonly download_loop_sleep_millis?: number;
}

/** Something that was put in force. */
export interface Deployment {
  readonly id: string;
  readonly deployedMs: number;
  /** The draft it came from, if it came from one. */
  readonly draftId: string | null;
}

/** Changes that wait to be deployed together. */
export interface Draft {
  readonly id: string;
  readonly userId: string;
  readonly createdMs: number;
  readonly changes: readonly (readonly [path: string, file: VirtualFile | null])[];
}

/** What {@link AdminApp} needs. */
export interface AdminAppContext {
  readonly app: App;
  readonly store: KeyValue;
  readonly host: Host;
  readonly logger: Logger;
}

/** What one app may hold. */
export const appFilesMax = 2000;
export const appBytesMax: number = 16 * 1024 * 1024;
/** Deployments that are remembered. */
const deploymentsMax = 25;
/** Errors that an answer names. */
const errorsToldMax = 5;

export const recordKey = (id: string): string => `admin/app/${id}`;
export const fileKey = (id: string, path: string): string => `admin/file/${id}/${path}`;
export const draftKey = (id: string): string => `admin/draft/${id}`;

/** An app with its files. */
export class AdminApp {
  readonly app: App;
  readonly #context: AdminAppContext;
  readonly #changes = new Semaphore(1);
  #record: AdminAppRecord;
  #files: VirtualFiles;
  #draft: Draft | null;
  #configuration: AppConfiguration;

  constructor(
    context: AdminAppContext,
    record: AdminAppRecord,
    files: VirtualFiles,
    draft: Draft | null,
    configuration: AppConfiguration,
  ) {
    this.app = context.app;
    this.#context = context;
    this.#record = record;
    this.#files = files;
    this.#draft = draft;
    this.#configuration = configuration;
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): AdminAppRecord {
    return this.#record;
  }

  get draft(): Draft | null {
    return this.#draft;
  }

  /** What is in force. */
  get configuration(): AppConfiguration {
    return this.#configuration;
  }

  /** The files as callers see them: with the changes of an open draft. */
  get files(): VirtualFiles {
    return this.#draft === null ? this.#files : changedFiles(this.#files, new Map(this.#draft.changes));
  }

  /**
   * Changes files, all of them or none.
   *
   * @throws ServiceError with 400 if the app would be wrong with them.
   */
  change<T>(edit: (files: FileEdits) => T): Promise<T> {
    return this.#change(async () => {
      const edits = new FileEdits(this.files, this.#context.host);
      const result = edit(edits);
      if (edits.changes.size === 0) return result;
      const configuration = this.#read(edits.result());
      if (this.#draft === null) await this.#deploy(edits.changes, configuration, null);
      else await this.#keep({ ...this.#draft, changes: [...merged(this.#draft.changes, edits.changes)] });
      return result;
    });
  }

  /** Begins to collect changes. */
  openDraft(userId: string): Promise<Draft> {
    return this.#change(async () => {
      if (this.#draft !== null) throw adminErrors.exists("DraftAlreadyExists", "draft", this.#draft.id);
      const { host } = this.#context;
      const draft: Draft = { id: randomId(host), userId, createdMs: host.nowMs(), changes: [] };
      await this.#keep(draft);
      return draft;
    });
  }

  /** Forgets the collected changes. */
  discardDraft(draftId: string): Promise<void> {
    return this.#change(async () => {
      this.#needDraft(draftId);
      await this.#context.store.write([{ key: draftKey(this.id), value: null }]);
      this.#draft = null;
    });
  }

  /** Puts the collected changes in force, all at once: they make one version of the schema at most. */
  deployDraft(draftId: string): Promise<Deployment> {
    return this.#change(async () => {
      const { changes } = this.#needDraft(draftId);
      const configuration = this.#read(this.files);
      return this.#deploy(new Map(changes), configuration, draftId);
    });
  }

  /** Changes how downloads are made; what is not given stays. */
  tune(tuning: Tuning): Promise<void> {
    return this.#change(async () => {
      await this.#keepRecord({ ...this.#record, tuning: { ...this.#record.tuning, ...tuning } });
      await this.app.setDownloadSettings(downloadSettingsOf(this.#record.tuning));
    });
  }

  /** Changes which flags are on. */
  changeFeatures(change: (features: readonly string[]) => readonly string[]): Promise<void> {
    return this.#change(() => this.#keepRecord({ ...this.#record, features: change(this.#record.features) }));
  }

  /** Does what a killed process has left to be done. */
  finish(): Promise<void> {
    return this.#changes.run(() => this.#resetIfOwed());
  }

  /** Marks the app as deleted, once what is under way is done. No change is made after it. */
  markDeleted(): Promise<void> {
    return this.#changes.run(() => this.#keepRecord({ ...this.#record, isDeleted: true }));
  }

  /** Changes of an app happen one after another, and none once its removal has begun. */
  #change<T>(make: () => Promise<T>): Promise<T> {
    return this.#changes.run(async () => {
      if (this.#record.isDeleted) throw adminErrors.appNotFound(this.id);
      return make();
    });
  }

  async #keepRecord(record: AdminAppRecord): Promise<void> {
    await this.#context.store.write([jsonChange(recordKey(this.id), record)]);
    this.#record = record;
  }

  #needDraft(draftId: string): Draft {
    if (this.#draft === null || this.#draft.id !== draftId) {
      throw adminErrors.notFound("DraftNotFound", "draft", draftId);
    }
    return this.#draft;
  }

  #read(files: VirtualFiles): AppConfiguration {
    const { configuration, findings } = readFiles(files);
    const refusal = describeErrors(findings);
    if (refusal !== null) throw adminErrors.configuration(refusal);
    return configuration;
  }

  async #keep(draft: Draft): Promise<void> {
    await this.#context.store.write([jsonChange(draftKey(this.id), draft)]);
    this.#draft = draft;
  }

  async #deploy(changes: FileChanges, after: AppConfiguration, draftId: string | null): Promise<Deployment> {
    // Who comes under what follows is not meant.
    await this.#resetIfOwed();
    const { store, host, logger } = this.#context;
    const before = this.#configuration;
    const deployment: Deployment = { id: randomId(host), deployedMs: host.nowMs(), draftId };
    const record: AdminAppRecord = {
      ...this.#record,
      modifiedMs: deployment.deployedMs,
      deployments: [deployment, ...this.#record.deployments].slice(0, deploymentsMax),
      // Switched off is more than paused: what clients have is of no worth any more, also when it is switched on again.
      isResetOwed: before.sync.state !== "off" && after.sync.state === "off",
    };
    try {
      await this.app.configure(after, deploymentOptions(before));
      await store.write([
        ...fileChanges(this.id, changes),
        jsonChange(recordKey(this.id), record),
        { key: draftKey(this.id), value: null },
      ]);
    } catch (error) {
      // Nothing was changed by that.
      if (error instanceof ConfigurationError) throw adminErrors.configuration(error.message);
      await this.#takeBack(before);
      throw error;
    }
    this.#files = changedFiles(this.#files, changes);
    this.#draft = null;
    this.#record = record;
    this.#configuration = after;
    logger.info({ app: this.app.id, paths: [...changes.keys()] }, "app changed");
    await this.#resetIfOwed();
    return deployment;
  }

  /** What is not durable must not stay in force: after a restart it would be gone without a word. */
  async #takeBack(before: AppConfiguration): Promise<void> {
    try {
      await this.app.configure(before, deploymentOptions(before));
    } catch (error) {
      // Why the deployment failed matters more.
      this.#context.logger.error({ app: this.app.id, err: error }, "a deployment that failed stays in force for now");
    }
  }

  /** Only what is durable makes clients start over: with this they lose what they cannot upload any more. */
  async #resetIfOwed(): Promise<void> {
    if (this.#record.isResetOwed !== true) return;
    await (await this.app.sync()).forceResetAll();
    // Nobody is left who knows of a version.
    await this.app.configure(this.#configuration, { startsOver: true });
    await this.#keepRecord({ ...this.#record, isResetOwed: false });
  }
}

/** What the server calls what the private API tunes. */
export function downloadSettingsOf(tuning: Tuning): Partial<DownloadSettings> {
  const { qbs_download_changeset_soft_max_byte_size: bytes, download_loop_sleep_millis: pauseMs } = tuning;
  return {
    ...(bytes === undefined ? {} : { downloadBytesMax: bytes, bootstrapBytesMax: bytes }),
    ...(pauseMs === undefined ? {} : { pauseMs }),
  };
}

/** Reads files as an app directory is read. */
export function readFiles(files: VirtualFiles): ReadAppDirectory {
  const bytes = [...files].reduce((sum, [path, file]) => sum + fileBytes(path, file).length, 0);
  if (files.size > appFilesMax) throw adminErrors.limit("files in one app", appFilesMax);
  if (bytes > appBytesMax) throw adminErrors.limit("bytes in the files of one app", appBytesMax);
  return readApp(appFilesOf(files), { secrets: secretsOf(files) });
}

/** The errors among findings in one text; `null` without any. */
export function describeErrors(findings: readonly Finding[]): string | null {
  const wrong = findings.filter((one) => one.severity === "error");
  if (wrong.length === 0) return null;
  const told = wrong.slice(0, errorsToldMax).map(({ file, message }) => `${file}: ${message}`);
  const rest = wrong.length - told.length;
  return [...told, ...(rest > 0 ? [`and ${rest} more errors`] : [])].join("; ");
}

/** The files' changes as the store takes them. */
export function fileChanges(id: string, changes: FileChanges): KeyValueChange[] {
  return [...changes].map(([path, file]) =>
    file === null ? { key: fileKey(id, path), value: null } : jsonChange(fileKey(id, path), file),
  );
}

function merged(older: Draft["changes"], newer: FileChanges): FileChanges {
  return new Map([...older, ...newer]);
}
