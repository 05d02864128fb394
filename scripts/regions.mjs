// Pieces of code files for documents: what stands between `// #region NAME` and its `// #endregion`.
import { readSource } from "./lib/sources.mjs";

const begin = /^\s*\/\/ #region (\S+)$/;
const end = /^\s*\/\/ #endregion$/;

/** All regions of a text by name, without marks of others and without the indentation that all lines share. */
export function regionsOf(text) {
  const found = new Map();
  const open = [];
  for (const line of text.split("\n")) {
    const name = begin.exec(line)?.[1];
    if (name !== undefined) {
      if (found.has(name) || open.some((one) => one.name === name)) throw new Error(`two regions are named ${name}`);
      open.push({ name, lines: [] });
    } else if (end.test(line)) {
      const closed = open.pop();
      if (closed === undefined) throw new Error("a region ends that has not begun");
      found.set(closed.name, dedent(closed.lines));
    } else for (const { lines } of open) lines.push(line);
  }
  if (open.length > 0) throw new Error(`the region ${open[0].name} does not end`);
  return found;
}

function dedent(lines) {
  const depths = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const depth = Math.min(...depths, Number.MAX_SAFE_INTEGER);
  return lines
    .map((line) => line.slice(Math.min(depth, line.length)))
    .join("\n")
    .trim();
}

/** The region of a name in a file, by its path from the root. */
export function region(file, name) {
  const found = regionsOf(readSource(file)).get(name);
  if (found === undefined) throw new Error(`${file} has no region ${name}`);
  return found;
}
