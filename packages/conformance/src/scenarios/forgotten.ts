/**
 * Devices that know of something that the server has forgotten.
 *
 * @module
 */

import type { OpenOptions } from "../adapter.js";
import { dog, type ReadyDevice, type Stage } from "../harness/stage.js";

/** A paused device that holds dogs 1 and 2, of which the server has forgotten the second, and wrote dog 3 offline. */
export async function forgottenDevice(stage: Stage, options: Partial<OpenOptions>): Promise<ReadyDevice> {
  const device = await stage.readyDevice(options);
  const { realm, session } = device;
  realm.write(() => realm.create("Dog", dog(1)));
  await session.waitUp();
  await stage.forget(async () => {
    realm.write(() => realm.create("Dog", dog(2)));
    await session.waitUp();
    session.pause();
  });
  realm.write(() => realm.create("Dog", dog(3)));
  return device;
}
