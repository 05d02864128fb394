// Puts the code of the guides' tests into the guides: `node scripts/guide.mjs`. A block of code belongs to the region
// that the comment before it names, `<!-- code: node S1 -->`; a test of the repository fails when they differ.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { repositoryRoot } from "./lib/process.mjs";
import { readSource } from "./lib/sources.mjs";
import { region } from "./regions.mjs";

/** The guides, and where the code of each shape lies. */
export const guides = ["docs/guide/managing-a-sync-session.md"];
export const shapes = ["cpp", "kotlin", "flutter", "node"];

/** The file that holds a shape's code. */
export function codeFile(shape) {
  return `apps/docs/guide/${shape}/sessions.test.ts`;
}

/** `[shape, region]` of every block of a guide. */
export function blocksOf(text) {
  return Array.from(text.matchAll(/^<!-- code: (\w+) (\S+) -->$/gm), ([, shape, name]) => [shape, name]);
}

/** A guide with the code as it is now. `read` gives the region of a name. */
export function assemble(text, read = (shape, name) => region(codeFile(shape), name)) {
  const block = /^(<!-- code: (\w+) (\S+) -->)$(?:\n+```ts\n[^]*?^```$)?/gm;
  return text.replaceAll(block, (_, mark, shape, name) => `${mark}\n\`\`\`ts\n${read(shape, name)}\n\`\`\``);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const guide of guides) writeFileSync(join(repositoryRoot, guide), assemble(readSource(guide)));
}
