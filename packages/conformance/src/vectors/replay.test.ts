import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isCoreName, loadCore } from "./core.js";
import { recogniseFormat } from "./format.js";
import { replayFile, replayLine } from "./replay.js";

describe("a line's format", () => {
  test.each([
    [{ hex: "", strings: [], instructions: [], canonicalHex: "", inlineHex: "" }, "codec"],
    [{ hex: "00", accepted: false }, "codec"],
    [{ input: { ours: [], theirs: [] }, expected: {} }, "merge"],
    [{ input: { setup: [], changesets: [] }, expected: {} }, "apply"],
    [{ input: { peers: [], steps: [] } }, "convergence"],
  ])("is told by its members: %j", (line, format) => {
    expect(recogniseFormat(line)).toEqual({ kind: "replayed", format });
  });

  test.each([
    [{ id: "q", query: "TRUEPREDICATE" }, "rql"],
    [{ poem: true }, "unknown format with members poem"],
    [7, "something else than a JSON object"],
  ])("may be one that is not replayed: %j", (line, name) => {
    expect(recogniseFormat(line)).toEqual({ kind: "unsupported", name });
  });
});

describe("replay", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vectors-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test("counts lines, names failures, and skips nothing silently", async () => {
    const path = join(folder, "some.jsonl");
    const good = JSON.stringify({ hex: "00", accepted: false });
    writeFileSync(path, [good, "", "{", JSON.stringify({ query: "x" }), JSON.stringify({ hex: "01", accepted: true })].join("\r\n"));
    const report = await replayFile(path, (format, line) => (line === good ? undefined : `${format} differs`));
    expect(report.passed).toBe(1);
    expect(report.failures.map(({ lineNumber }) => lineNumber)).toEqual([3, 4, 5]);
    expect(report.failures[1]?.message).toBe("unsupported format: rql");
    expect(report.failures[2]?.message).toBe("codec differs");
  });

  test("asks the addon", async () => {
    expect(isCoreName("native") && !isCoreName("stone")).toBe(true);
    const replay = await loadCore("native");
    expect(replayLine('{"id":"y","description":"","hex":"0100","accepted":false}', replay)).toBeUndefined();
    expect(replayLine('{"id":"y","description":"","hex":"","accepted":false}', replay)).toContain("y");
  });
});
