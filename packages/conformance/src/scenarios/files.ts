/**
 * Files of synced realms: encrypted ones, and copies.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { dog, dogModel, type Device, type ReadyDevice, type Stage } from "../harness/stage.js";

const key = Uint8Array.from({ length: 64 }, (_, index) => index);
const otherKey = new Uint8Array(64).fill(7);

/** A word that stands nowhere but in this case's objects. */
const canary = "Bernadette-the-canary";

/** O-16 */
export async function encrypted(stage: Stage): Promise<void> {
  const device = await stage.readyDevice({ encryptionKey: key });
  device.realm.write(() => device.realm.create("Dog", { ...dog(1), name: canary }));
  stage.equal(await device.session.waitUp(), "done", "upload");
  const path = device.realm.path();
  device.realm.close();
  for (const [encryptionKey, what] of [
    [otherKey, "another key"],
    [undefined, "no key"],
  ] as const) {
    const before = readFileSync(path);
    await stage.rejection(
      (async () => device.open(encryptionKey === undefined ? {} : { encryptionKey }))(),
      `opening with ${what}`,
    );
    stage.check(readFileSync(path).equals(before), `opening with ${what} leaves the file as it is`);
    stage.check(!before.includes(canary), "nothing of it can be read in the file");
  }
  const again = await device.open({ encryptionKey: key });
  stage.equal(again.keys("Dog"), [1], "dogs with the key");
  stage.equal(await stage.session(again).waitDown(), "done", "download");

  const plain = await stage.readyDevice();
  stage.equal(await plain.session.waitDown(), "done", "download of another device");
  stage.equal(plain.realm.find("Dog", 1)?.get("name") ?? null, canary, "the object on another device");
}

/** D-11 */
export async function copies(stage: Stage): Promise<void> {
  const source = await stage.readyDevice();
  const { realm, session } = source;
  const target = await stage.device();
  realm.write(() => {
    for (const id of [1, 2, 3]) realm.create("Dog", { ...dog(id), name: `dog ${id}` });
  });
  session.pause();
  realm.write(() => realm.create("Dog", { ...dog(4), name: "not uploaded" }));
  const refusal = await stage.rejection(copied(target, source, "early"), "a copy with what was not uploaded");
  stage.check(
    refusal.message.includes("All client changes must be integrated in server before writing copy"),
    refusal.message,
  );
  session.resume();
  stage.equal(await session.waitUp(), "done", "upload");
  stage.equal(await session.waitDown(), "done", "download");
  await copied(target, source, "copy", key);
  await stage.rejection(copied(target, source, "copy", key), "a copy where a file is");

  // What the copy does not know when another device opens it.
  realm.write(() => {
    realm.delete("Dog", 1);
    realm.find("Dog", 2)?.set("name", "renamed");
    realm.create("Dog", { ...dog(5), name: "later" });
  });
  stage.equal(await session.waitUp(), "done", "upload of what came later");
  const copy = await target.open({ path: "copy", encryptionKey: key });
  const theirs = stage.session(copy);
  stage.equal(await theirs.waitDown(), "done", "download of the copy");
  await stage.eventually(() => JSON.stringify(copy.keys("Dog")) === "[2,3,4,5]", "the copy has what came later");
  stage.equal(copy.find("Dog", 2)?.get("name") ?? null, "renamed", "a change that came later");
  copy.write(() => copy.create("Dog", { ...dog(6), name: "of the copy" }));
  stage.equal(await theirs.waitUp(), "done", "upload of the copy");
  await stage.eventually(
    () => JSON.stringify(realm.keys("Dog")) === "[2,3,4,5,6]",
    "the source has what the copy wrote",
  );

  await localCopies(stage, target, source);
}

async function localCopies(stage: Stage, target: Device, source: ReadyDevice): Promise<void> {
  const { user, directory } = target;
  const opening = { directory, models: [dogModel] };
  user.copyHere?.(source.realm, { name: "local", directory, isSynced: false });
  const local = await stage.adapter.openLocal(opening);
  try {
    stage.equal(local.keys("Dog"), [2, 3, 4, 5, 6], "dogs of the local copy");
    local.write(() => local.delete("Dog", 2));
    await stage.rejection(
      (async () => user.copyHere?.(local, { name: "synced", directory, isSynced: true }))(),
      "a synced copy of a local realm",
    );
    user.copyHere?.(local, { name: "encrypted", directory, isSynced: false, encryptionKey: otherKey });
  } finally {
    local.close();
  }
  const second = await stage.adapter.openLocal({ ...opening, name: "encrypted", encryptionKey: otherKey });
  stage.equal(second.keys("Dog"), [3, 4, 5, 6], "dogs of the encrypted copy");
  second.close();
}

async function copied(target: Device, source: ReadyDevice, name: string, encryptionKey?: Uint8Array): Promise<void> {
  if (target.user.copyHere === undefined) throw new Error("the facade copies no realms");
  const options = encryptionKey === undefined ? {} : { encryptionKey };
  target.user.copyHere(source.realm, { name, directory: target.directory, isSynced: true, ...options });
}
