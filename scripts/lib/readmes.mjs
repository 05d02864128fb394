// The READMEs of the facades. Prose comes from one template, code out of each facade's samples, which are run as tests,
// and what is particular to a facade from its own file.
import { regionsOf } from "../regions.mjs";
import { readSource } from "./sources.mjs";

export const facades = ["node", "kotlin", "flutter", "cpp"];

export function readmePath(facade) {
  return `packages/${facade}/README.md`;
}

/** What a facade's README has to be. */
export function renderReadme(facade, read = readSource) {
  const folder = `packages/${facade}/samples`;
  const particulars = sectionsOf(read(`${folder}/particulars.md`));
  const fill = (text, isOwn) => {
    if (/^\s*(```|~~~)[tj]s/m.test(text)) throw new Error(`${facade}: code belongs into samples, where it is tested`);
    return text.replaceAll(/\{\{(\w+)(?: ([^}]*))?\}\}/g, (_, kind, argument) => {
      if (kind === "package") return `@tidemark/${facade}`;
      if (kind === "code") return codeBlock(read(`${folder}/${argument}.ts`), argument);
      if (kind === "own" && !isOwn) {
        const own = particulars.get(argument) ?? "";
        particulars.delete(argument);
        return fill(own, true);
      }
      throw new Error(`${facade}: there is nothing for {{${kind}}}`);
    });
  };
  const filled = fill(read("scripts/lib/readme-template.md"), false);
  if (particulars.size > 0) throw new Error(`${facade}: no place for ${[...particulars.keys()].join(", ")}`);
  // What a facade has nothing for leaves its lines empty.
  return filled.replaceAll(/\n{3,}/g, "\n\n");
}

/** Texts by the heading that they stand under. */
export function sectionsOf(text) {
  const [, ...parts] = text.split(/^# (.+)\n/m);
  const sections = new Map();
  for (let at = 0; at < parts.length; at += 2) sections.set(parts[at].trim(), parts[at + 1].trim());
  return sections;
}

/** The regions of a sample, one below the other. */
export function codeBlock(text, name) {
  const regions = [...regionsOf(text).values()];
  if (regions.length === 0) throw new Error(`${name}: no region`);
  return ["```ts", regions.join("\n\n"), "```"].join("\n");
}
