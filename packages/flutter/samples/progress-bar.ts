/** Shows how far an upload and a download are. */

import { join } from "node:path";
import {
  App,
  AppConfiguration,
  Configuration,
  Credentials,
  ProgressDirection,
  ProgressMode,
  Realm,
  type Stream,
  type SyncProgress,
} from "@tidemark/flutter";
import { newTask, Task } from "./tasks.js";

const taskCount = 200;

export async function progressBar(
  baseUrl: string,
  appId: string,
  directory: string,
  show: (direction: "upload" | "download", fraction: number) => void,
): Promise<number> {
  const app = new App(new AppConfiguration(appId, { baseUrl, baseFilePath: directory }));
  const user = await app.logIn(Credentials.anonymous());
  const realm = new Realm(Configuration.flexibleSync(user, [Task.schema]));
  await realm.all(Task).subscribe({ name: "tasks" });
  realm.syncSession.pause();
  for (let number = 1; number <= taskCount; number += 1) {
    realm.write(() => realm.add(newTask(user, `Task ${number}`)));
  }

  // #region upload
  const { upload, download } = ProgressDirection;
  const mode = ProgressMode.forCurrentlyOutstandingWork;
  const uploaded = follow(realm.syncSession.getProgressStream(upload, mode), (fraction) => show("upload", fraction));
  realm.syncSession.resume();
  await uploaded;
  // #endregion
  realm.close();

  // #region download
  // Another file of the same user, which has everything to download:
  const path = join(directory, "another-device.realm");
  const copy = new Realm(Configuration.flexibleSync(user, [Task.schema], { path }));
  copy.subscriptions.update((subscriptions) => {
    subscriptions.add(copy.all(Task), { name: "tasks" });
  });
  await follow(copy.syncSession.getProgressStream(download, mode), (fraction) => show("download", fraction));
  await copy.syncSession.waitForDownload(); // what has arrived is in the realm now
  // #endregion
  const { length } = copy.all(Task);
  copy.close();
  return length;
}

// #region follow
/** Shows how far a transfer is, from 0 to 1, until it is through. A stream has one listener: here the loop. */
async function follow(stream: Stream<SyncProgress>, show: (fraction: number) => void): Promise<void> {
  for await (const { progressEstimate } of stream) show(progressEstimate);
}
// #endregion
