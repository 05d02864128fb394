// Tidiness that no formatter looks after: sizes, left-overs, and what must never be committed.
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { isData, isTest, npmPackages, peerPackages, readSource, repositoryFiles } from "../lib/sources.mjs";

const fileLinesMax = 600;
const functionLinesMax = 70;
const rustLineMax = 110;
const scriptLineMax = 120;

// Split, so that this file does not name what it looks for.
const leftOvers = new RegExp(
  ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].map((word) => `\\b${word}\\b`).join("|"),
);
const switchedOff =
  /(^|[^\w.])(test|it|describe)\.((skip|only|todo)\b|(skipIf|runIf)\((true|false)\))|(^|\W)xit\(|#\[ignore/;
const machinePaths = new RegExp(["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/\\w"].join("|"));
const registryHosts = new RegExp(
  [
    "registry\\.npm" + "js",
    "(static|index)\\.crates\\.",
    "proxy\\.gol" + "ang",
    "repo1?\\.ma" + "ven",
    "python" + "hosted",
    "deb\\.deb" + "ian",
  ].join("|"),
);

const files = (await repositoryFiles()).filter((path) => !isData(path));
const sources = files.filter((path) => /\.(rs|m?[jt]sx?)$/.test(path));
const scripts = sources.filter((path) => !path.endsWith(".rs"));

/** `path:line: text` of every line that the rule finds. */
function linesWhere(paths, rule) {
  return paths.flatMap((path) =>
    readSource(path)
      .split("\n")
      .map((line, index) => [line, index + 1])
      .filter(([line]) => rule(line, path))
      .map(([line, number]) => `${path}:${number}: ${line.trim().slice(0, 100)}`),
  );
}

/** A line may be too long only for a literal or an address that cannot be broken. */
function isTooLong(line, path) {
  const lengthMax = path.endsWith(".rs") ? rustLineMax : scriptLineMax;
  return [...line].length > lengthMax && !/(["'`]).{60,}\1|https?:/.test(line);
}

function functionLines(path) {
  const source = ts.createSourceFile(path, readSource(path), ts.ScriptTarget.Latest, true);
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line;
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      const lines = lineOf(node.body.end) - lineOf(node.body.pos) + 1;
      if (lines > functionLinesMax) found.push(`${path}:${lineOf(node.getStart()) + 1}: ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe("sizes", () => {
  test(`files have at most ${fileLinesMax} lines`, () => {
    const long = sources
      .map((path) => [path, readSource(path).split("\n").length - 1])
      .filter(([, lines]) => lines > fileLinesMax);
    expect(long).toEqual([]);
  });

  test(`functions of scripts have at most ${functionLinesMax} lines (clippy counts those of crates)`, () => {
    expect(scripts.filter((path) => !isTest(path)).flatMap(functionLines)).toEqual([]);
  });

  test(`lines have at most ${rustLineMax} characters in crates, ${scriptLineMax} in scripts`, () => {
    expect(linesWhere(sources, isTooLong)).toEqual([]);
  });
});

describe("left-overs", () => {
  test("no marker for later work", () => {
    expect(linesWhere(files, (line, path) => !path.endsWith("-lock.yaml") && leftOvers.test(line))).toEqual([]);
  });

  test("no unfinished function", () => {
    expect(linesWhere(sources, (line) => /\b(unimplemented|to{1}do)!\s*\(/.test(line))).toEqual([]);
  });

  test("no test that is switched off or runs alone", () => {
    expect(
      linesWhere(
        sources.filter((path) => !path.startsWith("scripts/checks/tidy")),
        (line) => switchedOff.test(line),
      ),
    ).toEqual([]);
  });
});

describe("what belongs to one machine", () => {
  test("no paths", () => {
    expect(linesWhere(files, (line) => machinePaths.test(line))).toEqual([]);
  });

  test("no registry hosts, not even in lock files", () => {
    expect(linesWhere(files, (line) => registryHosts.test(line))).toEqual([]);
  });
});

describe("versions", () => {
  test("every npm dependency comes from the catalog or from here", async () => {
    const root = { folder: ".", manifest: JSON.parse(readSource("package.json")) };
    const loose = [...(await npmPackages()), root].flatMap(({ folder, manifest }) =>
      [manifest.dependencies, manifest.devDependencies]
        .flatMap((group) => Object.entries(group ?? {}))
        .filter(([, version]) => version !== "catalog:" && !/^workspace:(.+@)?\*$/.test(version))
        .map(([name, version]) => `${folder}: ${name} ${version}`),
    );
    expect(loose).toEqual([]);
  });

  test("what a benchmark installs has exact versions", async () => {
    const peers = await peerPackages();
    const loose = peers.flatMap(({ folder, manifest }) =>
      Object.entries(manifest.dependencies)
        .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
        .map(([name, version]) => `${folder}: ${name} ${version}`),
    );
    expect([peers.length > 0, loose]).toEqual([true, []]);
  });

  test("the catalog and the Cargo workspace name exact versions", () => {
    const catalog = readSource("pnpm-workspace.yaml")
      .split(/^catalog:$/m)[1]
      .split(/^\S/m)[0];
    const looseNpm = catalog.split("\n").filter((line) => line.trim() !== "" && !/: \d+\.\d+\.\d+$/.test(line));
    const table = readSource("packages/core/Cargo.toml").split("[workspace.dependencies]")[1].split(/^\[/m)[0];
    const looseCargo = table.split("\n").filter((line) => line.trim() !== "" && !/path = |"=\d/.test(line));
    expect([...looseNpm, ...looseCargo]).toEqual([]);
  });
});

describe("the check itself", () => {
  test("finds what it is there for", () => {
    expect(leftOvers.test("// TO" + "DO: later")).toBe(true);
    expect(switchedOff.test("  test." + "skip(")).toBe(true);
    expect(switchedOff.test("  test.skipIf" + "(true)(")).toBe(true);
    expect(switchedOff.test("  test.runIf(isBuilt)(")).toBe(false);
    expect(machinePaths.test("see /ho" + "me/someone/x")).toBe(true);
    expect(registryHosts.test("https://registry.npm" + "js.org/x")).toBe(true);
    expect(isTooLong("x ".repeat(80), "a.ts")).toBe(true);
    expect(isTooLong(`const a = "${"x".repeat(130)}";`, "a.ts")).toBe(false);
  });
});
