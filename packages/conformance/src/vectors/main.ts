/**
 * `npm run vectors -- FILE… [--core native|wasm]`: replays golden vectors through the built core.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { isCoreName, loadCore } from "./core.js";
import { replayFile } from "./replay.js";

/** Longest message shown for a failure; the rest is seldom read, and there may be thousands. */
const messageLengthMax = 2_000;
/** Failures shown per file. */
const failuresShownMax = 50;

function shorten(message: string): string {
  return message.length <= messageLengthMax ? message : `${message.slice(0, messageLengthMax)} …`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { core: { type: "string", default: "native" } },
    allowPositionals: true,
  });
  if (!isCoreName(values.core) || positionals.length === 0) {
    process.stderr.write("usage: npm run vectors -- FILE… [--core native|wasm]\n");
    return 2;
  }
  const replay = await loadCore(values.core);
  const totals = { passed: 0, failed: 0 };
  for (const file of positionals) {
    const { passed, failures } = await replayFile(file, replay);
    for (const { lineNumber, message } of failures.slice(0, failuresShownMax)) {
      say(`${file}:${lineNumber}: ${shorten(message)}`);
    }
    if (failures.length > failuresShownMax) say(`${file}: ${failures.length - failuresShownMax} more`);
    say(`${file}: ${passed} passed, ${failures.length} failed`);
    totals.passed += passed;
    totals.failed += failures.length;
  }
  say(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.failed > 0 || totals.passed === 0 ? 1 : 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});
