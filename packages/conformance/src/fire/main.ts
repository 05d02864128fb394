/**
 * `npm run fire`: many clients that write and subscribe at random while the server is killed, the network fails and
 * others attack; in the end nothing is lost, everybody has the same, and nobody has seen what was not theirs.
 *
 * Ends with `N passed, N failed, N skipped`. A seed chooses what is written and what happens, not when messages meet.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { run } from "./run.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    clients: { type: "string", default: "1000" },
    seed: { type: "string" },
    app: { type: "string" },
    "app-id": { type: "string", default: "fire" },
    pause: { type: "string", default: "20" },
    fresh: { type: "string", default: "40" },
  },
});

function numberOf(text: string, name: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new RangeError(`--${name} must be a number above 0`);
  return number;
}

const counts = await run({
  minutes: numberOf(values.minutes, "minutes"),
  clientCount: numberOf(values.clients, "clients"),
  seed: values.seed === undefined ? Date.now() % 1_000_000 : numberOf(values.seed, "seed"),
  appDirectory: values.app,
  appId: values["app-id"],
  pauseMs: numberOf(values.pause, "pause") * 1_000,
  freshCount: numberOf(values.fresh, "fresh"),
});
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exit(counts.failed > 0 ? 1 : 0);
