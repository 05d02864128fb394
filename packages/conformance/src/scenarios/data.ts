/**
 * D: what happens to data.
 *
 * @module
 */
import { dog } from "../harness/stage.js";
import type { Stage } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";
import type { TestRealm } from "../adapter.js";

/** Every dog with its fields, in order of key. */
function everything(realm: TestRealm): unknown[] {
  return realm.keys("Dog").map((key) => {
    const found = realm.find("Dog", key as number);
    return [key, found?.get("name"), found?.get("age"), found?.list("tags").values()];
  });
}

/** Two devices that hold the same dog and are both paused. */
async function apart(
  stage: Stage,
  tags: readonly string[],
): Promise<[Awaited<ReturnType<Stage["readyDevice"]>>, Awaited<ReturnType<Stage["readyDevice"]>>]> {
  const [first, second] = [await stage.readyDevice(), await stage.readyDevice()];
  first.realm.write(() => first.realm.create("Dog", { ...dog(1), tags }));
  await stage.settle(first.session, second.session);
  stage.equal(second.realm.count("Dog"), 1, "the dog arrived");
  first.session.pause();
  second.session.pause();
  return [first, second];
}

/** Brings both back, waits until nothing moves, and checks that they are equal. */
async function together(
  stage: Stage,
  first: Awaited<ReturnType<Stage["readyDevice"]>>,
  second: Awaited<ReturnType<Stage["readyDevice"]>>,
): Promise<unknown[]> {
  first.session.resume();
  second.session.resume();
  await stage.settle(first.session, second.session);
  await stage.settle(first.session, second.session);
  stage.equal(everything(first.realm), everything(second.realm), "both devices");
  return everything(first.realm);
}

export const dataScenarios: readonly Scenario[] = [
  {
    id: "D-02",
    title: "lists edited on both sides converge",
    run: async (stage) => {
      const [first, second] = await apart(stage, ["a", "b", "c", "d"]);
      first.realm.write(() => {
        const tags = first.realm.find("Dog", 1)?.list("tags");
        tags?.insert(0, "first");
        tags?.remove(2);
        tags?.set(1, "A");
      });
      second.realm.write(() => {
        const tags = second.realm.find("Dog", 1)?.list("tags");
        tags?.push("second");
        tags?.remove(1);
        tags?.insert(0, "front");
      });
      const state = await together(stage, first, second);
      const tags = (state[0] as unknown[])[3] as string[];
      stage.equal([...tags].sort(), ["A", "c", "d", "first", "front", "second"], "elements");
      stage.check(
        tags.indexOf("A") < tags.indexOf("c") && tags.indexOf("c") < tags.indexOf("d"),
        "order of what stayed",
      );
    },
  },
  {
    id: "D-08",
    title: "an erasure beats an edit, whatever the time",
    run: async (stage) => {
      const [first, second] = await apart(stage, []);
      first.realm.write(() => first.realm.delete("Dog", 1));
      await stage.sleep(20);
      second.realm.write(() => {
        second.realm.find("Dog", 1)?.set("name", "later");
        second.realm.create("Dog", dog(2));
      });
      const state = await together(stage, first, second);
      stage.equal(state.length, 1, "dogs");
      stage.equal((state[0] as unknown[])[0], 2, "the other dog stays");
    },
  },
  {
    id: "D-08b",
    title: "of two assignments the later one stays",
    run: async (stage) => {
      const [first, second] = await apart(stage, []);
      second.realm.write(() => second.realm.find("Dog", 1)?.set("name", "earlier"));
      await stage.sleep(20);
      first.realm.write(() => first.realm.find("Dog", 1)?.set("name", "later"));
      const state = await together(stage, first, second);
      stage.equal((state[0] as unknown[])[1], "later", "name");
    },
  },
  {
    id: "D-09",
    title: "results report what others change",
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
      const counts: number[] = [];
      reader.realm.onResults("Dog", (count) => counts.push(count));
      await stage.eventually(() => counts.length > 0, "the initial call");
      stage.equal(counts[0], 0, "initial count");
      writer.realm.write(() => writer.realm.create("Dog", dog(1)));
      await stage.eventually(() => counts.at(-1) === 1, "the change is reported");
    },
  },
  {
    id: "D-13",
    title: "a killed server loses nothing it acknowledged",
    run: async (stage) => {
      const { app, realm, session } = await stage.readyDevice();
      realm.write(() => {
        for (let key = 0; key < 500; key += 1) realm.create("Dog", dog(key));
      });
      await session.waitUp();
      await stage.server.kill();
      await stage.server.restart();
      const fresh = await stage.readyDevice();
      stage.equal(fresh.realm.count("Dog"), 500, "dogs after the restart");
      app.reconnectAll();
      realm.write(() => realm.create("Dog", dog(500)));
      await session.waitUp();
      await fresh.session.waitDown();
      stage.equal(fresh.realm.count("Dog"), 501, "dogs after going on");
    },
  },
];
