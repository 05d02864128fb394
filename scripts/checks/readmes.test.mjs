// The READMEs of the facades are what their template and samples say.
import { describe, expect, test } from "vitest";
import { codeBlock, facades, readmePath, renderReadme, sectionsOf } from "../lib/readmes.mjs";
import { readSource } from "../lib/sources.mjs";

test.each(facades)("the README of %s is as `npm run readmes` writes it", (facade) => {
  expect(readSource(readmePath(facade))).toBe(renderReadme(facade));
});

describe("the parts of it", () => {
  const files = {
    "scripts/lib/readme-template.md": "# {{package}}\n\n{{own intro}}\n\n{{own none}}\n\n{{code quick}}\n",
    "packages/node/samples/particulars.md": "# intro\n\nHello, {{package}}.\n",
    "packages/node/samples/quick.ts": "import x;\n  // #region a\n  if (x) {\n    y();\n  }\n  // #endregion\n",
  };
  const render = (changed = {}) => renderReadme("node", (path) => ({ ...files, ...changed })[path]);

  test("template, particulars and code make a document", () => {
    const code = "```ts\nif (x) {\n  y();\n}\n```";
    expect(render()).toBe(`# @tidemark/node\n\nHello, @tidemark/node.\n\n${code}\n`);
  });

  test("regions of a sample stand below one another", () => {
    const text = "// #region a\nb();\n// #endregion\nc();\n// #region d\n  e();\n\n  f();\n// #endregion\n";
    expect(codeBlock(text, "sample")).toBe("```ts\nb();\n\ne();\n\nf();\n```");
    expect(() => codeBlock("a();\n", "sample")).toThrow("sample: no region");
  });

  test("sections are known by their headings", () => {
    expect([...sectionsOf("# a\n\nb\n\n## c\n\n# d\ne\n")]).toEqual([
      ["a", "b\n\n## c"],
      ["d", "e"],
    ]);
  });

  test("what has no place, and code that nobody tests, is refused", () => {
    const own = (text) => () => render({ "packages/node/samples/particulars.md": text });
    expect(own("# intro\na\n# other\nb\n")).toThrow("no place for other");
    expect(own("# intro\n{{unknown}}\n")).toThrow("there is nothing for {{unknown}}");
    expect(own("# intro\n```ts\na();\n```\n")).toThrow("code belongs into samples");
  });
});
