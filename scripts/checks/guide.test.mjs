// The guides print code that runs: each block is a region of a test, and each region is printed.
import { describe, expect, test } from "vitest";
import { assemble, blocksOf, codeFile, guides, regionReader, shapes } from "../guide.mjs";
import { readSource } from "../lib/sources.mjs";
import { regionsOf } from "../regions.mjs";

describe("guides", () => {
  const named = Object.entries(guides);
  test.each(named)("the code of %s is that of the tests (else: node scripts/guide.mjs)", (name, guide) => {
    const text = readSource(guide);
    expect(text).toBe(assemble(text, regionReader(name)));
  });

  test.each(named)("every block of code of %s says where it comes from", (_, guide) => {
    const text = readSource(guide);
    expect(text.match(/^```ts$/gm)).toHaveLength(blocksOf(text).length);
  });

  const all = named.flatMap(([name, guide]) => shapes.map((shape) => [name, guide, shape]));
  test.each(all)("every region of %s (%s) in %s is printed", (name, guide, shape) => {
    const printed = blocksOf(readSource(guide)).filter(([one]) => one === shape);
    const names = printed.map(([, region]) => region);
    expect([...regionsOf(readSource(codeFile(name, shape))).keys()].sort()).toEqual([...new Set(names)].sort());
  });

  test("the rows of sync sessions are all there", () => {
    const headings = readSource(guides.sessions)
      .match(/^## .*$/gm)
      .join("\n");
    const rows = Array.from({ length: 20 }, (_, index) => `S${index + 1}`);
    expect(rows.filter((row) => !new RegExp(`\\b${row}\\b`).test(headings))).toEqual([]);
  });
});

describe("the check itself", () => {
  const code = ["x", "  // #region a", "  one(() => {", "    two();", "", "  });", "  // #endregion", "y"].join("\n");

  test("regions lose their indentation and the marks", () => {
    expect(regionsOf(code).get("a")).toBe("one(() => {\n  two();\n\n});");
    expect([...regionsOf("// #region a\n// #region b\n1\n// #endregion\n2\n// #endregion")]).toEqual([
      ["b", "1"],
      ["a", "1\n2"],
    ]);
  });

  test("marks that do not fit are errors", () => {
    expect(() => regionsOf("// #region a\n")).toThrow("the region a does not end");
    expect(() => regionsOf("// #endregion\n")).toThrow("a region ends that has not begun");
    expect(() => regionsOf("// #region a\n// #endregion\n// #region a\n// #endregion")).toThrow("two regions");
  });

  test("blocks get the code of their regions, whether there was some or none", () => {
    const read = (shape, name) => `${shape} ${name}`;
    const guide = "# A\n\n<!-- code: node S1 -->\n```ts\nold();\n```\n\ntext\n\n<!-- code: cpp S2 -->\n\nmore\n";
    const assembled = assemble(guide, read);
    const block = (shape, name) => `<!-- code: ${shape} ${name} -->\n\`\`\`ts\n${shape} ${name}\n\`\`\``;
    expect(assembled).toBe(`# A\n\n${block("node", "S1")}\n\ntext\n\n${block("cpp", "S2")}\n\nmore\n`);
    expect(assemble(assembled, read)).toBe(assembled);
    expect(blocksOf(guide)).toEqual([
      ["node", "S1"],
      ["cpp", "S2"],
    ]);
  });
});
