/**
 * Random changes of random classes, with listeners of every kind: what they are told, done to a copy, gives the
 * collection, and says of no element more or less than that something in it changed.
 */

import { expect, test } from "vitest";
import type { Engine } from "../engine.js";
import { createNodeEngine } from "../node/index.js";
import { dice } from "../testing/dice.js";
import { LiveScene } from "../testing/live-scene.js";
import { plainConventions } from "../values/conventions.js";

const engine: Engine = createNodeEngine(plainConventions);

/** Seeds of one test. */
const count = 20;

for (let first = 0; first < 320; first += count) {
  test(`replayed change sets give the collection: seeds ${first} to ${first + count - 1}`, async () => {
    let checkedCount = 0;
    for (let seed = first; seed < first + count; seed += 1) {
      const scene = new LiveScene(engine, dice(seed + 1), `seed ${seed}`);
      // Throws where a listener was told something else.
      await scene.run(8);
      checkedCount += scene.checkedCount;
    }
    expect(checkedCount).toBeGreaterThan(750);
  }, 60_000);
}
