/**
 * What an app directory can hold and this server does not do: every such file is named, none is passed over in silence.
 *
 * @module
 */

import { z } from "zod";
import { asObject } from "../schema/problem.js";
import { collectionFiles } from "./data-sources.js";
import { type Directory, readObject } from "./directory.js";

/** Files that are read by others. */
const readFiles: readonly RegExp[] = [
  /^(root|realm)_config\.json$/,
  /^auth\/(providers|custom_user_data)\.json$/,
  /^sync\/config\.json$/,
  /^environments\/[^/]+\.json$/,
  /^values\/[^/]+\.json$/,
  /^functions\/config\.json$/,
  /^data_sources\/[^/]+\/(config|default_rule)\.json$/,
];

/** Files beside an app that nobody expects to do anything. */
const companions = /^(readme|license|licence|changelog|contributing|notice)(\.[a-z]+)?$/i;

/** Reports everything that nobody reads or that will not work. */
export function reportUnsupported(directory: Directory): void {
  reportFunctions(directory);
  reportEndpoints(directory);
  const hosted = directory.paths.filter((path) => path.startsWith("hosting/"));
  if (hosted[0] !== undefined) {
    directory.findings.addFile("warning", hosted[0], `hosting: ${hosted.length} files are not served`);
  }
  const graph = directory.paths.filter((path) => path.startsWith("graphql/"));
  if (graph[0] !== undefined) directory.findings.addFile("warning", graph[0], "GraphQL is not offered");
  const services = new Set<string>();
  for (const path of directory.paths) {
    const [folder, name] = path.split("/");
    if (folder === "services" && name !== undefined) {
      if (!services.has(name)) directory.findings.addFile("warning", path, `the service "${name}" is not offered`);
      services.add(name);
      continue;
    }
    const finding = describeFile(path);
    if (finding !== undefined) directory.findings.addFile(finding[0], path, finding[1]);
  }
}

function describeFile(path: string): readonly ["warning" | "information", string] | undefined {
  const [folder = "", ...rest] = path.split("/");
  const name = rest.join("/").replace(/\.json$/, "");
  switch (folder) {
    case "triggers":
      return ["warning", `the trigger "${name}" does not run: there are no triggers`];
    case "log_forwarders":
      return ["warning", `the log forwarder "${name}" does not run`];
    case "http_endpoints":
      return name === "config" ? undefined : ["warning", `the HTTP endpoint "${name}" is not offered`];
    case "functions":
    case "hosting":
    case "graphql":
      return undefined;
    default:
      return describeOther(path);
  }
}

function describeOther(path: string): readonly ["warning" | "information", string] | undefined {
  const parts = path.split("/");
  const isOfCollection = parts[0] === "data_sources" && parts.length === 5 && collectionFiles.has(parts[4] ?? "");
  if (isOfCollection || readFiles.some((pattern) => pattern.test(path)) || companions.test(path)) return undefined;
  return path.endsWith(".json")
    ? ["warning", "this is no file of an app directory; it is ignored"]
    : ["information", "this is no file of an app directory; it is ignored"];
}

const functionShape = z.object({
  id: z.string().optional(),
  name: z.string().optional(),
  private: z.boolean().optional(),
  can_evaluate: z.unknown().optional(),
  disable_arg_logs: z.boolean().optional(),
  run_as_system: z.boolean().optional(),
  run_as_user_id: z.string().optional(),
  run_as_user_id_script_source: z.string().optional(),
});

const functionsPath = "functions/config.json";

function reportFunctions(directory: Directory): void {
  const names = new Set<string>();
  for (const path of directory.paths) {
    const [, name] = /^functions\/(.+)\.js$/.exec(path) ?? [];
    if (name !== undefined) {
      names.add(name);
      directory.findings.addFile("warning", path, `the function "${name}" does not run: there are no functions yet`);
    } else if (path.startsWith("functions/") && path !== functionsPath) {
      directory.findings.addFile("warning", path, "this does nothing: there are no functions yet");
    }
  }
  const document = directory.json(functionsPath);
  if (document === undefined) return;
  if (!Array.isArray(document.value)) {
    document.report("error", [], "an array of functions is expected");
    return;
  }
  for (const [index, entry] of (document.value as readonly unknown[]).entries()) {
    const { name } = readObject(document, [index], entry, functionShape);
    if (asObject(entry) === undefined) continue;
    if (name === undefined) document.report("error", [index], "a function needs a name");
    else if (!names.has(name)) document.report("error", [index, "name"], `there is no file functions/${name}.js`);
  }
}

const endpointShape = z.looseObject({ route: z.string().optional(), http_method: z.string().optional() });
const endpointsPath = "http_endpoints/config.json";

function reportEndpoints(directory: Directory): void {
  const document = directory.json(endpointsPath);
  if (document === undefined) return;
  if (!Array.isArray(document.value)) {
    document.report("error", [], "an array of endpoints is expected");
    return;
  }
  for (const [index, entry] of (document.value as readonly unknown[]).entries()) {
    const { data } = endpointShape.safeParse(entry);
    const name = `${data?.http_method ?? ""} ${data?.route ?? ""}`.trim();
    document.report("warning", [index], `the HTTP endpoint "${name}" is not offered`);
  }
}
