/**
 * The directory of an exported app: so far its id and its maximum offline time are read from it.
 *
 * @module
 */

import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { TidemarkError } from "@tidemark/server";

/** The directory is none, or its configuration cannot be read. */
export class AppDirectoryError extends TidemarkError {}

/** Configuration files of the formats in use, newest first. */
const configurationFiles = ["root_config.json", "realm_config.json"] as const;

/** Client app id of an app: the one in its configuration, else the directory's name. */
export function readAppId(directory: string): string {
  const path = resolve(directory);
  if (!existsSync(path) || !statSync(path).isDirectory()) {
    throw new AppDirectoryError("not-a-directory", `${path} is not a directory`);
  }
  for (const name of configurationFiles) {
    const file = join(path, name);
    if (!existsSync(file)) continue;
    const appId = readConfiguration(file)["app_id"];
    if (typeof appId === "string" && appId !== "") return appId;
  }
  return basename(path);
}

/** As many as the command line takes. */
const maxOfflineDaysMax = 99_999;

/** Days that a client may be away, by the app's sync configuration; `null` if it does not say. */
export function readMaxOfflineDays(directory: string): number | null {
  const file = join(resolve(directory), "sync", "config.json");
  if (!existsSync(file)) return null;
  const days = readConfiguration(file)["client_max_offline_days"];
  if (days === undefined) return null;
  if (typeof days !== "number" || !Number.isInteger(days) || days < 1 || days > maxOfflineDaysMax) {
    const range = `a whole number from 1 to ${maxOfflineDaysMax}`;
    throw new AppDirectoryError("bad-configuration", `${file}: client_max_offline_days must be ${range}`);
  }
  return days;
}

function readConfiguration(file: string): Record<string, unknown> {
  let configuration: unknown;
  try {
    configuration = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new AppDirectoryError("bad-configuration", `${file} is not JSON`, { cause });
  }
  if (typeof configuration !== "object" || configuration === null || Array.isArray(configuration)) {
    throw new AppDirectoryError("bad-configuration", `${file} is no JSON object`);
  }
  return configuration as Record<string, unknown>;
}
