/**
 * O: opening realms.
 *
 * @module
 */

import { existsSync } from "node:fs";
import type { Model } from "../adapter.js";
import { dog, dogModel, type Stage } from "../harness/stage.js";
import { ownScenario, type Scenario } from "../scenario.js";
import { encrypted } from "./files.js";

/** Code of a user who is shut out. */
const authError = 4346;

/** Has the server hold this many dogs. */
async function fill(stage: Stage, count: number): Promise<void> {
  const writer = await stage.readyDevice();
  writer.realm.write(() => {
    for (let key = 1; key <= count; key += 1) writer.realm.create("Dog", dog(key));
  });
  await writer.session.waitUp();
}

/** Dogs with some properties changed. */
function changedDogs(properties: Readonly<Record<string, string>>): readonly Model[] {
  return [{ ...dogModel, properties: { ...dogModel.properties, ...properties } }];
}

const first: readonly Scenario[] = [
  {
    id: "O-01",
    title: "a realm opens offline, empty, and works",
    run: async (stage) => {
      const device = await stage.device();
      device.proxy.cut();
      const realm = await device.open();
      stage.equal([realm.count("Dog"), stage.session(realm).state()], [0, "active"], "dogs and state");
      realm.write(() => realm.create("Dog", dog(1)));
      stage.equal(realm.keys("Dog"), [1], "dogs");
    },
  },
  {
    id: "O-02",
    title: "an opening that waits has the data when it is over",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "the C++ SDK opens at once",
    needs: ["asyncOpen"],
    run: async (stage) => {
      await fill(stage, 20);
      const realm = await (await stage.device()).open({ waitsForData: true });
      stage.equal(realm.count("Dog"), 20, "dogs");
    },
  },
  ownScenario("O-03", "offline, an opening that waits is rejected in time", ["node"]),
  ownScenario("O-04", "or it gives the local realm, which is synchronised later", ["node"]),
  ownScenario("O-05", "or it does not wait at all", ["node"]),
  ownScenario("O-06", "new files and existing ones have their own behaviour", ["node"]),
  ownScenario("O-07", "an opening can be cancelled", ["node"]),
  ownScenario("O-08", "cancelling one of two openings of a file, in each SDK", ["node", "flutter"]),
  ownScenario("O-09", "a token that is cancelled before, during and after an opening", ["flutter"]),
  ownScenario("O-10", "waiting for the first data has its time", ["kotlin"]),
];

const initialSubscriptions: readonly Scenario[] = [
  {
    id: "O-11",
    title: "subscriptions of the opening are made at the first one, or at each",
    facades: ["node", "kotlin"],
    elsewhere: "the Flutter and C++ SDKs have no subscriptions of an opening",
    needs: ["initialSubscriptions"],
    run: async (stage) => {
      const device = await stage.device();
      for (const [rerunsSubscriptions, version] of [
        [false, 1],
        [false, 1],
        [true, 2],
        [true, 3],
      ] as const) {
        const realm = await device.open({ rerunsSubscriptions });
        stage.equal(realm.subscriptions().version(), version, `version, rerun: ${rerunsSubscriptions}`);
        realm.close();
      }
    },
  },
  {
    id: "O-12",
    title: "an opening that does not wait has its subscriptions offline too",
    facades: ["node", "kotlin"],
    elsewhere: "the Flutter and C++ SDKs have no subscriptions of an opening",
    needs: ["initialSubscriptions"],
    run: async (stage) => {
      const device = await stage.device();
      device.proxy.cut();
      const realm = await device.open();
      stage.equal([realm.subscriptions().list().length, realm.count("Dog")], [1, 0], "subscriptions and dogs");
    },
  },
  {
    id: "O-13",
    title: "an opening that waits has the data of its subscriptions, and of no others",
    facades: ["node", "kotlin"],
    elsewhere: "the Flutter and C++ SDKs have no subscriptions of an opening",
    needs: ["initialSubscriptions", "asyncOpen"],
    run: async (stage) => {
      await fill(stage, 20);
      const subscriptions = [{ name: "some", className: "Dog", query: "_id < 4" }];
      const realm = await (await stage.device()).open({ subscriptions, waitsForData: true });
      stage.equal([realm.keys("Dog"), realm.subscriptions().state()], [[1, 2, 3], "complete"], "dogs and state");
    },
  },
  ownScenario(
    "O-14",
    "a realm by partition has no subscriptions of its opening",
    ["node", "kotlin"],
    "the Flutter and C++ SDKs have no subscriptions of an opening",
  ),
];

