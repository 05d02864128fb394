/**
 * What the demo draws: steps, a progress bar, a table.
 *
 * @module
 */

const width = 28;

/** Writes a line, or keeps redrawing the same one where the output is a terminal. */
export class Terminal {
  readonly #output: NodeJS.WriteStream;
  #pending = "";
  #lastPrintedAtMs = 0;

  constructor(output: NodeJS.WriteStream = process.stdout) {
    this.#output = output;
  }

  /** Announces a step. */
  step(text: string): void {
    this.line(`\n${this.#bold(text)}`);
  }

  /** Prints a line below whatever bar is there. */
  line(text: string): void {
    if (this.#pending !== "") {
      this.#output.write("\n");
      this.#pending = "";
    }
    this.#output.write(`${text}\n`);
  }

  /**
   * Draws a bar.
   *
   * Without a terminal it prints a line every few seconds instead of redrawing, so that logs stay short.
   *
   * @param fraction 0 to 1.
   */
  bar(label: string, fraction: number, detail: string): void {
    const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
    const text = `  ${label} ${"█".repeat(filled)}${"░".repeat(width - filled)} ${detail}`;
    if (this.#output.isTTY) {
      this.#output.write(`\r\u001b[2K${text}`);
      this.#pending = text;
      return;
    }
    const nowMs = performance.now();
    if (fraction < 1 && nowMs - this.#lastPrintedAtMs < 3_000) return;
    this.#lastPrintedAtMs = nowMs;
    this.#output.write(`${text}\n`);
  }

  /** Prints rows under headings, numbers to the right. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = headings.map((heading, column) =>
      Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
    );
    const format = (row: readonly string[]): string =>
      `  ${row.map((cell, column) => (/^[\d.,]/.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join("   ")}`;
    this.line(this.#bold(format(headings)));
    for (const row of rows) this.line(format(row));
  }

  #bold(text: string): string {
    return this.#output.isTTY ? `\u001b[1m${text}\u001b[0m` : text;
  }
}
