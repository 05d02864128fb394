/**
 * An app directory that lies in no directory: the files of an app that the Admin API made, and changes of them.
 *
 * Secrets are kept beside the files, below `secrets/`: no directory of an app holds them.
 *
 * @module
 */

import type { AppFile, AppFiles } from "../app-directory/files.js";
import { type Host, randomId } from "../host.js";
import { adminErrors } from "./admin-errors.js";

/** A file with the resource's id that the API calls it by. */
export interface VirtualFile {
  /** `_id` in the API. */
  readonly id: string;
  readonly modifiedMs: number;
  /** From 1, counts changes. */
  readonly version: number;
  /** A JSON value; the text of a `.js` file. */
  readonly content: unknown;
}

/** Files by path. */
export type VirtualFiles = ReadonlyMap<string, VirtualFile>;

/** Changes by path; `null` removes. */
export type FileChanges = ReadonlyMap<string, VirtualFile | null>;

/** Folder of the secrets. */
export const secretsFolder = "secrets/";

const segmentLengthMax = 200;

/**
 * A name as a part of a path.
 *
 * @throws ServiceError with 400 if it cannot be one.
 */
export function pathSegment(what: string, name: string): string {
  // What begins with a dot is no part of an app directory and would be passed over.
  const isSound = name !== "" && name.length <= segmentLengthMax && !/^\.|[/\\\p{Cc}]/u.test(name);
  if (!isSound) throw adminErrors.invalid(`${what}: "${name}" cannot be a name here`);
  return name;
}

/** The files with changes made. */
export function changedFiles(files: VirtualFiles, changes: FileChanges): VirtualFiles {
  const changed = new Map(files);
  for (const [path, file] of changes) {
    if (file === null) changed.delete(path);
    else changed.set(path, file);
  }
  return changed;
}

/** Changes of files that are not made yet. */
export class FileEdits {
  readonly #base: VirtualFiles;
  readonly #host: Host;
  readonly #changes = new Map<string, VirtualFile | null>();

  constructor(base: VirtualFiles, host: Host) {
    this.#base = base;
    this.#host = host;
  }

  get changes(): FileChanges {
    return this.#changes;
  }

  get(path: string): VirtualFile | undefined {
    const changed = this.#changes.get(path);
    return changed === undefined ? this.#base.get(path) : (changed ?? undefined);
  }

  /** Writes a file; one with the same content stays as it is. */
  put(path: string, content: unknown): VirtualFile {
    const known = this.get(path);
    if (known !== undefined && JSON.stringify(known.content) === JSON.stringify(content)) return known;
    const file: VirtualFile = {
      id: known?.id ?? randomId(this.#host),
      modifiedMs: this.#host.nowMs(),
      version: (known?.version ?? 0) + 1,
      content,
    };
    this.#changes.set(path, file);
    return file;
  }

  remove(path: string): void {
    if (this.#base.has(path)) this.#changes.set(path, null);
    else this.#changes.delete(path);
  }

  /** The files as they will be. */
  result(): VirtualFiles {
    return changedFiles(this.#base, this.#changes);
  }
}

const encoder = new TextEncoder();
const encoded = new WeakMap<VirtualFile, Uint8Array>();

/** Bytes of a file. */
export function fileBytes(path: string, file: VirtualFile): Uint8Array {
  const known = encoded.get(file);
  if (known !== undefined) return known;
  const { content } = file;
  const isText = path.endsWith(".js") && typeof content === "string";
  const bytes = encoder.encode(isText ? content : JSON.stringify(content, null, 2));
  encoded.set(file, bytes);
  return bytes;
}

/** The files as the reader of app directories takes them. */
export function appFilesOf(files: VirtualFiles): AppFiles {
  const list = function* (): Generator<AppFile> {
    for (const [path, file] of files) {
      if (!path.startsWith(secretsFolder)) yield { path, bytes: fileBytes(path, file).length };
    }
  };
  const read = (path: string): Uint8Array => {
    const file = files.get(path);
    if (file === undefined) throw new Error("there is no such file");
    return fileBytes(path, file);
  };
  return { list, read };
}

/** Secrets by name. */
export function secretsOf(files: VirtualFiles): Readonly<Record<string, unknown>> {
  const secrets = [...files].filter(([path]) => path.startsWith(secretsFolder));
  return Object.fromEntries(secrets.map(([path, file]) => [path.slice(secretsFolder.length), file.content]));
}

/** Files below a folder, in order of their paths. */
export function filesBelow(files: VirtualFiles, folder: string): readonly (readonly [string, VirtualFile])[] {
  return [...files].filter(([path]) => path.startsWith(folder)).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The file with an id whose path matches. */
export function fileById(files: VirtualFiles, pattern: RegExp, id: string): readonly [string, VirtualFile] | undefined {
  return [...files].find(([path, file]) => file.id === id && pattern.test(path));
}
