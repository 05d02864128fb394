/** The recorded sessions of a real client, replayed against this server. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startFixture } from "./testing/fixture.js";
import { Replay, type TraceLine } from "./testing/replay.js";

const folder = fileURLToPath(new URL("../../conformance/vectors/wire/", import.meta.url));
const traces = readdirSync(folder).filter((name) => name.endsWith(".trace.jsonl"));

test.each(traces)("%s", async (name) => {
  const lines = readFileSync(folder + name, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as TraceLine);
  const fixture = await startFixture();
  const report = await new Replay(fixture.url).run(lines);
  expect(report.errors).toEqual([]);
  expect(report.messagesSent).toBe(lines.filter((line) => line.kind === "ws-receive").length);
  expect(report.connections).toBe(lines.filter((line) => line.kind === "ws-upgrade").length);
  await fixture.stop();
});
