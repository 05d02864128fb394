// Which stage of `npm test` runs when: those that only compute beside each other, those that measure time or wait for
// servers alone.

/**
 * Runs stages in their order.
 *
 * @param stages each with `name`, `needs` (names of those that must have ended before) and `isAlone` (nothing runs
 * beside it, and none behind it overtakes it).
 * @param lanes how many run beside each other.
 * @param runStage gives what came of a stage; gets what came of those that ended before, by name.
 * @param mustStop whether what came of a stage ends it all.
 * @returns what came of each that ran, by name.
 */
export async function runInOrder(stages, lanes, runStage, mustStop = () => false) {
  const outcomes = new Map();
  const waiting = [...stages];
  const running = new Map();
  const runOne = async (stage) => {
    const outcome = await runStage(stage, outcomes);
    outcomes.set(stage.name, outcome);
    running.delete(stage);
    if (mustStop(stage, outcome)) waiting.length = 0;
  };
  const start = (stage) => {
    waiting.splice(waiting.indexOf(stage), 1);
    running.set(stage, runOne(stage));
  };
  for (;;) {
    for (let next = due(waiting, running, lanes); next !== undefined; next = due(waiting, running, lanes)) start(next);
    if (running.size === 0) return outcomes;
    await Promise.race(running.values());
  }
}

/** The stage that can begin now. */
function due(waiting, running, lanes) {
  if (running.size >= lanes || [...running.keys()].some(({ isAlone }) => isAlone)) return undefined;
  const unfinished = new Set([...waiting, ...running.keys()].map(({ name }) => name));
  for (const stage of waiting) {
    if (stage.isAlone) return running.size === 0 ? stage : undefined;
    if (!(stage.needs ?? []).some((name) => unfinished.has(name))) return stage;
  }
  return undefined;
}
