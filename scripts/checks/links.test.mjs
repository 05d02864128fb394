// Relative links of Markdown files lead to files and headings that are there.
import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { repositoryRoot } from "../lib/process.mjs";
import { readSource, repositoryFiles } from "../lib/sources.mjs";

/** Lines outside of fenced code, with inline code taken out. */
function prose(text) {
  let isCode = false;
  return text.split("\n").map((line) => {
    const isFence = /^\s*(```|~~~)/.test(line);
    if (isFence) isCode = !isCode;
    return isFence || isCode ? "" : line;
  });
}

/** `[target, line number]` of every link that is no address. */
function relativeLinks(text) {
  return prose(text).flatMap((line, index) => {
    const inline = line.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)/g);
    const definitions = line.matchAll(/^\s*\[[^\]]+\]:\s+<?([^\s>]+)/g);
    const targets = [...inline, ...definitions].map(([, target]) => target);
    return targets.filter((target) => !/^[a-z][a-z+.-]*:/i.test(target)).map((target) => [target, index + 1]);
  });
}

/** The fragments by which a file's headings are reached, as GitHub makes them. */
function fragments(text) {
  const seen = new Map();
  const headings = prose(text).filter((line) => /^#{1,6}\s/.test(line));
  return headings.map((heading) => {
    const plain = heading.replace(/^#+\s+/, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const slug = plain
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

/** What is wrong with a link in a file, in words. `read` gives the text of a file, `undefined` if there is none. */
function linkProblem(path, target, read) {
  const [file, fragment] = target.split("#");
  const there = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), decodeURI(file)));
  if (there.startsWith("../") || file.startsWith("/")) return "leaves the repository";
  const text = read(there);
  if (text === undefined) return "leads nowhere";
  const isMissing = fragment !== undefined && there.endsWith(".md") && !fragments(text).includes(fragment);
  return isMissing ? "leads to no heading" : undefined;
}

/** Folders have an empty text. */
function readAny(path) {
  const full = join(repositoryRoot, path);
  if (!existsSync(full)) return undefined;
  return statSync(full).isDirectory() ? "" : readSource(path);
}

describe("links", async () => {
  const pages = (await repositoryFiles()).filter((path) => path.endsWith(".md"));

  test.each(pages)("of %s lead somewhere", (path) => {
    const problems = relativeLinks(readSource(path))
      .map(([target, line]) => [`${path}:${line}: ${target}`, linkProblem(path, target, readAny)])
      .filter(([, problem]) => problem !== undefined)
      .map((words) => words.join(" "));
    expect(problems).toEqual([]);
  });
});

describe("the check itself", () => {
  const texts = { "docs/a.md": "# One `two`\n\n## One two\n\n## It's 1.5", "docs/b": "" };
  const problemOf = (target) => linkProblem("docs/a.md", target, (path) => texts[path]);

  test("finds links in prose and none in code", () => {
    const text = 'a [b](c.md), [d](e.md "f")\n`[g](h.md)` [i](https://j.k)\n```\n[l](m.md)\n```\n[n]: o.md\n';
    expect(relativeLinks(text)).toEqual([
      ["c.md", 1],
      ["e.md", 1],
      ["o.md", 6],
    ]);
  });

  test("finds what it is there for", () => {
    expect(problemOf("c.md")).toBe("leads nowhere");
    expect(problemOf("../../x.md")).toBe("leaves the repository");
    expect(problemOf("#three")).toBe("leads to no heading");
    expect(problemOf("a.md#one-two-2")).toBe("leads to no heading");
    for (const target of ["b", "a.md", "#one-two", "#one-two-1", "../docs/a.md#its-15"]) {
      expect(problemOf(target), target).toBe(undefined);
    }
  });
});
