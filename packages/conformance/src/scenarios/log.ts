/**
 * L: the log.
 *
 * @module
 */

import type { LogLine, TestSession } from "../adapter.js";
import type { Stage } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";

/** Something of which a session has much to say. */
async function pauseAndResume(stage: Stage, session: TestSession): Promise<void> {
  session.pause();
  session.resume();
  await stage.eventually(() => session.connection() === "connected", "connected again");
}

/** Lines about sessions of a file. */
function linesOf(lines: readonly LogLine[], path: string): readonly LogLine[] {
  return lines.filter(({ message }) => message.includes(path));
}

export const logScenarios: readonly Scenario[] = [
  {
    id: "L-01",
    title: "a logger gets lines of sessions, of the levels and categories that are wanted",
    run: async (stage) => {
      const lines = stage.captureLog("all");
      const { realm, session } = await stage.readyDevice();
      const path = realm.path();
      stage.check(linesOf(lines, path).length > 0, "there are lines about the session");
      if (stage.adapter.capabilities.has("logCategories")) {
        const others = linesOf(lines, path).filter(({ category }) => !category?.startsWith("Realm.Sync.Client"));
        stage.equal(others, [], "lines of the session from other parts");
      }
      stage.adapter.setLogLevel("error");
      lines.length = 0;
      await pauseAndResume(stage, session);
      stage.equal(lines, [], "lines when only errors are wanted");
      stage.adapter.setLogLevel("debug");
      await pauseAndResume(stage, session);
      stage.check(linesOf(lines, path).length > 0, "there are lines again");
      stage.equal(
        lines.filter(({ level }) => level === "all"),
        [],
        "lines below the level that is wanted",
      );
    },
  },
  {
    id: "L-01b",
    title: "the level of one part does not touch the others",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "the log of the C++ SDK has no categories",
    needs: ["logCategories"],
    run: async (stage) => {
      const lines = stage.captureLog("off");
      stage.adapter.setLogLevel("all", "Realm.Sync.Client.Session");
      const { session } = await stage.readyDevice();
      await pauseAndResume(stage, session);
      stage.equal([...new Set(lines.map(({ category }) => category))], ["Realm.Sync.Client.Session"], "categories");
    },
  },
  {
    id: "L-02",
    title: "a log that is off is silent",
    run: async (stage) => {
      const lines = stage.captureLog("off");
      const { session, proxy } = await stage.readyDevice();
      await pauseAndResume(stage, session);
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      stage.equal(lines, [], "lines");
    },
  },
];
