/**
 * B: subscriptions.
 *
 * @module
 */
import type { Model } from "../adapter.js";
import { dog, dogModel } from "../harness/stage.js";
import { ownScenario, type Scenario } from "../scenario.js";

/** Another class than that of dogs. */
const catModel: Model = { name: "Cat", primaryKey: "_id", properties: { _id: "int", name: "string" } };

/** A subscription to dogs of one name. */
function named(name: string): { name: string; className: string; query: string } {
  return { name: "some", className: "Dog", query: `name == "${name}"` };
}

export const subscriptionScenarios: readonly Scenario[] = [
  {
    id: "B-01",
    title: "a new realm's set is empty, version 0, pending or complete",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "sets of the C++ SDK tell neither state nor version",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ subscriptions: [] });
      const subscriptions = realm.subscriptions();
      stage.equal(subscriptions.list(), [], "subscriptions");
      stage.equal(subscriptions.version(), 0, "version");
      stage.check(["pending", "complete"].includes(subscriptions.state()), `state ${subscriptions.state()}`);
    },
  },
  {
    id: "B-02",
    title: "adding a named subscription and waiting completes it",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ subscriptions: [] });
      await realm.subscriptions().update((set) => set.add(named("Rex")));
      stage.equalSubscriptionState(realm, "complete");
      stage.equal(realm.subscriptions().list(), [named("Rex")], "list");
      const found = realm.subscriptions().find("some");
      stage.equal([found?.className, found?.query], ["Dog", 'name == "Rex"'], "class and query by its name");
      stage.equal(realm.subscriptions().find("none"), null, "what has another name");
    },
  },
  {
    id: "B-03",
    title: "the same unnamed subscription twice is one",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "subscriptions of the C++ SDK have names",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ subscriptions: [] });
      await realm.subscriptions().update((set) => {
        set.add({ className: "Dog", query: "age > 3" });
        set.add({ className: "Dog", query: "age > 3" });
      });
      stage.equal(realm.subscriptions().list().length, 1, "subscriptions");
    },
  },
  {
    id: "B-04",
    title: "one query under two names is two subscriptions",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ subscriptions: [] });
      await realm.subscriptions().update((set) => {
        set.add({ name: "one", className: "Dog", query: "age > 3" });
        set.add({ name: "two", className: "Dog", query: "age > 3" });
      });
      stage.equal(realm.subscriptions().list().length, 2, "subscriptions");
    },
  },
  {
    id: "B-05",
    title: "another query for a name is the same subscription, changed",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ subscriptions: [] });
      const subscriptions = realm.subscriptions();
      await subscriptions.update((set) => set.add(named("Rex")));
      const before = subscriptions.find("some");
      // Times of subscriptions are in milliseconds.
      await stage.sleep(5);
      await subscriptions.update((set) => set.add({ ...named("Bello"), replaces: true }));
      const after = realm.subscriptions().find("some");
      stage.equal([before?.query, after?.query], ['name == "Rex"', 'name == "Bello"'], "queries");
      stage.equal([after?.id, after?.createdAtMs], [before?.id, before?.createdAtMs], "id and time of creation");
      stage.check((after?.updatedAtMs ?? 0) > (before?.updatedAtMs ?? 0), "it was changed later");
      stage.equal(realm.subscriptions().list().length, 1, "subscriptions");
    },
  },
  {
    id: "B-06",
    title: "another query for a name is refused where it is not to replace, and nothing changes",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "the C++ SDK changes a subscription by a call of its own, see B-05",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ subscriptions: [] });
      await realm.subscriptions().update((set) => set.add(named("Rex")));
      const before = [realm.subscriptions().version(), realm.subscriptions().list()];
      const update = (async () =>
        realm.subscriptions().update((set) => {
          set.add({ className: "Dog", query: "age > 3" });
          set.add({ ...named("Bello"), replaces: false });
        }))();
      await stage.rejection(update, "update");
      stage.equal([realm.subscriptions().version(), realm.subscriptions().list()], before, "version and subscriptions");
      stage.equal(realm.subscriptions().state(), "complete", "state");
    },
  },
  {
    id: "B-07",
    title: "a name that is given to another class is that class's",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "the C++ SDK changes a subscription by a call of its own, see B-05",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ models: [dogModel, catModel], subscriptions: [] });
      await realm.subscriptions().update((set) => {
        set.add(named("Rex"));
        set.add({ name: "some", className: "Cat", replaces: true });
      });
      stage.equal(
        realm.subscriptions().list(),
        [{ name: "some", className: "Cat", query: "TRUEPREDICATE" }],
        "subscriptions",
      );
    },
  },
  ownScenario("B-08", "what removing answers, in each SDK"),
  ownScenario("B-09", "what removing answers where there is nothing, in each SDK"),
  {
    id: "B-10",
    title: "an empty update makes a new version that completes",
    facades: ["node", "kotlin"],
    run: async (stage) => {
      const { realm } = await stage.readyDevice();
      const before = realm.subscriptions().version();
      await realm.subscriptions().update(() => undefined);
      stage.equal(realm.subscriptions().version(), before + 1, "version");
      stage.equal(realm.subscriptions().state(), "complete", "state");
    },
  },
  {
    id: "B-11",
    title: "an exception in an update commits nothing",
    facades: ["node", "kotlin", "flutter"],
    run: async (stage) => {
      const { realm } = await stage.readyDevice();
      const before = realm.subscriptions().version();
      await stage.rejection(
        (async () =>
          realm.subscriptions().update((set) => {
            set.clear();
            throw new Error("changed my mind");
          }))(),
        "update",
      );
      stage.equal(realm.subscriptions().version(), before, "version");
      stage.equal(realm.subscriptions().list().length, 1, "subscriptions");
    },
  },
  {
    id: "B-12",
    title: "objects of a removed subscription leave the realm",
    run: async (stage) => {
      const { realm, session } = await stage.readyDevice();
      realm.write(() => realm.create("Dog", dog(1)));
      await session.waitUp();
      await realm.subscriptions().update((set) => set.removeName("all"));
      await stage.eventually(() => realm.count("Dog") === 0, "the dog leaves");
    },
  },
  {
    id: "B-13",
    title: "objects entering the filter arrive, those leaving it disappear",
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice({ subscriptions: [named("Rex")] })];
      writer.realm.write(() => {
        writer.realm.create("Dog", dog(1, "Rex"));
        writer.realm.create("Dog", dog(2, "Bello"));
      });
      await stage.eventually(() => reader.realm.count("Dog") === 1, "the matching dog arrives");
      stage.equal(reader.realm.keys("Dog"), [1], "dogs of the filter");
      writer.realm.write(() => {
        writer.realm.find("Dog", 1)?.set("name", "Bello");
        writer.realm.find("Dog", 2)?.set("name", "Rex");
      });
      await stage.settle(writer.session, reader.session);
      stage.equal(reader.realm.keys("Dog"), [2], "dogs after both changed");
    },
  },
  {
    id: "B-14",
    title: "a bad query rejects the wait; a good one afterwards recovers",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "B-14b is C++'s",
    run: async (stage) => {
      const { realm } = await stage.readyDevice();
      const { message } = await stage.rejection(
        realm.subscriptions().update((set) => set.add({ name: "bad", className: "Dog", query: "age > 1 LIMIT(2)" })),
        "update",
      );
      stage.check(message.includes("invalid RQL"), `message "${message}"`);
      stage.equal(realm.subscriptions().state(), "error", "state");
      const text = realm.subscriptions().error() ?? "";
      stage.check(text.includes("invalid RQL"), `error of the set: "${text}"`);
      await realm.subscriptions().update((set) => set.removeName("bad"));
      stage.equal(realm.subscriptions().state(), "complete", "state afterwards");
    },
  },
  ownScenario(
    "B-14b",
    "a bad query makes the future false; a good one afterwards recovers",
    ["cpp"],
    "B-14 is the others'",
  ),
  ownScenario("B-15", "a set that another has replaced counts as synchronised", ["node"]),
  ownScenario("B-16", "a wait for subscriptions with a timeout", ["kotlin"]),
  ownScenario("B-17", "a wait for subscriptions that is cancelled", ["flutter"]),
  {
    id: "B-18",
    title: "pausing rejects a wait for subscriptions with the abort",
    facades: ["node", "kotlin", "flutter"],
    run: async (stage) => {
      const { realm, session, proxy } = await stage.readyDevice();
      proxy.blackhole();
      const wait = stage.rejection(
        realm.subscriptions().update((set) => set.add(named("Rex"))),
        "update",
      );
      session.pause();
      stage.check((await wait).message.includes("Sync session became inactive"), "message");
    },
  },
  {
    id: "B-19",
    title: "subscriptions are there after reopening",
    run: async (stage) => {
      const device = await stage.readyDevice({ subscriptions: [named("Rex")] });
      device.realm.close();
      const again = await device.open({ subscriptions: [] });
      await again.subscriptions().waitSync();
      stage.equal(again.subscriptions().list().length, 1, "subscriptions");
      stage.equalSubscriptionState(again, "complete");
    },
  },
  ownScenario("B-20", "whether looking again is looking at the same set", ["node", "kotlin", "flutter"]),
  {
    id: "B-21",
    title: "a thousand subscriptions in one update",
    run: async (stage) => {
      const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice({ subscriptions: [] })];
      writer.realm.write(() => {
        for (let key = 0; key < 1_050; key += 1) writer.realm.create("Dog", dog(key));
      });
      await writer.session.waitUp();
      await reader.realm.subscriptions().update((set) => {
        for (let key = 0; key < 1_000; key += 1) {
          set.add({ name: `dog ${key}`, className: "Dog", query: `_id == ${key}` });
        }
      });
      stage.equal(reader.realm.subscriptions().list().length, 1_000, "subscriptions");
      stage.equal(reader.realm.count("Dog"), 1_000, "dogs");
    },
  },
  {
    id: "B-22",
    title: "writing to a class without a subscription throws at once",
    run: async (stage) => {
      const realm = await (await stage.device()).open({ subscriptions: [] });
      let message = "";
      try {
        realm.write(() => realm.create("Dog", dog(1)));
      } catch (error) {
        ({ message } = stage.adapter.errorInfo(error));
      }
      const expected = "Cannot write to class Dog when no flexible sync subscription has been created.";
      stage.check(message.includes(expected), `message "${message}"`);
      stage.equal(realm.count("Dog"), 0, "dogs");
    },
  },
];
