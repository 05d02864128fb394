/**
 * The directory of an exported app as the command line takes it: what it says, and what overrides it.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import {
  type AppConfiguration,
  type Finding,
  formatFinding,
  openAppFiles,
  readApp,
  TidemarkError,
} from "@tidemark/server";

/** Which directory, and what the command line says beside it. */
export interface AppDirectoryOptions {
  readonly directory: string;
  /** Client app id; `null` takes the directory's, else its name. */
  readonly appId: string | null;
  /** Environment to take instead of the directory's; `null` for that one. */
  readonly environment: string | null;
  /** JSON file with secrets by name; `null` for none. */
  readonly secretsFile: string | null;
  /** Whether clients may extend the schema whatever the directory says. */
  readonly forcesDevelopmentMode: boolean;
  /** Instead of the directory's; `null` for that. */
  readonly maxOfflineDays: number | null;
}

/** The app, ready to be put in force if nothing is wrong. */
export interface LoadedApp {
  readonly appId: string;
  readonly configuration: AppConfiguration;
  /** A line each: file, line, column, severity and what it is. */
  readonly findings: readonly string[];
  /** How many of them forbid to use the configuration. */
  readonly errors: number;
}

/** The directory cannot be used. */
export class AppDirectoryError extends TidemarkError {}

/** Client app ids that a server takes. */
const appIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/**
 * Reads the directory.
 *
 * @throws TidemarkError if there is none, its secrets cannot be read, or no app id comes of it.
 */
export function loadApp(options: AppDirectoryOptions): LoadedApp {
  const { directory, environment, secretsFile, forcesDevelopmentMode, maxOfflineDays } = options;
  const { configuration, findings } = readApp(openAppFiles(directory), {
    ...(environment === null ? {} : { environment }),
    secrets: secretsFile === null ? {} : readSecrets(secretsFile),
  });
  const { sync } = configuration;
  return {
    appId: options.appId ?? appIdOf(directory, configuration),
    configuration: {
      ...configuration,
      sync: {
        ...sync,
        isDevelopmentMode: forcesDevelopmentMode || sync.isDevelopmentMode,
        maxOfflineDays: maxOfflineDays ?? sync.maxOfflineDays,
      },
    },
    findings: findings.map((one) => formatFinding(placed(one, directory))),
    errors: findings.filter((one) => one.severity === "error").length,
  };
}

/** A finding with its file as it is reached from here, so that terminals and editors find it. */
function placed(finding: Finding, directory: string): Finding {
  return { ...finding, file: finding.file === "" ? directory : join(directory, finding.file) };
}

function appIdOf(directory: string, { appId }: AppConfiguration): string {
  const id = appId ?? basename(resolve(directory));
  if (appIdPattern.test(id)) return id;
  throw new AppDirectoryError("bad-app-id", `"${id}" cannot be a client app id: give one by --app-id`);
}

function readSecrets(file: string): Readonly<Record<string, unknown>> {
  let secrets: unknown;
  try {
    secrets = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    // The parser's message would show what the file holds.
    const why = cause instanceof SyntaxError ? "it is not JSON" : (cause as Error).message;
    throw new AppDirectoryError("bad-secrets", `the secrets in ${file} cannot be read: ${why}`, { cause });
  }
  if (typeof secrets === "object" && secrets !== null && !Array.isArray(secrets)) {
    return secrets as Readonly<Record<string, unknown>>;
  }
  throw new AppDirectoryError("bad-secrets", `${file} must hold an object: secrets by name`);
}
