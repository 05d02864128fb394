// `npm test`: sets up what is missing and runs every test, stage by stage; a failing stage does not stop the ones that
// do not need it. `npm test -- STAGE…` runs only the stages named, `npm run test:slow` the slow group.
import { say, showProgressOnStandardOutput } from "./lib/process.mjs";
import { main, seconds, SetupError } from "./lib/setup.mjs";
import { allStages, slowStages } from "./lib/stages.mjs";
import { add, tallyLine } from "./lib/tally.mjs";

/** The stages named, and those they need. */
function chosen(stages, names) {
  if (names.length === 0) return stages;
  const wanted = new Set(["set-up", ...names]);
  for (const stage of stages.toReversed()) {
    if (wanted.has(stage.name)) for (const name of stage.needs ?? []) wanted.add(name);
  }
  return stages.filter(({ name }) => wanted.has(name));
}

/** Runs one stage; whatever it throws is a failure of it, never the end of the run. */
async function runStage(stage, outcomes) {
  const missing = (stage.needs ?? []).find((name) => outcomes.get(name)?.failed > 0);
  if (missing !== undefined) {
    say(`\n=== ${stage.name}: cannot run, because ${missing} failed`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  say(`\n=== ${stage.name}: ${stage.about}`);
  try {
    return await stage.run();
  } catch (error) {
    say(`${stage.name}: ${error instanceof SetupError ? error.message : error.stack}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function table(rows) {
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = ([name, tally, elapsed]) => `  ${name.padEnd(width)}  ${elapsed.padStart(8)}  ${tallyLine(tally)}`;
  return rows.map(line).join("\n");
}

showProgressOnStandardOutput();
await main(async () => {
  const given = process.argv.slice(2);
  const stages = given.includes("--slow") ? slowStages : allStages;
  const names = given.filter((argument) => !argument.startsWith("-"));
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0)
    say(`unknown stages: ${unknown.join(", ")}; there are ${stages.map(({ name }) => name).join(", ")}`);
  const startMs = performance.now();
  const outcomes = new Map();
  const rows = [];
  for (const stage of chosen(stages, names)) {
    const stageStartMs = performance.now();
    const tally = await runStage(stage, outcomes);
    outcomes.set(stage.name, tally);
    rows.push([stage.name, tally, seconds(stageStartMs)]);
    say(`=== ${stage.name}: ${tallyLine(tally)} in ${seconds(stageStartMs)}`);
    if (stage.name === "set-up" && tally.failed > 0) break;
  }
  const total = add(...rows.map(([, tally]) => tally), { passed: 0, failed: unknown.length, skipped: 0 });
  process.stdout.write(`\n${table(rows)}\n\nin ${seconds(startMs)} altogether\n`);
  process.stdout.write(`${tallyLine(total)}\n`);
  return total.failed === 0 ? 0 : 1;
});
