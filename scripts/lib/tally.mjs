// Counting tests: what each kind of runner prints, as passed, failed and skipped.

export const nothing = { passed: 0, failed: 0, skipped: 0 };

export function add(...tallies) {
  const sum = { ...nothing };
  for (const tally of tallies) {
    for (const key of Object.keys(sum)) sum[key] += tally[key];
  }
  return sum;
}

/** The line that ends `npm test`. */
export function tallyLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * A runner that failed without naming a failed test has crashed: that counts as one failure, and a runner that
 * counted nothing at all but ended well is left as it is.
 */
export function withStatus(tally, status) {
  return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

/** Something that either holds or does not, such as a build. */
export function check(status) {
  return status === 0 ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 };
}

/** Sums cargo's `test result:` lines. */
export function cargoTally(output) {
  const lines = output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm);
  return add(
    ...[...lines].map(([, passed, failed, ignored]) => ({
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(ignored),
    })),
  );
}

/** Reads vitest's JSON report. A file that did not load counts as one failure. */
export function vitestTally(report) {
  const unloaded = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Reads the last line of a command of ours: `N passed, N failed` or `N passed, N failed, N skipped`. */
export function commandTally(output) {
  const lines = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/gm)];
  const last = lines.at(-1);
  if (last === undefined) return nothing;
  return { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3] ?? 0) };
}
