/** Shows how far an upload and a download are. */

import { App, AppConfiguration, Credentials, Direction, ProgressMode, Realm } from "@tidemark/kotlin";
import { newTask, Task, tasksOf } from "./tasks.js";

const taskCount = 200;

export async function progressBar(
  baseUrl: string,
  appId: string,
  directory: string,
  show: (direction: "upload" | "download", fraction: number) => void,
): Promise<number> {
  const app = App.create(new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(directory).build());
  const user = await app.login(Credentials.anonymous());
  const realm = await Realm.open(tasksOf(user).waitForInitialRemoteData().build());
  realm.syncSession.pause();
  for (let number = 1; number <= taskCount; number += 1) {
    realm.writeBlocking((tx) => tx.copyToRealm(newTask(user, `Task ${number}`)));
  }

  // #region upload
  const upload = realm.syncSession.progressAsFlow(Direction.UPLOAD, ProgressMode.CURRENT_CHANGES);
  const uploaded = upload.collect(({ estimate }) => show("upload", estimate));
  realm.syncSession.resume();
  await uploaded; // the flow completes at 1
  // #endregion
  realm.close();

  // #region download
  // Another file of the same user, which has everything to download:
  const copy = Realm.open(tasksOf(user).name("another-device.realm").build());
  const download = copy.syncSession.progressAsFlow(Direction.DOWNLOAD, ProgressMode.CURRENT_CHANGES);
  await download.collect(({ estimate }) => show("download", estimate));
  await copy.syncSession.downloadAllServerChanges(); // what has arrived is in the realm now
  // #endregion
  const count = copy.query(Task).count().find();
  copy.close();
  app.close();
  return count;
}
