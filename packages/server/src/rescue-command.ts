/**
 * Commands about rescue mode, for a data directory with or without a server that runs on it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { chooseApp, type RescueCommand, type RescueReport, sendCommand } from "./control.js";
import { type KeyValue, listJson } from "./key-value.js";
import { closeStored, readRescueRecord, RescueError } from "./rescue.js";

/**
 * Runs a command: on the server if one runs, else on what is stored. An app can be closed and shown either way, but is
 * opened by a running server only, which knows what it holds and how it is configured.
 *
 * @throws {RescueError} what cannot be.
 * @throws {TidemarkError} `file-in-use` if a server runs that cannot be reached.
 */
export async function runRescueCommand(
  dataDirectory: string,
  command: RescueCommand,
  openKeyValue: (path: string) => Promise<KeyValue>,
): Promise<readonly RescueReport[]> {
  const answer = await sendCommand(dataDirectory, command);
  if (answer !== null) return answer;
  if (command.action === "open") {
    throw new RescueError(
      "no-server",
      `no server runs on ${dataDirectory}: start it, so that it can see what is loaded`,
    );
  }
  const path = join(dataDirectory, "server.redb");
  // Opening would make one.
  if (!existsSync(path)) throw new RescueError("no-such-app", `nothing is stored in ${dataDirectory}`);
  const store = await openKeyValue(path);
  try {
    return await onStored(store, command);
  } finally {
    await store.close();
  }
}

async function onStored(store: KeyValue, command: RescueCommand): Promise<readonly RescueReport[]> {
  const known = (await listJson<{ readonly id: string }>(store, "app/")).map(({ value }) => value.id);
  const isAboutAll = command.action === "show" && command.appId === undefined;
  const reports: RescueReport[] = [];
  for (const appId of isAboutAll ? known : [chooseApp(known, command.appId)]) {
    if (command.action === "close") await closeStored(store, appId);
    const { state } = await readRescueRecord(store, appId);
    reports.push({ appId, state: state ?? "closed", objects: null });
  }
  return reports;
}
