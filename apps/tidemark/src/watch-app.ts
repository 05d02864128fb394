/**
 * Follows an app's directory: what is edited takes effect in the running server.
 *
 * The files are looked at again and again rather than watched through the operating system, which misses changes on
 * network and container mounts. A change counts once two looks have found the same, so that nothing is read half
 * written.
 *
 * @module
 */

import { type BigIntStats, statSync } from "node:fs";
import { join } from "node:path";
import { type App, ConfigurationError, openAppFiles, TidemarkError } from "@tidemark/server";
import { type AppDirectoryOptions, loadApp } from "./app-directory.js";

/** Time between two looks. */
const lookIntervalMs = 500;

/** What {@link AppWatch} needs. */
export interface AppWatchContext {
  readonly options: AppDirectoryOptions;
  /** How the files looked before they were read for what is in force. */
  readonly fingerprint: string;
  readonly app: App;
  /** Tells people, a line or several. */
  readonly say: (text: string) => void;
}

/** Looks until it is stopped. */
export class AppWatch {
  readonly #context: AppWatchContext;
  #inForce: string;
  #latest: string;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(context: AppWatchContext) {
    this.#context = context;
    this.#inForce = context.fingerprint;
    this.#latest = context.fingerprint;
    this.#schedule();
  }

  /** Resolves when nothing is being put in force; nothing is any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.#schedule());
    }, lookIntervalMs);
  }

  async #look(): Promise<void> {
    const found = fingerprint(this.#context.options);
    const isSettled = found === this.#latest;
    this.#latest = found;
    if (!isSettled || found === this.#inForce) return;
    this.#inForce = found;
    await this.#reload();
  }

  async #reload(): Promise<void> {
    const { app, options, say } = this.#context;
    try {
      const { appId, configuration, findings, errors } = loadApp(options);
      for (const one of findings) say(one);
      if (errors > 0) throw new TidemarkError("bad-app", `${count(errors, "error")} in ${options.directory}`);
      await app.configure(configuration);
      say(`tidemark: ${options.directory} has changed and is in force`);
      if (appId !== app.id) say(`tidemark: the app id stays ${app.id} until the server is started again`);
    } catch (error) {
      say(`tidemark: ${describe(error)}; what was in force stays in force`);
    }
  }
}

/** How the files of a directory look from outside; the same as long as nobody changes them. */
export function fingerprint({ directory, secretsFile }: AppDirectoryOptions): string {
  try {
    const paths = [...openAppFiles(directory).list()].map(({ path }) => join(directory, path));
    const files = secretsFile === null ? paths : [...paths, secretsFile];
    return files
      .sort()
      .map((path) => `${path} ${look(statSync(path, { bigint: true, throwIfNoEntry: false }))}`)
      .join("\n");
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`;
  }
}

function look(found: BigIntStats | undefined): string {
  return found === undefined ? "gone" : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

/** A number of things in words. */
export function count(number: number, name: string): string {
  return `${number} ${name}${number === 1 ? "" : "s"}`;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof ConfigurationError)) return error.message;
  return ["the schema contradicts that of the data:", ...error.conflicts].join("\n  ");
}
