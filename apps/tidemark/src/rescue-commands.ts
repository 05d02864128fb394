/**
 * The commands about rescue mode: what operators say once the data of an app is loaded, or before they restore a
 * backup.
 *
 * @module
 */

import { resolve } from "node:path";
import {
  openNativeKeyValue,
  type RescueCommand,
  type RescueReport,
  runRescueCommand,
  TidemarkError,
} from "@tidemark/server";
import { type Command, InvalidArgumentError } from "commander";

interface RescueOptions {
  readonly data: string;
  readonly appId?: string;
}

interface OpenOptions extends RescueOptions {
  readonly objects?: number;
  readonly empty?: boolean;
}

const dataOption = "--data <directory>";
const dataText = "where the server keeps everything";
const appOption = "--app-id <id>";
const appText = "client app id, where there are several";

/** Adds `open`, `close` and `rescue`. */
export function addRescueCommands(program: Command): void {
  program
    .command("open")
    .description("the data is loaded: let devices of the old service reset onto it")
    .requiredOption(dataOption, dataText)
    .option(appOption, appText)
    .option("--objects <number>", "how many objects were loaded; there must be as many at least", parseObjects)
    .option("--empty", "there is nothing to load")
    .action((options: OpenOptions) => open(options));
  program
    .command("close")
    .description("let nobody reset until the data is loaded (again)")
    .requiredOption(dataOption, dataText)
    .option(appOption, appText)
    .action((options: RescueOptions) => run(options, { action: "close" }));
  program
    .command("rescue")
    .description("say for each app whether devices of the old service may reset")
    .requiredOption(dataOption, dataText)
    .option(appOption, appText)
    .action((options: RescueOptions) => run(options, { action: "show" }));
}

async function open(options: OpenOptions): Promise<void> {
  const { objects, empty } = options;
  if (objects !== undefined && empty === true) return complain("--empty and --objects exclude each other");
  if (empty === true) return run(options, { action: "open", objectsMin: 0 });
  if (objects !== undefined) return run(options, { action: "open", objectsMin: objects });
  // How much must be there is for the operator to say: an import that broke off leaves objects, too.
  await run(options, { action: "show" });
  if (process.exitCode === 1) return;
  complain("say how many objects you have loaded with --objects, or --empty if there is nothing to load");
}

async function run(options: RescueOptions, command: RescueCommand): Promise<void> {
  const { appId } = options;
  try {
    const named = appId === undefined ? command : { ...command, appId };
    const reports = await runRescueCommand(resolve(options.data), named, openNativeKeyValue);
    for (const report of reports) process.stdout.write(`${describe(report)}\n`);
  } catch (error) {
    if (!(error instanceof TidemarkError) && (error as NodeJS.ErrnoException).code !== "file-in-use") throw error;
    complain((error as Error).message);
  }
}

function describe({ appId, state, objects }: RescueReport): string {
  const meaning = {
    closed: "closed: who would have to reset is told to try again",
    open: "open: devices of the old service are told to reset, with recovery",
  }[state];
  if (objects === null) return `${appId}  ${meaning}`;
  const counts = Object.entries(objects).map(([name, count]) => `${name} ${count}`);
  return `${appId}  ${meaning}; objects: ${counts.length === 0 ? "none" : counts.join(", ")}`;
}

function parseObjects(text: string): number {
  const objects = Number(text);
  if (!/^\d{1,15}$/.test(text) || objects < 1) throw new InvalidArgumentError("not a number of objects, 1 or more");
  return objects;
}

function complain(text: string): void {
  process.stderr.write(`tidemark: ${text}\n`);
  process.exitCode = 1;
}
