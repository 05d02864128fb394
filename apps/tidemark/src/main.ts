/**
 * The command line.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { type AdminArguments, adminPasswordVariable, harnessAccount, readAdminAccount } from "./admin-account.js";
import { addRescueCommands } from "./rescue-commands.js";
import { type RunOptions, runServer } from "./run-server.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

const maxOfflineOption = "--max-offline-days <number>";
const maxOfflineText = "how long a client may be away before it has to start over (default: the app's, or 30)";

const environmentOption = "--environment <name>";
const environmentText = "environment of the app's directory to take instead of its own";
const secretsOption = "--secrets <file>";
const secretsText = "JSON file with the app's secrets by name, which exports do not hold";

const adminUserOption = "--admin-user <name>";
const adminPasswordOption = "--admin-password-file <file>";
const adminPasswordText = `file with the administrator's password, if it is not in ${adminPasswordVariable}`;

const program = new Command("tidemark")
  .description("An open, self-hosted sync server for Realm clients")
  .version(version);

program
  .command("dev")
  .description("run a server in Development Mode on this machine, until it is stopped")
  .option("--port <number>", "port to listen on; 0 takes a free one", parsePort, 9090)
  .option("--data <directory>", "where everything is kept", "./tidemark-data")
  .option("--app <directory>", "answer for the app in this directory only, instead of any that is asked for")
  .option("--app-id <id>", "client app id of that app (default: the directory's, or its name)")
  .option(environmentOption, environmentText)
  .option(secretsOption, secretsText)
  .option(maxOfflineOption, maxOfflineText, parseDays)
  .option("--no-admin", "do not offer the Admin API")
  .option(adminUserOption, `administrator's name (default: ${harnessAccount.user}, as SDKs' test suites have it)`)
  .option(adminPasswordOption, adminPasswordText)
  .option("--log <level>", "debug, info, warn, error or silent", "warn")
  .action((options: DevelopmentOptions) =>
    runServer({
      port: options.port,
      host: "127.0.0.1",
      admin: () => (options.admin ? (readAdminAccount(options, process.env) ?? harnessAccount) : null),
      acceptsAnyApp: true,
      dataDirectory: options.data,
      appDirectory: options.app ?? null,
      appIds: options.appId === undefined ? [] : [options.appId],
      ...directoryOptions(options),
      developmentMode: true,
      rescue: "open",
      publicUrl: null,
      maxOfflineDays: options.maxOfflineDays ?? null,
      logLevel: options.log,
    }),
  );

program
  .command("start")
  .description("run a server for clients on other machines")
  .requiredOption("--data <directory>", "where everything is kept")
  .option("--port <number>", "port to listen on", parsePort, 9090)
  .option("--host <address>", "address to listen on", "0.0.0.0")
  .option("--public-url <url>", "URL by which clients reach the server, if it is not the one they ask by")
  .option("--app <directory>", "answer for the app in this directory")
  .option("--app-id <id...>", "client app ids to answer for")
  .option(environmentOption, environmentText)
  .option(secretsOption, secretsText)
  .option(maxOfflineOption, maxOfflineText, parseDays)
  .option("--development-mode", "let clients extend the schema, whatever the app's directory says", false)
  .option(adminUserOption, "offer the Admin API to an administrator of this name")
  .option(adminPasswordOption, adminPasswordText)
  .option("--admin-remote", "offer the Admin API to other machines too", false)
  .option("--status-page", "show the status page, which names users, to everybody", false)
  .option("--log <level>", "debug, info, warn, error or silent", "info")
  .action((options: StartOptions) => {
    const appIds = options.appId ?? [];
    if (appIds.length === 0 && options.app === undefined && options.adminUser === undefined) {
      program.error("error: give --app or --app-id, or --admin-user to make apps by the Admin API");
    }
    return runServer({
      port: options.port,
      host: options.host,
      admin: () => readAdminAccount(options, process.env),
      acceptsAnyApp: false,
      dataDirectory: options.data,
      appDirectory: options.app ?? null,
      appIds,
      ...directoryOptions(options),
      developmentMode: options.developmentMode,
      rescue: "closed",
      publicUrl: options.publicUrl ?? null,
      maxOfflineDays: options.maxOfflineDays ?? null,
      logLevel: options.log,
      ...(options.statusPage ? { statusPage: true } : {}),
    });
  });

addRescueCommands(program);

interface DirectoryOptions {
  readonly environment?: string;
  readonly secrets?: string;
}

interface DevelopmentOptions extends DirectoryOptions, AdminArguments {
  readonly admin: boolean;
  readonly port: number;
  readonly data: string;
  readonly app?: string;
  readonly appId?: string;
  readonly maxOfflineDays?: number;
  readonly log: string;
}

interface StartOptions extends DirectoryOptions, AdminArguments {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly publicUrl?: string;
  readonly app?: string;
  readonly appId?: readonly string[];
  readonly maxOfflineDays?: number;
  readonly developmentMode: boolean;
  readonly statusPage: boolean;
  readonly log: string;
}

function directoryOptions({ environment, secrets }: DirectoryOptions): Pick<RunOptions, "environment" | "secretsFile"> {
  return { environment: environment ?? null, secretsFile: secrets ?? null };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("not a port");
  return port;
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!/^\d{1,5}$/.test(text) || days < 1) throw new InvalidArgumentError("not a number of days, 1 or more");
  return days;
}

await program.parseAsync();
