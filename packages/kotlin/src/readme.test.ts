import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

/** Of the package. */
const folder = join(import.meta.dirname, "..");

/** All examples of the document as one module. */
function examples(): string {
  const text = readFileSync(join(folder, "README.md"), "utf8");
  return Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code ?? "").join("\n");
}

test("the examples of the document compile", () => {
  const path = join(folder, "readme-examples.ts");
  writeFileSync(path, examples());
  try {
    const { config } = ts.readConfigFile(join(folder, "../../tsconfig.base.json"), (name) => ts.sys.readFile(name));
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
    // The lines of a document are not those of a library.
    const relaxed = { ...options, noEmit: true, isolatedDeclarations: false, incremental: false, declaration: false };
    const problems = ts.getPreEmitDiagnostics(ts.createProgram([path], { ...relaxed, declarationMap: false }));
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  } finally {
    rmSync(path);
  }
});
