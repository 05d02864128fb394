/**
 * What reading an app directory found, each thing with its file and line.
 *
 * @module
 */

import type { Severity } from "../schema/problem.js";

/** A place in a file of the directory. */
export interface Location {
  /** Path from the directory, with `/`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/** Something that is wrong, will not work, or is worth knowing. */
export interface Finding extends Location {
  /** With an error the configuration cannot be used. */
  readonly severity: Severity;
  /** What is wrong, in words. */
  readonly message: string;
}

const ranks: Readonly<Record<Severity, number>> = { error: 0, warning: 1, information: 2 };

/** Gathers findings, a bounded number of them. */
export class Findings {
  readonly #findingsMax: number;
  readonly #found: Finding[] = [];
  #leftOut = 0;
  #worstLeftOut: Severity = "information";

  constructor(findingsMax: number) {
    this.#findingsMax = findingsMax;
  }

  add(severity: Severity, location: Location, message: string): void {
    if (this.#found.length < this.#findingsMax) {
      const { file, line, column } = location;
      this.#found.push({ severity, file, line, column, message });
      return;
    }
    this.#leftOut += 1;
    if (ranks[severity] < ranks[this.#worstLeftOut]) this.#worstLeftOut = severity;
  }

  /** About a file as a whole. */
  addFile(severity: Severity, file: string, message: string): void {
    this.add(severity, { file, line: 1, column: 1 }, message);
  }

  /** Whether more would only be counted. */
  get isFull(): boolean {
    return this.#found.length >= this.#findingsMax;
  }

  /** All of them by file, line and column. */
  sorted(): readonly Finding[] {
    const sorted = this.#found.toSorted(
      (a, b) =>
        compareText(a.file, b.file) || a.line - b.line || a.column - b.column || ranks[a.severity] - ranks[b.severity],
    );
    if (this.#leftOut === 0) return sorted;
    const message = `${this.#leftOut} more findings are left out`;
    return [...sorted, { severity: this.#worstLeftOut, file: "", line: 1, column: 1, message }];
  }
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A finding as compilers print theirs: `file:line:column: severity: message`. */
export function formatFinding({ severity, file, line, column, message }: Finding): string {
  return `${file}:${line}:${column}: ${severity}: ${message}`;
}
