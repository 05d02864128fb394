/**
 * D: data on several devices with everything going on at once.
 *
 * @module
 */

import type { TestRealm } from "../adapter.js";
import { Dice } from "../harness/dice.js";
import { dog, type Stage } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";

type ReadyDevice = Awaited<ReturnType<Stage["readyDevice"]>>;

/** Every dog with its fields, in order of key. */
function everything(realm: TestRealm): unknown[] {
  return realm.keys("Dog").map((key) => {
    const found = realm.find("Dog", key as number);
    return [key, found?.get("name"), found?.get("age"), found?.list("tags").values()];
  });
}

/** One random edit; keys are few, so that devices meet. */
function edit(realm: TestRealm, dice: Dice, mark: string): void {
  const key = dice.below(8);
  const found = realm.find("Dog", key);
  if (!found) {
    realm.create("Dog", { ...dog(key, mark), tags: [mark] });
    return;
  }
  const tags = found.list("tags");
  const size = tags.values().length;
  switch (dice.below(6)) {
    case 0:
      realm.delete("Dog", key);
      break;
    case 1:
      found.set("name", mark);
      break;
    case 2:
      found.set("age", dice.below(100));
      break;
    case 3:
      if (size > 0) tags.remove(dice.below(size));
      break;
    case 4:
      if (size > 0) tags.set(dice.below(size), mark);
      break;
    default:
      tags.insert(dice.below(size + 1), mark);
  }
}

/** One thing that happens to a device's network or session. */
function disturb({ session, proxy }: ReadyDevice, dice: Dice): void {
  switch (dice.below(5)) {
    case 0:
      session.pause();
      break;
    case 1:
      session.resume();
      break;
    case 2:
      proxy.cut();
      break;
    case 3:
      proxy.slow(50_000);
      break;
    default:
      proxy.restore();
  }
}

async function soak(stage: Stage, seed: number): Promise<void> {
  const dice = new Dice(seed);
  const devices = [await stage.readyDevice(), await stage.readyDevice(), await stage.readyDevice()];
  for (let round = 0; round < 60; round += 1) {
    for (const [number, device] of devices.entries()) {
      device.realm.write(() => {
        for (let i = dice.below(3); i >= 0; i -= 1) edit(device.realm, dice, `${number}.${round}`);
      });
      if (dice.below(4) === 0) disturb(device, dice);
    }
    await stage.sleep(dice.below(30));
  }
  for (const { app, session, proxy } of devices) {
    proxy.restore();
    session.resume();
    app.reconnectAll();
  }
  const sessions = devices.map(({ session }) => session);
  await stage.settle(...sessions);
  const fresh = await stage.readyDevice();
  for (const [number, { realm }] of devices.entries()) {
    stage.equal(everything(realm), everything(fresh.realm), `device ${number} beside a new one, seed ${seed}`);
  }
}

/** How many random histories run: more where there is time. */
const histories = process.env["TIDEMARK_SLOW"] === "1" ? 200 : 3;

/** A transaction of many objects arrives where one listens, and where one comes later. */
async function manyObjects(stage: Stage, count: number): Promise<void> {
  const [writer, reader] = [await stage.readyDevice(), await stage.readyDevice()];
  writer.realm.write(() => {
    for (let key = 0; key < count; key += 1) writer.realm.create("Dog", dog(key));
  });
  await writer.session.waitUp();
  await reader.session.waitDown();
  stage.equal(reader.realm.count("Dog"), count, "dogs at the reader");
  const fresh = await stage.readyDevice();
  stage.equal(fresh.realm.count("Dog"), count, "dogs at a new device");
}

export const mixedScenarios: readonly Scenario[] = [
  {
    id: "D-10",
    title: "ten thousand objects in one transaction arrive",
    run: async (stage) => manyObjects(stage, 10_000),
  },
  {
    id: "D-10b",
    title: "a hundred thousand objects in one transaction arrive",
    timeoutMs: 300_000,
    run: async (stage) => manyObjects(stage, 100_000),
  },
  ...Array.from({ length: histories }, (_, index) => index + 1).map((seed) => ({
    id: `D-14-${seed}`,
    title: "three devices edit a few objects over a bad network and end equal",
    run: async (stage: Stage) => soak(stage, seed),
  })),
];