const refusals: readonly Scenario[] = [
  {
    id: "O-15",
    title: "an opening that waits fails with what the server says",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "the C++ SDK opens at once",
    needs: ["asyncOpen"],
    run: async (stage) => {
      const app = await stage.setUpApp();
      const device = await stage.device();
      await app.disableUser(device.user.id);
      const { code, message } = await stage.rejection(device.open({ waitsForData: true }), "opening");
      // The kotlin SDK wraps what goes wrong in an opening, and says it in words alone.
      const isTold = code === authError || message.includes(`(${authError})`);
      stage.check(isTold, `code ${String(code)}, message "${message}"`);
    },
  },
  { id: "O-16", title: "an encrypted file opens with its key alone", run: encrypted },
  {
    id: "O-17",
    title: "classes may be added to, what breaks them is refused",
    run: async (stage) => {
      const device = await stage.readyDevice();
      device.realm.write(() => device.realm.create("Dog", dog(1)));
      await device.session.waitUp();
      device.realm.close();
      const added = await device.open({ models: changedDogs({ breed: "string?" }) });
      added.write(() => added.find("Dog", 1)?.set("breed", "Poodle"));
      stage.equal(added.find("Dog", 1)?.get("breed"), "Poodle", "the property that was added");
      await stage.session(added).waitUp();
      added.close();
      for (const properties of [{ age: "string" }, { name: "string?" }]) {
        await stage.rejection(device.open({ models: changedDogs(properties) }), JSON.stringify(properties));
      }
      const again = await device.open();
      stage.equal(again.keys("Dog"), [1], "dogs afterwards");
    },
  },
  {
    id: "O-18",
    title: "the realm of a logged-out user opens, and waits for the user to log in again",
    facades: ["node", "flutter", "cpp"],
    elsewhere: "O-18b is Kotlin's",
    run: async (stage) => {
      const device = await stage.device();
      const user = await device.app.logIn("someone@example.com");
      await device.app.logOut(user);
      const realm = await stage.openFor(user);
      const session = stage.session(realm);
      await stage.sleep(300);
      stage.equal([session.state(), session.connection()], ["inactive", "disconnected"], "while logged out");
      await device.app.logIn("someone@example.com");
      stage.equal(session.state(), "active", "state after logging in");
      await stage.eventually(() => session.connection() === "connected", "connected");
      await realm.subscriptions().waitSync();
    },
  },
  ownScenario("O-18b", "a logged-out user's configuration is refused", ["kotlin"], "O-18 is the others'"),
  ownScenario("O-19", "what is wrong with a configuration is said", ["node"]),
  {
    id: "O-20",
    title: "an open file is not deleted, a closed one is",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "the C++ SDK has no call that deletes files",
    needs: ["deletesFiles"],
    run: async (stage) => {
      const { app, user, realm, session } = await stage.readyDevice();
      realm.write(() => realm.create("Dog", dog(1)));
      await session.waitUp();
      await stage.rejection((async () => realm.deleteFile())(), "deleting an open file");
      stage.equal(realm.keys("Dog"), [1], "dogs");
      realm.close();
      await stage.eventually(() => app.sessionCount(user) === 0, "the session ends");
      await stage.eventually(() => {
        try {
          realm.deleteFile();
          return true;
        } catch {
          return false;
        }
      }, "the file can be deleted");
      stage.check(!existsSync(realm.path()), "the file is there");
    },
  },
];

export const openScenarios: readonly Scenario[] = [
  ...first,
  ...initialSubscriptions,
  ...refusals,
  ownScenario("O-21", "a synchronised file is read and written without a session", ["flutter"]),
  ownScenario("O-22", "a synchronised file is opened locally", ["node"]),
  ownScenario("O-23", "the first data is written once", ["kotlin", "flutter"]),
];
