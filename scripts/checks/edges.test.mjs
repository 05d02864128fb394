// The one-way rule: who may use whom, for crates and for packages. The tables are the documentation of it.
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { run } from "../lib/process.mjs";
import { isSample, isTest, npmPackages, peerPackages, readSource, repositoryFiles } from "../lib/sources.mjs";

const logic = ["changeset", "model", "transform", "query"];
const clientCore = [...logic, "storage", "store"];

/** Crate → the crates of this repository that it may use. */
const crateEdges = {
  changeset: [],
  model: ["changeset"],
  transform: ["changeset"],
  query: ["changeset"],
  storage: [],
  store: [...logic, "storage"],
  ledger: [...logic, "storage"],
  testkit: [...clientCore, "ledger"],
  native: [...clientCore, "ledger"],
  wasm: clientCore,
};

/** What a crate may use behind a feature, for the tools of this repository. */
const crateToolEdges = { native: ["testkit"], wasm: ["testkit"] };

/** What tests of crates (dev-dependencies) may use on top. */
const crateTestEdges = [...logic, "storage", "testkit"];

/** Package → the packages of this repository that it may use. A facade uses the engine alone. */
const packageEdges = {
  "@tidemark/protocol": [],
  "@tidemark/testing": [],
  "@tidemark/native": [],
  "@tidemark/wasm": [],
  "@tidemark/engine": ["@tidemark/protocol", "@tidemark/native", "@tidemark/wasm"],
  "@tidemark/node": ["@tidemark/engine"],
  "@tidemark/kotlin": ["@tidemark/engine"],
  "@tidemark/flutter": ["@tidemark/engine"],
  "@tidemark/cpp": ["@tidemark/engine"],
  "@tidemark/server": ["@tidemark/protocol", "@tidemark/native"],
  // It drives facades; the server it starts as a process. A thousand clients in one process need the engine's own
  // parts: the loop without a thread each, and a look at every byte that arrives.
  "@tidemark/conformance": [
    "@tidemark/node",
    "@tidemark/kotlin",
    "@tidemark/flutter",
    "@tidemark/cpp",
    "@tidemark/engine",
    "@tidemark/protocol",
    "@tidemark/native",
    "@tidemark/wasm",
  ],
  // The demonstration compares rows as they are stored, which no facade shows.
  tidemark: ["@tidemark/node", "@tidemark/engine", "@tidemark/server"],
  // The sample app's cities are measured too.
  "@tidemark/bench": ["@tidemark/native", "@tidemark/node", "@tidemark/protocol", "@tidemark/server", "tidemark"],
  "@tidemark/docs": [],
  // Applications as they were written for the SDKs: they know us by the name of the SDK's package.
  "@tidemark/drop-in-script": ["@tidemark/node"],
  "@tidemark/drop-in-express": ["@tidemark/node"],
  "@tidemark/drop-in-react": ["@tidemark/node"],
};

/** What tests may use on top. Nobody uses conformance: it stands above the facades. */
const testEdges = {
  ...Object.fromEntries(
    ["engine", "node", "kotlin", "flutter", "cpp", "drop-in-script", "drop-in-express", "drop-in-react"].map((name) => [
      `@tidemark/${name}`,
      ["@tidemark/testing"],
    ]),
  ),
  // The guide's code is that of tests.
  "@tidemark/docs": [
    "@tidemark/node",
    "@tidemark/kotlin",
    "@tidemark/flutter",
    "@tidemark/cpp",
    "@tidemark/server",
    "@tidemark/testing",
  ],
};

function isOurs(name) {
  return name === "tidemark" || name.startsWith("@tidemark/");
}

/** `@scope/name/deep` → `@scope/name`. */
function packageOf(specifier) {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** The package that a manifest means by a name: `"realm": "workspace:@tidemark/node@*"` is one of ours. */
function meantBy(name, { dependencies, devDependencies }) {
  const version = dependencies?.[name] ?? devDependencies?.[name] ?? "";
  return /^workspace:(.+)@/.exec(version)?.[1] ?? name;
}

function allowedFor(name, forTests) {
  return [...(packageEdges[name] ?? []), ...(forTests ? (testEdges[name] ?? []) : [])];
}

/** Every module that a file names, type-only imports included. */
function importsOf(path) {
  return ts.preProcessFile(readSource(path), true, true).importedFiles.map(({ fileName }) => fileName);
}

/** Whether the package's list of files leaves out what a source is compiled to. */
function isUnpublished(path, folder, manifest) {
  const left = (manifest.files ?? []).filter((entry) => entry.startsWith("!dist/") && !entry.includes("*"));
  return left.some((entry) => path.startsWith(`${folder}/src/${entry.slice("!dist/".length)}/`));
}

/** What is wrong with one import of a package's file, in words. */
function importProblem({ folder, manifest }, path, specifier) {
  if (specifier.startsWith(".")) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    if (!target.startsWith(`${folder}/`)) return "leaves its package";
    return target === `${folder}/src/index.js` && !isTest(path) ? "imports its own package's entry" : undefined;
  }
  if (specifier.startsWith("#")) {
    return Object.hasOwn(manifest.imports ?? {}, specifier) ? undefined : "is not among the package's imports";
  }
  const name = packageOf(specifier);
  if (specifier.startsWith("node:")) return undefined;
  if (name === manifest.name && (isTest(path) || isSample(path))) return undefined;
  if (isOurs(name) && isSample(path) && !isTest(path)) return "is not for applications";
  if (builtinModules.includes(name)) return "must be written with node:";
  const meant = meantBy(name, manifest);
  if (isOurs(meant) && !allowedFor(manifest.name, isTest(path)).includes(meant)) return "is not an allowed edge";
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
  const isOwn = isTest(path) || posix.dirname(path) === folder || isUnpublished(path, folder, manifest);
  const forTests = isOwn ? manifest.devDependencies : {};
  return name in declared || name in (forTests ?? {}) ? undefined : "is not declared in package.json";
}

