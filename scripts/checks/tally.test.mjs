import { describe, expect, test } from "vitest";
import { cargoTally, commandTally, tallyLine, vitestTally, withStatus } from "../lib/tally.mjs";

describe("counting tests", () => {
  test("cargo's result lines are summed, doc tests and ignored ones included", () => {
    const output = [
      "running 3 tests",
      "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
      "   Doc-tests x",
      "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    ].join("\n");
    expect(cargoTally(output)).toEqual({ passed: 5, failed: 2, skipped: 1 });
  });

  test("a test file that vitest could not load is a failure", () => {
    const report = {
      numPassedTests: 2,
      numFailedTests: 1,
      numPendingTests: 1,
      numTodoTests: 0,
      testResults: [
        { status: "failed", assertionResults: [] },
        { status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] },
        { status: "passed", assertionResults: [{ status: "passed" }] },
      ],
    };
    expect(vitestTally(report)).toEqual({ passed: 2, failed: 2, skipped: 1 });
  });

  test("only the last line of a command counts, with or without skipped ones", () => {
    expect(commandTally("1 passed, 1 failed\n3 passed, 0 failed\n")).toEqual({ passed: 3, failed: 0, skipped: 0 });
    expect(commandTally("x\n3 passed, 2 failed, 1 skipped")).toEqual({ passed: 3, failed: 2, skipped: 1 });
    expect(commandTally("nothing of the kind")).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });

  test("a crash without a failed test is a failure, and a failed test is not counted twice", () => {
    expect(withStatus({ passed: 2, failed: 0, skipped: 0 }, 101)).toEqual({ passed: 2, failed: 1, skipped: 0 });
    expect(withStatus({ passed: 2, failed: 1, skipped: 0 }, 101)).toEqual({ passed: 2, failed: 1, skipped: 0 });
    expect(withStatus({ passed: 2, failed: 0, skipped: 0 }, 0)).toEqual({ passed: 2, failed: 0, skipped: 0 });
  });

  test("the last line reads as promised", () => {
    expect(tallyLine({ passed: 1, failed: 0, skipped: 2 })).toBe("1 passed, 0 failed, 2 skipped");
  });
});
