import { describe, expect, test } from "vitest";
import { runInOrder } from "../lib/schedule.mjs";

/** Stages that end when they are told to. */
function stageRig(stages, lanes = 2, mustStop) {
  const running = new Map();
  const seen = [];
  const ended = runInOrder(
    stages,
    lanes,
    ({ name }, outcomes) => {
      seen.push([name, [...outcomes.keys()]]);
      return new Promise((resolve) => {
        running.set(name, resolve);
      });
    },
    mustStop,
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    seen,
    ended,
    names: () => [...running.keys()],
    async end(name, outcome = "well") {
      running.get(name)(outcome);
      running.delete(name);
      await turn();
    },
  };
}

describe("the order of stages", () => {
  test("as many as there are lanes run beside each other; those that need others wait for them", async () => {
    const rig = stageRig([{ name: "a" }, { name: "b", needs: ["a"] }, { name: "c" }, { name: "d" }]);
    expect(rig.names()).toEqual(["a", "c"]);
    await rig.end("c");
    expect(rig.names()).toEqual(["a", "d"]);
    await rig.end("a");
    expect(rig.names()).toEqual(["d", "b"]);
    await rig.end("d");
    await rig.end("b", "badly");
    expect([...(await rig.ended)]).toEqual([
      ["c", "well"],
      ["a", "well"],
      ["d", "well"],
      ["b", "badly"],
    ]);
    expect(rig.seen.at(-1)).toEqual(["b", ["c", "a"]]);
  });

  test("one that runs alone has nothing beside it, and is not overtaken", async () => {
    const rig = stageRig([{ name: "a" }, { name: "b", isAlone: true }, { name: "c" }, { name: "d" }]);
    expect(rig.names()).toEqual(["a"]);
    await rig.end("a");
    expect(rig.names()).toEqual(["b"]);
    await rig.end("b");
    expect(rig.names()).toEqual(["c", "d"]);
    await rig.end("c");
    await rig.end("d");
    expect((await rig.ended).size).toBe(4);
  });

  test("what a stage needs and is not to be run is not waited for; one lane is one after the other", async () => {
    const rig = stageRig([{ name: "a", needs: ["elsewhere"] }, { name: "b" }], 1);
    expect(rig.names()).toEqual(["a"]);
    await rig.end("a");
    expect(rig.names()).toEqual(["b"]);
    await rig.end("b");
    await rig.ended;
  });

  test("a stage without which nothing goes on ends it all", async () => {
    const stages = [{ name: "a", isAlone: true }, { name: "b" }];
    const rig = stageRig(stages, 2, ({ name }, outcome) => name === "a" && outcome === "badly");
    await rig.end("a", "badly");
    expect([...(await rig.ended).keys()]).toEqual(["a"]);
  });
});
