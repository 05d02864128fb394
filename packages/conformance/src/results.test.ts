/** What is written down of runs: by cases that apply, whole or in parts. */
import { expect, test } from "vitest";
import { filesFor, knownResults, resultAfter, tableOf } from "./results.js";
import { appliesTo, facadeNames, type Scenario } from "./scenario.js";
import { allScenarios } from "./suite.js";

const run = (): Promise<void> => Promise.resolve();
const catalogue: readonly Scenario[] = [
  { id: "S-01", title: "for all", run },
  { id: "S-02", title: "for all, skipped", run },
  { id: "P-01", title: "for one", facades: ["kotlin"], run },
  { id: "P-02", title: "for others", facades: ["node", "cpp"], elsewhere: "P-01 is Kotlin's", run },
];
const skip = { kind: "skipped", reason: "not yet: a reason", applies: true } as const;

test("a run of some cases changes what is known of these, and forgets what does not apply", () => {
  const known = {
    passed: ["S-01", "P-01", "gone"],
    skipped: { "not yet: a reason": ["S-02"], "not for node": ["P-03"] },
  };
  const [, second, , fourth] = catalogue as readonly [Scenario, Scenario, Scenario, Scenario];
  expect(resultAfter(catalogue, "node", known, [[fourth, { kind: "passed" }]])).toEqual({
    passed: ["S-01", "P-02"],
    skipped: { "not yet: a reason": ["S-02"] },
  });
  expect(resultAfter(catalogue, "node", known, [[second, { kind: "passed" }]])).toEqual({
    passed: ["S-01", "S-02"],
    skipped: {},
  });
  expect(resultAfter(catalogue, "node", { passed: ["S-01"], skipped: {} }, [[catalogue[0] as Scenario, skip]])).toEqual(
    {
      passed: [],
      skipped: { "not yet: a reason": ["S-01"] },
    },
  );
});

test("the table counts what applies, names what is skipped, and what is for some facades alone", () => {
  const node = { passed: ["S-01", "P-02"], skipped: { "not yet: a reason": ["S-02"] } };
  const kotlin = { passed: ["S-01"], skipped: { "not yet: a reason": ["S-02"] } };
  const text = tableOf(catalogue, { "node native": node, "node wasm": node, "kotlin native": kotlin });
  expect(text.split("\n").filter((line) => line.startsWith("| "))).toEqual([
    "| cases that pass, of those that apply | Node | Node on WASM | Kotlin |",
    "| --- | --- | --- | --- |",
    "| S: sessions | 1 of 2 | 1 of 2 | 1 of 2 |",
    "| P: pause and resume | 1 of 1 | 1 of 1 | 0 of 1 |",
    "| all | 2 of 3 | 2 of 3 | 1 of 3 |",
    "| skipped | because | for |",
    "| --- | --- | --- |",
    "| S-02 | not yet: a reason | Node, Kotlin |",
    "| for | cases | not for others, as |",
    "| --- | --- | --- |",
    "| Kotlin | P-01 |  |",
    "| Node, C++ | P-02 | P-01 is Kotlin's |",
  ]);
});

// The slow group has cases more, which are not written down.
test.runIf(process.env["TIDEMARK_SLOW"] !== "1")(
  "results.json has every case that applies, of every facade and core",
  () => {
    const results = knownResults();
    for (const facade of facadeNames) {
      const wanted = allScenarios.filter((scenario) => appliesTo(scenario, facade)).map(({ id }) => id);
      for (const core of ["native", "wasm"]) {
        const { passed = [], skipped = {} } = results[`${facade} ${core}`] ?? {};
        expect([...passed, ...Object.values(skipped).flat()].toSorted(), `${facade} ${core}`).toEqual(
          wanted.toSorted(),
        );
      }
    }
    for (const [path, present, wanted] of filesFor(allScenarios, results)) expect(present, path).toBe(wanted);
  },
);
