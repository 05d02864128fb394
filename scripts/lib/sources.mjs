// The files of the repository as git sees them: what is committed, and what would be.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot, run } from "./process.mjs";

/** Paths from the root, with `/`. Deleted but uncommitted files are left out. */
export async function repositoryFiles() {
  const listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { status, output } = await run("git", listing, { capture: true });
  if (status !== 0) throw new Error(`git ls-files failed: ${output}`);
  const paths = [...new Set(output.split("\0"))].filter((path) => path !== "");
  return paths.filter((path) => existsSync(join(repositoryRoot, path)));
}

/** Families of recorded vectors that the built core replays; the others are replayed by tests of their rooms. */
const replayedFamilies = ["codec", "merge", "apply"];

/** Vector files for `npm run vectors` without files. */
export function recordedVectorFiles() {
  const folder = join(repositoryRoot, "packages", "conformance", "vectors");
  return replayedFamilies.flatMap((family) =>
    readdirSync(join(folder, family))
      .filter((name) => name.endsWith(".jsonl"))
      .map((name) => join(folder, family, name)),
  );
}

export function readSource(path) {
  return readFileSync(join(repositoryRoot, path), "utf8");
}

/** Whether a file holds tests: they follow fewer rules. */
export function isTest(path) {
  return /\.test\.m?[jt]s$/.test(path) || /\/(tests|test|testing)\//.test(path) || /\/tests?\.rs$/.test(path);
}

/** Whether a file is a program that shows how a facade is used. */
export function isSample(path) {
  return /^packages\/[^/]+\/samples\//.test(path);
}

/** Recorded data is not ours to tidy. */
export function isData(path) {
  return /\/vectors\/.*\.jsonl?$/.test(path) || /\.(jsonl|bin|png|svg)$/.test(path);
}

/** Folders with one package each below them. */
export const packageGroups = ["packages", "apps", "examples/drop-in"];

/** Manifests of the workspace's npm packages, by folder. */
export function npmPackages() {
  return packagesAt(new RegExp(`^(${packageGroups.join("|")})/[^/]+/package\\.json$`));
}

/**
 * Folders with what a benchmark installs when it is first run: no part of the workspace, with lock files of their
 * own.
 */
export function peerPackages() {
  return packagesAt(/^apps\/bench\/peers\/[^/]+\/package\.json$/);
}

async function packagesAt(place) {
  const manifests = (await repositoryFiles()).filter((path) => place.test(path));
  return manifests.map((path) => ({
    folder: path.slice(0, -"/package.json".length),
    manifest: JSON.parse(readSource(path)),
  }));
}
