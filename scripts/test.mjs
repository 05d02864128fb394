// `npm test`: sets up what is missing and runs every test, stage by stage; a failing stage does not stop the ones that
// do not need it. `npm test -- STAGE…` runs only the stages named, `npm run test:slow` the slow group. A stage that
// runs beside another one is a process of its own, `--one STAGE`; what it says is shown when it has ended.
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { run, say, showProgressOnStandardOutput } from "./lib/process.mjs";
import { runInOrder } from "./lib/schedule.mjs";
import { main, seconds, SetupError } from "./lib/setup.mjs";
import { allStages, slowStages } from "./lib/stages.mjs";
import { add, commandTally, nothing, tallyLine, withStatus } from "./lib/tally.mjs";

const failedOne = { ...nothing, failed: 1 };

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
async function runHere(stage) {
  try {
    return await stage.run();
  } catch (error) {
    say(`${stage.name}: ${error instanceof SetupError ? error.message : error.stack}`);
    return failedOne;
  }
}

/** Runs one stage in a process of its own, and then shows what it has said. */
async function runBeside(stage, group) {
  say(`\n=== ${stage.name}: ${stage.about}; shown when it has ended`);
  const commandArguments = [fileURLToPath(import.meta.url), "--one", stage.name, ...group];
  const { status, output } = await run(process.execPath, commandArguments, { capture: true });
  say(`\n=== ${stage.name}: what it said\n${output.trimEnd()}`);
  const tally = commandTally(output);
  return status === 0 && tally.passed + tally.skipped === 0 ? failedOne : withStatus(tally, status);
}

async function runStage(stage, outcomes, isCollected, group) {
  const missing = (stage.needs ?? []).find((name) => outcomes.get(name)?.tally.failed > 0);
  if (missing !== undefined) {
    say(`\n=== ${stage.name}: cannot run, because ${missing} failed`);
    return failedOne;
  }
  if (isCollected && stage.isAlone !== true) return runBeside(stage, group);
  say(`\n=== ${stage.name}: ${stage.about}`);
  return runHere(stage);
}

function table(rows) {
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = ([name, tally, elapsed]) => `  ${name.padEnd(width)}  ${elapsed.padStart(8)}  ${tallyLine(tally)}`;
  return rows.map(line).join("\n");
}

/** Runs the stages that are named, all if none is. */
async function runAll(stages, names, group) {
  const wanted = chosen(stages, names);
  // What runs by itself is shown while it runs.
  const lanes = Math.min(2, availableParallelism());
  const isCollected = lanes > 1 && wanted.filter(({ isAlone }) => isAlone !== true).length > 1;
  const timed = async (stage, outcomes) => {
    const startMs = performance.now();
    const tally = await runStage(stage, outcomes, isCollected, group);
    say(`=== ${stage.name}: ${tallyLine(tally)} in ${seconds(startMs)}`);
    return { tally, elapsed: seconds(startMs) };
  };
  const mustStop = ({ name }, { tally }) => name === "set-up" && tally.failed > 0;
  const outcomes = await runInOrder(wanted, lanes, timed, mustStop);
  return [...outcomes].map(([name, { tally, elapsed }]) => [name, tally, elapsed]);
}

showProgressOnStandardOutput();
await main(async () => {
  const given = process.argv.slice(2);
  const group = given.filter((argument) => argument === "--slow");
  const stages = group.length > 0 ? slowStages : allStages;
  const names = given.filter((argument) => !argument.startsWith("-"));
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0)
    say(`unknown stages: ${unknown.join(", ")}; there are ${stages.map(({ name }) => name).join(", ")}`);
  const startMs = performance.now();
  if (given.includes("--one") && unknown.length === 0) {
    const tally = await runHere(stages.find(({ name }) => name === names[0]));
    process.stdout.write(`${tallyLine(tally)}\n`);
    return tally.failed === 0 ? 0 : 1;
  }
  const rows = await runAll(stages, names, group);
  const total = add(...rows.map(([, tally]) => tally), { passed: 0, failed: unknown.length, skipped: 0 });
  process.stdout.write(`\n${table(rows)}\n\nin ${seconds(startMs)} altogether\n`);
  process.stdout.write(`${tallyLine(total)}\n`);
  return total.failed === 0 ? 0 : 1;
});
