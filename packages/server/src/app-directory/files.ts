/**
 * The files of an app directory, and how many and how large they may be.
 *
 * @module
 */

import { lstatSync, opendirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { TidemarkError } from "@tidemark/protocol";

/** A file of the directory. */
export interface AppFile {
  /** From the directory, with `/`. */
  readonly path: string;
  /** Size. */
  readonly bytes: number;
}

/** Gives the files of an app directory, wherever they are. */
export interface AppFiles {
  /** All files in any order. It is not read to its end where there are too many. */
  list(): Iterable<AppFile>;
  /** Content of a file. Throws if it cannot be read. */
  read(path: string): Uint8Array;
}

/** What a directory may take up. */
export interface AppDirectoryLimits {
  /** Files of any kind. */
  readonly filesMax: number;
  /** Size of one file of configuration. */
  readonly fileBytesMax: number;
  /** Size of all of them. */
  readonly bytesMax: number;
  /** Objects and arrays inside each other in one file. */
  readonly nestingMax: number;
  /** Findings that are told; more are only counted. */
  readonly findingsMax: number;
}

/** Limits that hold when none are given. */
export const defaultAppDirectoryLimits: AppDirectoryLimits = {
  filesMax: 10_000,
  fileBytesMax: 1024 * 1024,
  bytesMax: 64 * 1024 * 1024,
  nestingMax: 200,
  findingsMax: 1000,
};

/** The directory cannot be listed. */
export class AppDirectoryError extends TidemarkError {}

/** Folders inside each other; an app has four, and functions may lie deeper. */
const folderDepthMax = 32;

/**
 * The files of a directory on disk. Hidden files and folders, `node_modules` and symbolic links are left out: none
 * of them is part of an app, and links could lead out of it.
 *
 * @throws `code` "not-a-directory" if it is none.
 */
export function openAppFiles(directory: string): AppFiles {
  const root = resolve(directory);
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new AppDirectoryError("not-a-directory", `${root} is not a directory`);
  }
  return { list: () => walk(root, "", 0), read: (path) => readFileSync(join(root, path)) };
}

function* walk(root: string, folder: string, depth: number): Generator<AppFile> {
  if (depth > folderDepthMax) return;
  const opened = opendirSync(join(root, folder));
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory()) yield* walk(root, `${path}/`, depth + 1);
      // A file that was removed since is no file any more.
      const information = entry.isFile() ? lstatSync(join(root, path), { throwIfNoEntry: false }) : undefined;
      if (information !== undefined) yield { path, bytes: information.size };
    }
  } finally {
    opened.closeSync();
  }
}
