/**
 * The real client's own scripts against this server.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ServerProcess } from "../harness/server-process.js";
import { type Command, KotlinClient, readScript } from "./kotlin-client.js";

/** Where one run of the interoperability tests happens. */
export interface Setting {
  /** Folder of the built client. */
  readonly client: string;
  readonly serverUrl: string;
  readonly server: ServerProcess;
  /** Folder for the devices' files. */
  readonly directory: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** A script, and what certain of its replies must hold, by the command's id in the script. */
export interface Script {
  readonly file: string;
  readonly expectations: Readonly<Record<number, (result: unknown) => void>>;
}

/** In their order: the second script edits what the first one wrote. */
export const scripts: readonly Script[] = [
  {
    file: "first-session.jsonl",
    expectations: {
      7: (set) => assert.equal((set as Fields)["state"], "COMPLETE"),
      13: (state) => assert.deepEqual(state, { session: "ACTIVE", connection: "CONNECTED" }),
    },
  },
  {
    file: "second-session.jsonl",
    expectations: {
      9: (tasks) => {
        const [task] = tasks as readonly Fields[];
        assert.equal((tasks as readonly Fields[]).length, 1);
        assert.equal(task?.["summary"], "written offline");
        assert.deepEqual(task?.["tags"], ["between", "b"]);
        assert.equal(task?.["counter"], 5);
        assert.deepEqual(task?.["estimate"], { $numberDecimal: "12.50" });
      },
      18: (tasks) => {
        const [task] = tasks as readonly Fields[];
        assert.deepEqual(task?.["tags"], ["between", "b"]);
        assert.equal(task?.["counter"], 10);
        assert.deepEqual(task?.["attributes"], { k: "v", k2: "v2" });
        assert.deepEqual(task?.["extra"], { a: [1, { $double: 2.5 }, { $oid: "64a000000000000000000001" }] });
      },
      19: (people) =>
        assert.deepEqual(
          (people as readonly Fields[]).map((person) => person["name"]),
          ["Ada L."],
        ),
    },
  },
  { file: "multiplex-session.jsonl", expectations: {} },
];

/** Commands that are meant to fail: there is no such function, and no such command. */
const failingOnPurpose = new Set(["callFunction", "nonsense"]);

/** One wait of the second script is begun while paused, with a time-out that must pass. */
const hopelessTimeoutMs = 700;

function isUnfulfilledWait(command: Command, result: unknown): boolean {
  const isWait = ["waitForSubscriptions", "upload", "download"].includes(command.cmd);
  return isWait && (result === false) !== (command["timeoutMs"] === hopelessTimeoutMs);
}

/** Runs a script to its end: what is meant to succeed must, every wait must be fulfilled, no sync error reported. */
export async function runScript({ client, serverUrl, directory }: Setting, script: Script): Promise<void> {
  const running = new KotlinClient(client, directory);
  const problems: string[] = [];
  try {
    for (const command of readScript(client, script.file, serverUrl, directory)) {
      const reply = await running.reply(command);
      if (failingOnPurpose.has(command.cmd)) continue;
      if (reply.ok !== true) problems.push(`${JSON.stringify(command)}: ${reply.error}`);
      if (isUnfulfilledWait(command, reply.result))
        problems.push(`${JSON.stringify(command)}: ${String(reply.result)}`);
      script.expectations[Number(command["id"])]?.(reply.result);
    }
    problems.push(...running.syncErrors.map((error) => JSON.stringify(error)));
    if (problems.length > 0) throw new Error(`${problems.join("\n")}\nits log:\n${running.log}`);
  } finally {
    await running.end();
  }
}
