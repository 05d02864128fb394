// `npm run readmes`: writes the READMEs of the facades.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot, say } from "./lib/process.mjs";
import { facades, readmePath, renderReadme } from "./lib/readmes.mjs";

for (const facade of facades) {
  writeFileSync(join(repositoryRoot, readmePath(facade)), renderReadme(facade));
  say(`wrote ${readmePath(facade)}`);
}