describe("crates", async () => {
  const manifestPath = join("packages", "core", "Cargo.toml");
  const metadataArguments = ["metadata", "--no-deps", "--format-version", "1", "--manifest-path", manifestPath];
  const { output } = await run("cargo", metadataArguments, { capture: true });
  const { packages } = JSON.parse(output.slice(output.indexOf("{")));
  const short = (name) => name.replace(/^tidemark-/, "");

  test("are all in the table", () => {
    expect(packages.map(({ name }) => short(name)).sort()).toEqual(Object.keys(crateEdges).sort());
  });

  test.each(packages.map((crate) => [short(crate.name), crate]))("%s uses only what it may", (name, crate) => {
    const used = crate.dependencies.filter((dependency) => dependency.path !== undefined && dependency.path !== null);
    const wrong = used.filter(({ name: other, kind, optional }) => {
      const tools = optional ? (crateToolEdges[name] ?? []) : [];
      const allowed = [...(crateEdges[name] ?? []), ...(kind === "dev" ? crateTestEdges : []), ...tools];
      return !allowed.includes(short(other));
    });
    expect(wrong.map(({ name: other }) => short(other))).toEqual([]);
  });
});

describe("packages", async () => {
  const packages = await npmPackages();
  const peers = await peerPackages();
  const files = (await repositoryFiles()).filter((path) => /\.m?[jt]sx?$/.test(path));

  test("are all in the table", () => {
    expect(packages.map(({ manifest }) => manifest.name).sort()).toEqual(Object.keys(packageEdges).sort());
  });

  test.each(packages.map((one) => [one.manifest.name, one]))("%s declares only what it may", (name, { manifest }) => {
    const meant = (group) => Object.keys(group ?? {}).map((other) => meantBy(other, manifest));
    const wrong = [
      ...meant(manifest.dependencies).filter((other) => isOurs(other) && !allowedFor(name, false).includes(other)),
      ...meant(manifest.devDependencies).filter((other) => isOurs(other) && !allowedFor(name, true).includes(other)),
    ];
    expect(wrong).toEqual([]);
  });

  /** Files of a package; those of a peer inside of it are the peer's. */
  const filesOf = ({ folder }) =>
    files.filter((path) => {
      const isDeeper = (peer) => peer.folder.startsWith(`${folder}/`) && path.startsWith(`${peer.folder}/`);
      return path.startsWith(`${folder}/`) && !peers.some(isDeeper);
    });

  test.each([...packages, ...peers].map((one) => [one.manifest.name, one]))("%s imports only what it may", (_, one) => {
    const problems = filesOf(one)
      .flatMap((path) => importsOf(path).map((specifier) => [path, specifier, importProblem(one, path, specifier)]))
      .filter(([, , problem]) => problem !== undefined)
      .map(([path, specifier, problem]) => `${path}: "${specifier}" ${problem}`);
    expect(problems).toEqual([]);
  });
});

describe("the check itself", () => {
  const facade = {
    folder: "packages/node",
    manifest: { name: "@tidemark/node", dependencies: { "@tidemark/server": "" } },
  };
  const problemOf = (specifier, path = "packages/node/src/realm.ts") => importProblem(facade, path, specifier);

  test("finds what it is there for", () => {
    expect(problemOf("../../engine/src/core.js")).toBe("leaves its package");
    expect(problemOf("./index.js")).toBe("imports its own package's entry");
    expect(problemOf("@tidemark/server")).toBe("is not an allowed edge");
    expect(problemOf("@tidemark/conformance")).toBe("is not an allowed edge");
    expect(problemOf("fs")).toBe("must be written with node:");
    expect(problemOf("left-pad")).toBe("is not declared in package.json");
    expect(problemOf("./realm.js")).toBe(undefined);
    expect(problemOf("@tidemark/node")).toBe("is not an allowed edge");
    expect(problemOf("@tidemark/node", "packages/node/samples/quick-start.ts")).toBe(undefined);
    expect(problemOf("@tidemark/engine", "packages/node/samples/quick-start.ts")).toBe("is not for applications");
  });

  test("knows ours by another name", () => {
    const dependencies = { realm: "workspace:@tidemark/node@*", left: "workspace:*" };
    expect([meantBy("realm", { dependencies }), meantBy("left", { dependencies })]).toEqual(["@tidemark/node", "left"]);
    const aliased = { folder: "packages/kotlin", manifest: { name: "@tidemark/kotlin", dependencies } };
    expect(importProblem(aliased, "packages/kotlin/src/a.ts", "realm")).toBe("is not an allowed edge");
    const app = { folder: "examples/drop-in/script", manifest: { name: "@tidemark/drop-in-script", dependencies } };
    expect(importProblem(app, "examples/drop-in/script/a.js", "realm")).toBe(undefined);
  });
});
