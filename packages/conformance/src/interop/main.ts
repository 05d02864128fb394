/**
 * The Kotlin SDK's native sync client against this server, alone and together with the node facade.
 *
 * Ends with `N passed, N failed, N skipped`; without Java, Maven or the client everything is skipped, visibly. An
 * argument selects the tests whose title contains it.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess } from "../harness/server-process.js";
import { buildKotlinClient, findKotlinClient } from "./kotlin-client.js";
import { resetTests } from "./resets.js";
import { runScript, scripts, type Setting } from "./scripts.js";
import { jointTests } from "./together.js";

interface InteropTest {
  readonly title: string;
  readonly run: (setting: Setting) => Promise<void>;
}

const [, , filter = ""] = process.argv;

const allTests: readonly InteropTest[] = [
  ...scripts.map((script) => ({
    title: `the Kotlin client runs ${script.file}`,
    run: async (setting: Setting) => runScript(setting, script),
  })),
  ...jointTests,
  ...resetTests,
];
const tests = allTests.filter(({ title }) => title.includes(filter));

const counts = { passed: 0, failed: 0, skipped: 0 };

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * What the client says when its own threads have lost a version of its own file to each other, before it has said
 * anything to a server: it now and then cannot commit the first subscriptions of a file that it has just opened.
 */
const ownRace = "RLM_ERR_BAD_VERSION";

/** Runs a test; if the client has lost its own race, once more with new files. */
async function attempt({ title, run }: InteropTest, setting: Setting): Promise<void> {
  try {
    await run(setting);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes(ownRace)) throw error;
    say(`again   ${title}: the client could not open its own file`);
    await run({ ...setting, directory: await mkdtemp(join(setting.directory, "again-")) });
  }
}

async function runAll(folder: string): Promise<void> {
  const client = await buildKotlinClient(folder);
  const server = await ServerProcess.start();
  const directory = await mkdtemp(join(tmpdir(), "tidemark-interop-"));
  try {
    for (const test of tests) {
      const { title } = test;
      const startedAtMs = performance.now();
      try {
        await attempt(test, { client, serverUrl: server.url, server, directory });
        counts.passed += 1;
        say(`passed  ${Math.round(performance.now() - startedAtMs)} ms  ${title}`);
      } catch (error) {
        counts.failed += 1;
        say(`failed  ${title}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

const found = findKotlinClient();
if ("missing" in found) {
  say(`skipped: ${found.missing}`);
  counts.skipped = tests.length;
} else {
  await runAll(found.folder);
}
say(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
if (counts.failed > 0) process.exitCode = 1;
