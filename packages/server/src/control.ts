/**
 * How the command line reaches a running server: it finds the address and a key in the data directory.
 *
 * Whoever can read that directory can read everything in it, so the key gives nobody anything. An address alone would
 * not do: behind a proxy on the same machine every request comes from the loopback address.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hono } from "hono";
import { z } from "zod";
import type { AppRegistry } from "./app-registry.js";
import { jsonAnswer } from "./http-answers.js";
import { RescueError, type RescueState } from "./rescue.js";

/** Where the server listens, and what it wants to be told with every command. */
export interface ControlAddress {
  readonly url: string;
  readonly key: string;
}

/** What is to be done; without an app id it is about the one app there is, or for `show` about all. */
export type RescueCommand = {
  /** Client app id. */
  readonly appId?: string | undefined;
} & (
  | {
      /** Shows how things stand, or closes. */
      readonly action: "show" | "close";
    }
  | {
      /** Opens. */
      readonly action: "open";
      /** How many objects were loaded. */
      readonly objectsMin: number;
    }
);

const rescueCommand: z.ZodType<RescueCommand> = z.discriminatedUnion("action", [
  z.object({ action: z.literal("show"), appId: z.string().optional() }),
  z.object({ action: z.literal("close"), appId: z.string().optional() }),
  z.object({ action: z.literal("open"), appId: z.string().optional(), objectsMin: z.number().int().min(0) }),
]);

/** How an app stands. */
export interface RescueReport {
  /** Client app id. */
  readonly appId: string;
  /** Whether files of another server are told to reset. */
  readonly state: RescueState;
  /** Objects by class; `null` when no server runs. */
  readonly objects: Readonly<Record<string, number>> | null;
}

const controlPath = "/api/tidemark/rescue";
const fileName = "control.json";
/** Commands are short. */
const bodyLengthMax = 4096;

/** Adds the route to the server's API. */
export function addControl(api: Hono, registry: AppRegistry, key: string): void {
  api.post(controlPath, async (call) => {
    if (!isKey(call.req.header("authorization") ?? "", key)) return jsonAnswer(call, 401, { error: "not the key" });
    const text = await call.req.text();
    const command = rescueCommand.safeParse(text.length > bodyLengthMax ? null : parse(text));
    if (!command.success) return jsonAnswer(call, 400, { error: "no such command" });
    try {
      return jsonAnswer(call, 200, await runCommand(registry, command.data));
    } catch (error) {
      if (!(error instanceof RescueError)) throw error;
      return jsonAnswer(call, 409, { error: error.message, code: error.code });
    }
  });
}

function isKey(header: string, key: string): boolean {
  const [given, wanted] = [Buffer.from(header), Buffer.from(`Bearer ${key}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function runCommand(registry: AppRegistry, command: RescueCommand): Promise<readonly RescueReport[]> {
  const known = registry.known();
  const isAboutAll = command.action === "show" && command.appId === undefined;
  const ids = known.map(({ id }) => id);
  const chosenIds = isAboutAll ? ids : [chooseApp(ids, command.appId)];
  const chosen = known.filter(({ id }) => chosenIds.includes(id));
  const reports: RescueReport[] = [];
  for (const app of chosen) {
    if (command.action === "open") await app.rescue.open(command.objectsMin);
    if (command.action === "close") await app.rescue.close();
    const { objects } = await (await app.sync()).ledger.status();
    reports.push({ appId: app.id, state: app.rescue.state, objects });
  }
  return reports;
}

/**
 * The app that a command is about.
 *
 * @throws {RescueError} if there is no such app, or if it has to be named.
 */
export function chooseApp(known: readonly string[], appId: string | undefined): string {
  const list = known.length === 0 ? "there is none yet" : `there is ${known.join(", ")}`;
  if (appId !== undefined && !known.includes(appId)) {
    throw new RescueError("no-such-app", `there is no app ${appId}; ${list}`);
  }
  const [only, ...others] = known;
  if (appId !== undefined) return appId;
  if (only === undefined || others.length > 0) throw new RescueError("no-such-app", `say which app; ${list}`);
  return only;
}

/** Tells the command line where the server is. */
export async function announceControl(dataDirectory: string, address: ControlAddress): Promise<void> {
  await mkdir(dataDirectory, { recursive: true });
  const path = join(dataDirectory, fileName);
  await writeFile(`${path}.new`, JSON.stringify(address), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The server is gone. */
export async function withdrawControl(dataDirectory: string): Promise<void> {
  await rm(join(dataDirectory, fileName), { force: true });
}

/**
 * Gives a command to the server that runs on a data directory.
 *
 * @returns `null` if none answers to the address and key that were left there.
 * @throws {RescueError} what the server refuses.
 */
export async function sendCommand(
  dataDirectory: string,
  command: RescueCommand,
): Promise<readonly RescueReport[] | null> {
  const address = await readAddress(dataDirectory);
  if (address === null) return null;
  const headers = { Authorization: `Bearer ${address.key}`, "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(command) };
  const response = await fetch(address.url + controlPath, init).catch(() => null);
  // Another program may have the port of a server that was killed.
  if (response === null || (response.status !== 200 && response.status !== 409)) return null;
  const answer = (await response.json()) as readonly RescueReport[] | { readonly error: string; readonly code: string };
  if ("error" in answer) throw new RescueError(answer.code, answer.error);
  return answer;
}

async function readAddress(dataDirectory: string): Promise<ControlAddress | null> {
  try {
    return JSON.parse(await readFile(join(dataDirectory, fileName), "utf8")) as ControlAddress;
  } catch {
    return null;
  }
}
