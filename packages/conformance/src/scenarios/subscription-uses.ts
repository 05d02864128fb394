/**
 * B: what is subscribed to by results, and what arrives by it.
 *
 * @module
 */

import type { Model, TestRealm } from "../adapter.js";
import { allDogs, dog, dogModel } from "../harness/stage.js";
import { ownScenario, type Scenario } from "../scenario.js";

/** Somebody who has a dog. */
const ownerModel: Model = { name: "Owner", primaryKey: "_id", properties: { _id: "int", name: "string", dog: "Dog" } };

const models = [dogModel, ownerModel];
const all = [...allDogs, { name: "owners", className: "Owner" }];

/** The dog that an owner has. */
function dogOf(realm: TestRealm, owner: number): unknown {
  return realm.find("Owner", owner)?.linked("dog")?.get("name") ?? null;
}

const young = { name: "young", className: "Dog", query: "age < 10" };

/** What a time-out of subscribing is, in each SDK. */
const timeouts = { node: "done", kotlin: "timeout", flutter: "timeout", cpp: "timeout" } as const;

export const subscriptionUseScenarios: readonly Scenario[] = [
  {
    id: "B-23",
    title: "objects of two classes arrive with the links between them",
    run: async (stage) => {
      const [writer, reader] = [
        await stage.readyDevice({ models, subscriptions: all }),
        await stage.readyDevice({ models, subscriptions: all }),
      ];
      writer.realm.write(() => {
        writer.realm.create("Dog", dog(1, "Rex"));
        writer.realm.create("Dog", dog(2, "Bello"));
        writer.realm.create("Owner", { _id: 1, name: "Ann" });
        writer.realm.link({ className: "Owner", key: 1 }, "dog", { className: "Dog", key: 1 });
      });
      await stage.settle(writer.session, reader.session);
      stage.equal([reader.realm.keys("Dog"), dogOf(reader.realm, 1)], [[1, 2], "Rex"], "dogs, and Ann's");
      reader.realm.write(() => {
        reader.realm.link({ className: "Owner", key: 1 }, "dog", { className: "Dog", key: 2 });
      });
      await stage.settle(reader.session, writer.session);
      stage.equal(dogOf(writer.realm, 1), "Bello", "Ann's dog at the writer");
      const fresh = await stage.readyDevice({ models, subscriptions: all });
      stage.equal(dogOf(fresh.realm, 1), "Bello", "Ann's dog at somebody new");
    },
  },
  ownScenario("B-24", "subscriptions of a closed realm, in each SDK", ["node", "kotlin", "flutter"]),
  {
    id: "B-25",
    title: "subscribing to results waits the first time, or always, or never",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "results of the C++ SDK are not subscribed to",
    needs: ["subscribes"],
    run: async (stage) => {
      const writer = await stage.readyDevice();
      const write = async (key: number): Promise<void> => {
        writer.realm.write(() => writer.realm.create("Dog", dog(key)));
        await writer.session.waitUp();
      };
      await write(1);
      const realm = await (await stage.device()).open({ subscriptions: [] });
      const session = stage.session(realm);
      await realm.subscribe(young);
      stage.equal(realm.keys("Dog"), [1], "dogs after the first time");
      session.pause();
      await write(2);
      await realm.subscribe(young);
      stage.equal(realm.keys("Dog"), [1], "dogs after the second time, which does not wait");
      session.resume();
      await realm.subscribe(young, { wait: "always" });
      stage.equal(realm.keys("Dog"), [1, 2], "dogs after always waiting");
      session.pause();
      await realm.subscribe({ name: "old", className: "Dog", query: "age > 9" }, { wait: "never" });
      stage.equal(realm.subscriptions().list().length, 2, "subscriptions after never waiting");
    },
  },
  {
    id: "B-26",
    title: "subscribing gives up in time, as each SDK says it, and the subscription stays",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "results of the C++ SDK are not subscribed to",
    needs: ["subscribes"],
    run: async (stage) => {
      const writer = await stage.readyDevice();
      writer.realm.write(() => writer.realm.create("Dog", dog(1)));
      await writer.session.waitUp();
      const device = await stage.device();
      const realm = await device.open({ subscriptions: [] });
      await realm.subscriptions().waitSync();
      device.proxy.blackhole();
      const outcome = await realm.subscribe(young, { timeoutMs: 100 });
      stage.oneOf<string>(outcome, timeouts, "outcome");
      stage.equal([realm.count("Dog"), realm.subscriptions().list().length], [0, 1], "dogs and subscriptions");
      device.proxy.restore();
      await stage.eventually(() => realm.count("Dog") === 1, "the dog arrives");
    },
  },
  ownScenario("B-27", "unsubscribing, in each SDK", ["node", "flutter"]),
  ownScenario("B-28", "subscribing in a write is refused", ["kotlin"]),
  ownScenario("B-29", "a local realm has no subscriptions, in each SDK's words"),
  {
    id: "B-30",
    title: "only what may be read arrives",
    run: async (stage) => {
      const app = await stage.setUpApp({ queryableFields: ["name"] });
      const writer = await stage.device();
      await app.setRoles([
        { name: "writer", apply_when: { "%%user.id": writer.user.id } },
        {
          name: "others",
          document_filters: { read: { name: "Rex" }, write: false },
          write: false,
          insert: false,
          delete: false,
        },
      ]);
      const realm = await writer.open();
      await realm.subscriptions().waitSync();
      realm.write(() => {
        realm.create("Dog", dog(1, "Rex"));
        realm.create("Dog", dog(2, "Bello"));
      });
      await stage.session(realm).waitUp();
      const reader = await stage.readyDevice();
      stage.equal(reader.realm.keys("Dog"), [1], "dogs of the reader");
      realm.write(() => realm.create("Dog", dog(3, "Rex")));
      await stage.settle(stage.session(realm), reader.session);
      stage.equal(reader.realm.keys("Dog"), [1, 3], "dogs of the reader after another");
      stage.equal(realm.keys("Dog"), [1, 2, 3], "dogs of the writer");
    },
  },
];
