/**
 * Reads what stands at the root of an app directory: its configuration, environments and values.
 *
 * @module
 */

import { z } from "zod";
import type { EnvironmentConfiguration } from "./configuration.js";
import { type Directory, readObject } from "./directory.js";
import type { JsonDocument, Substitution } from "./json-document.js";

/** The root's own settings. */
export interface RootConfiguration {
  readonly name: string;
  readonly appId: string | null;
  readonly allowedRequestOrigins: readonly string[];
  /** Tag of the environment that the app is in. */
  readonly environmentTag: string;
}

const environmentTags = ["", "development", "testing", "qa", "production"] as const;
const nameLengthMax = 32;
const name = z.string().regex(/^[A-Za-z0-9_-]*$/, `only letters, digits, "_" and "-" are allowed`);
const rootShape = z.object({
  name: name
    .min(1, "the name is empty")
    .max(nameLengthMax, `at most ${nameLengthMax} characters are allowed`)
    .optional(),
  environment: z.enum(environmentTags).optional(),
  allowed_request_origins: z.array(z.string()).optional(),
  // Where the original ran the app says nothing here.
  deployment_model: z.enum(["GLOBAL", "LOCAL"]).optional(),
  provider_region: z.string().optional(),
});
const olderRootShape = rootShape.extend({
  app_id: z.string().optional(),
  config_version: z.number().optional(),
  location: z.string().optional(),
});

const currentFile = "root_config.json";
const olderFile = "realm_config.json";
const olderVersion = 20210101;
const formats = `the current one (${currentFile}) and ${olderVersion} (${olderFile})`;

/** Reads the root's configuration; `undefined` if the directory is in no format that can be read. */
export function readRoot(directory: Directory): RootConfiguration | undefined {
  if (directory.has(currentFile)) return readCurrentRoot(directory);
  if (directory.has(olderFile)) return readOlderRoot(directory);
  const oldest = ["config.json", "stitch.json"].find((path) => directory.has(path));
  const message =
    oldest === undefined
      ? `there is no ${currentFile}: this is not the directory of an app`
      : `the format of this directory is older than ${olderVersion}; read are ${formats}`;
  directory.findings.addFile("error", oldest ?? currentFile, message);
  return undefined;
}

function readCurrentRoot(directory: Directory): RootConfiguration {
  const document = directory.json(currentFile);
  const root = document === undefined ? {} : readObject(document, [], document.value, rootShape);
  if (document !== undefined && root.name === undefined && !hasKey(document, "name")) {
    document.report("error", [], "name is missing");
  }
  // Exports between the two formats have both files; the id is only in the older one.
  const older = directory.json(olderFile);
  const { app_id: appId } = older === undefined ? {} : readObject(older, [], older.value, olderRootShape);
  return complete(document, root, appId);
}

function readOlderRoot(directory: Directory): RootConfiguration | undefined {
  const document = directory.json(olderFile);
  if (document === undefined) return complete(undefined, {}, undefined);
  const root = readObject(document, [], document.value, olderRootShape);
  const version = root.config_version;
  if (version !== undefined && version !== olderVersion) {
    document.report("error", ["config_version"], `the format ${version} is not read; read are ${formats}`);
    return undefined;
  }
  return complete(document, root, root.app_id);
}

function complete(
  document: JsonDocument | undefined,
  root: z.output<typeof rootShape>,
  appId: string | undefined,
): RootConfiguration {
  const origins = root.allowed_request_origins ?? [];
  if (origins.length > 0) {
    const message = "allowed_request_origins: requests of browsers from other origins are not refused yet";
    document?.report("warning", ["allowed_request_origins"], message);
  }
  return {
    // A client app id is the name with five random characters.
    name: root.name ?? appId?.replace(/-[a-z]{5}$/, "") ?? "",
    appId: appId === undefined || appId === "" ? null : appId,
    allowedRequestOrigins: origins,
    environmentTag: root.environment ?? "",
  };
}

function hasKey(document: JsonDocument, key: string): boolean {
  return typeof document.value === "object" && document.value !== null && Object.hasOwn(document.value, key);
}

/**
 * Reads the values of the environment, and checks those of the others.
 *
 * @param tag the environment to take, empty for none.
 */
export function readEnvironment(directory: Directory, tag: string): EnvironmentConfiguration {
  let values: Readonly<Record<string, unknown>> | undefined;
  const shape = z.object({ values: z.record(z.string(), z.unknown()).optional() });
  for (const path of directory.paths) {
    const [, file] = /^environments\/([^/]+)\.json$/.exec(path) ?? [];
    if (file === undefined) continue;
    const ofTag = file === "no-environment" ? "" : file;
    if (!(environmentTags as readonly string[]).includes(ofTag) || file === "") {
      directory.findings.addFile("warning", path, `there is no environment "${file}"; the file is ignored`);
      continue;
    }
    const document = directory.json(path);
    if (document === undefined) continue;
    const read = readObject(document, [], document.value, shape);
    if (ofTag === tag) values = read.values ?? {};
  }
  if (values === undefined && tag !== "") {
    const message = `the environment is "${tag}", and environments/${tag}.json is not there: it has no values`;
    directory.findings.addFile("warning", `environments/${tag}.json`, message);
  }
  return { tag, values: values ?? {} };
}

/** Replaces `%(%%environment.values.<name>)` in strings of the files. */
export function environmentSubstitution({ tag, values }: EnvironmentConfiguration): Substitution {
  const environment = tag === "" ? "without an environment" : `of environment "${tag}"`;
  return (text, wrong) =>
    text.replaceAll(/%\(%%environment\.values\.([^)]*)\)/g, (asked, valueName: string) => {
      const value = Object.hasOwn(values, valueName) ? values[valueName] : undefined;
      if (typeof value === "string") return value;
      wrong(
        value === undefined
          ? `there is no value "${valueName}" ${environment}`
          : `the value "${valueName}" ${environment} is no string, and only strings can be put here`,
      );
      return asked;
    });
}

const valueShape = z.object({
  id: z.string().optional(),
  name: z.string().min(1).optional(),
  from_secret: z.boolean().optional(),
  private: z.boolean().optional(),
  value: z.unknown().optional(),
});

/**
 * Reads `values/*.json`.
 *
 * @param secrets by name: they are never part of an export.
 */
export function readValues(
  directory: Directory,
  secrets: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const values = new Map<string, unknown>();
  for (const path of directory.paths) {
    const [, file] = /^values\/([^/]+)\.json$/.exec(path) ?? [];
    const document = file === undefined ? undefined : directory.json(path);
    if (document === undefined || file === undefined) continue;
    const read = readObject(document, [], document.value, valueShape);
    const valueName = read.name ?? file;
    if (values.has(valueName)) document.report("error", ["name"], `there is a value "${valueName}" already`);
    if (read.from_secret !== true) {
      if (read.value === undefined) document.report("error", [], "value is missing");
      values.set(valueName, read.value);
      continue;
    }
    const secret = read.value;
    if (typeof secret !== "string") {
      document.report("error", ["value"], "value: the name of a secret is expected");
    } else if (Object.hasOwn(secrets, secret)) {
      values.set(valueName, secrets[secret]);
    } else {
      const message = `%%values.${valueName} has no value: the secret "${secret}" is not known; exports hold no secrets`;
      document.report("warning", ["value"], message);
    }
  }
  return Object.fromEntries(values);
}
