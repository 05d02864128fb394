/**
 * What the readers of the single files share: the files, the findings, values that are checked by a description.
 *
 * @module
 */

import type { z } from "zod";
import type { JsonPath } from "../schema/json-schema.js";
import { asObject } from "../schema/problem.js";
import type { AppDirectoryLimits, AppFiles } from "./files.js";
import { Findings } from "./findings.js";
import { JsonDocument, type Substitution } from "./json-document.js";

const unchanged: Substitution = (text) => text;

/** A directory that is being read. */
export class Directory {
  readonly findings: Findings;
  /** Paths of all files. */
  readonly paths: readonly string[];
  readonly #files: AppFiles;
  readonly #limits: AppDirectoryLimits;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #documents = new Map<string, JsonDocument | undefined>();
  #substitution: Substitution = unchanged;
  #bytes = 0;

  constructor(files: AppFiles, limits: AppDirectoryLimits) {
    this.findings = new Findings(limits.findingsMax);
    this.#files = files;
    this.#limits = limits;
    this.#sizes = this.#list();
    this.paths = [...this.#sizes.keys()].sort();
  }

  has(path: string): boolean {
    return this.#sizes.has(path);
  }

  /** Sets what strings of files that are read from now on may ask for. */
  substitute(substitution: Substitution): void {
    this.#substitution = substitution;
  }

  /** A JSON file; `undefined` if there is none or it cannot be read, which is reported once. */
  json(path: string): JsonDocument | undefined {
    if (!this.has(path)) return undefined;
    if (!this.#documents.has(path)) this.#documents.set(path, this.#readJson(path));
    return this.#documents.get(path);
  }

  #list(): Map<string, number> {
    const sizes = new Map<string, number>();
    try {
      for (const { path, bytes } of this.#files.list()) {
        // Such as the folder in which the original's command line keeps its notes.
        if (/(^|\/)\./.test(path)) continue;
        if (sizes.size >= this.#limits.filesMax) {
          this.findings.addFile("error", path, `the directory has more than ${this.#limits.filesMax} files`);
          break;
        }
        sizes.set(path, bytes);
      }
    } catch (error) {
      this.findings.addFile("error", "", `the directory cannot be listed: ${reasonOf(error)}`);
    }
    return sizes;
  }

  #readJson(path: string): JsonDocument | undefined {
    const refuse = (message: string): undefined => {
      this.findings.addFile("error", path, message);
    };
    const { fileBytesMax, bytesMax, nestingMax } = this.#limits;
    const tooLarge = `the file has more than ${fileBytesMax} bytes`;
    if ((this.#sizes.get(path) ?? 0) > fileBytesMax) return refuse(tooLarge);
    let bytes: Uint8Array;
    try {
      bytes = this.#files.read(path);
    } catch (error) {
      return refuse(`the file cannot be read: ${reasonOf(error)}`);
    }
    // It may have grown since it was listed.
    if (bytes.length > fileBytesMax) return refuse(tooLarge);
    this.#bytes += bytes.length;
    if (this.#bytes > bytesMax) return refuse(`the files have more than ${bytesMax} bytes together`);
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return refuse("the file is not in UTF-8");
    }
    return new JsonDocument(path, text, this.findings, nestingMax, this.#substitution);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Checks an object in a file. Unknown keys are warnings and values of the wrong form errors; both are left out of what
 * is returned, so that the rest can be checked on.
 *
 * @param path to the object in the file.
 * @param shape all its keys are optional.
 */
export function readObject<Shape extends z.ZodObject>(
  document: JsonDocument,
  path: JsonPath,
  value: unknown,
  shape: Shape,
): z.output<Shape> {
  const object = asObject(value);
  if (object === undefined) {
    document.report("error", path, "an object is expected");
    return shape.parse({});
  }
  const known = Object.entries(object).filter(([name]) => {
    if (Object.hasOwn(shape.shape, name)) return true;
    document.report("warning", [...path, name], `unknown key "${name}"`);
    return false;
  });
  const sound = known.filter(([name, part]) => {
    const result = (shape.shape[name] as z.ZodType).safeParse(part);
    for (const issue of result.error?.issues ?? []) reportIssue(document, [...path, name], issue);
    return result.success;
  });
  return shape.parse(Object.fromEntries(sound));
}

function reportIssue(document: JsonDocument, path: JsonPath, issue: z.core.$ZodIssue): void {
  const inner = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
  const full = [...path, ...inner];
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) document.report("error", [...full, key], `unknown key "${key}"`);
    return;
  }
  const name = full.findLast((step) => typeof step === "string") ?? "";
  const message = issue.message.replace(/^Invalid \w+: /, "");
  document.report("error", full, `${name}: ${message}`);
}
