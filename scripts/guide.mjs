// Puts the code of the guides' tests into the guides: `node scripts/guide.mjs`. A block of code belongs to the region
// that the comment before it names, `<!-- code: node S1 -->`; a test of the repository fails when they differ.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { repositoryRoot } from "./lib/process.mjs";
import { readSource } from "./lib/sources.mjs";
import { region } from "./regions.mjs";

/** The guides by the name of the tests that hold their code. */
export const guides = {
  sessions: "docs/guide/managing-a-sync-session.md",
  migrations: "docs/guide/migrations.md",
};
export const shapes = ["cpp", "kotlin", "flutter", "node"];

/** The file that holds a shape's code for a guide. */
export function codeFile(name, shape) {
  return `apps/docs/guide/${shape}/${name}.test.ts`;
}

/** `[shape, region]` of every block of a guide. */
export function blocksOf(text) {
  return Array.from(text.matchAll(/^<!-- code: (\w+) (\S+) -->$/gm), ([, shape, name]) => [shape, name]);
}

/** Gives the region of a name in a shape's code for a guide. */
export function regionReader(guide) {
  return (shape, name) => region(codeFile(guide, shape), name);
}

/** A guide with the code as it is now. `read` gives the region of a name. */
export function assemble(text, read) {
  const block = /^(<!-- code: (\w+) (\S+) -->)$(?:\n+```ts\n[^]*?^```$)?/gm;
  return text.replaceAll(block, (_, mark, shape, name) => `${mark}\n\`\`\`ts\n${read(shape, name)}\n\`\`\``);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, guide] of Object.entries(guides)) {
    writeFileSync(join(repositoryRoot, guide), assemble(readSource(guide), regionReader(name)));
  }
}
