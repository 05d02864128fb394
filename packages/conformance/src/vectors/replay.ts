/**
 * Replay of whole files of vectors.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Replay } from "./core.js";
import { recogniseFormat } from "./format.js";

/** How a file went. */
export interface FileReport {
  readonly passed: number;
  readonly failures: readonly Failure[];
}

/** A line that did not pass, or could not be replayed. */
export interface Failure {
  readonly lineNumber: number;
  readonly message: string;
}

function parseLine(line: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(line) as unknown };
  } catch (error) {
    return { problem: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/**
 * Why a line fails; `undefined` if it passes. A format that is not replayed is a failure: nothing is skipped
 * silently.
 */
export function replayLine(line: string, replay: Replay): string | undefined {
  const parsed = parseLine(line);
  if ("problem" in parsed) return parsed.problem;
  const recognition = recogniseFormat(parsed.value);
  if (recognition.kind === "unsupported") return `unsupported format: ${recognition.name}`;
  return replay(recognition.format, line);
}

/** Replays every line of a file. Empty lines are none. */
export async function replayFile(path: string, replay: Replay): Promise<FileReport> {
  const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
  const failures: Failure[] = [];
  let [lineNumber, passed] = [0, 0];
  for await (const line of lines) {
    lineNumber += 1;
    if (line.trim() === "") continue;
    const message = replayLine(line, replay);
    if (message === undefined) passed += 1;
    else failures.push({ lineNumber, message });
  }
  return { passed, failures };
}
