/** Shows how far an upload and a download are. */

import { join } from "node:path";
import Realm from "@tidemark/node";
import { Task, tasksOf } from "./tasks.js";

const taskCount = 200;

export async function progressBar(
  baseUrl: string,
  appId: string,
  directory: string,
  show: (direction: "upload" | "download", fraction: number) => void,
): Promise<number> {
  const app = new Realm.App({ id: appId, baseUrl, baseFilePath: directory });
  const user = await app.logIn(Realm.Credentials.anonymous());
  const realm = await Realm.open(tasksOf(user));
  realm.syncSession?.pause();
  for (let number = 1; number <= taskCount; number += 1) {
    realm.write(() => realm.create(Task, { owner_id: user.id, summary: `Task ${number}` }));
  }

  // #region upload
  const uploaded = transferred(realm, "upload", (fraction) => show("upload", fraction));
  realm.syncSession?.resume();
  await uploaded;
  // #endregion
  realm.close();

  // #region download
  // Another file of the same user, which has everything to download:
  const copy = new Realm({ ...tasksOf(user), path: join(directory, "another-device.realm") });
  await transferred(copy, "download", (fraction) => show("download", fraction));
  await copy.syncSession?.downloadAllServerChanges(); // what has arrived is in the realm now
  // #endregion
  const { length } = copy.objects(Task);
  copy.close();
  return length;
}

// #region follow
/** Shows how far what is outstanding now has come, from 0 to 1, until it is there. */
function transferred(realm: Realm, direction: "upload" | "download", show: (fraction: number) => void): Promise<void> {
  return new Promise((resolve) => {
    const onProgress = (estimate: number): void => {
      show(estimate);
      if (estimate >= 1) resolve();
    };
    realm.syncSession?.addProgressNotification(direction, "forCurrentlyOutstandingWork", onProgress);
  });
}
// #endregion
