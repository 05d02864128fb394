/** Writes without a connection; what was written is uploaded when there is one. */

import { App, AppConfiguration, Configuration, Credentials, Realm, TimeoutCancellationToken } from "@tidemark/flutter";
import { newTask, summariesOf, Task } from "./tasks.js";

export async function offlineEdit(
  baseUrl: string,
  appId: string,
  directory: string,
): Promise<{ offline: string[]; connection: string[] }> {
  const app = new App(new AppConfiguration(appId, { baseUrl, baseFilePath: directory }));
  const user = await app.logIn(Credentials.anonymous());
  const realm = new Realm(Configuration.flexibleSync(user, [Task.schema]));
  await realm.all(Task).subscribe({ name: "tasks" });

  // #region offline-edit
  const connection: string[] = [];
  const subscription = realm.syncSession.connectionStateChanges.listen(({ current }) => void connection.push(current));

  realm.syncSession.pause(); // as if the train went into a tunnel
  realm.write(() => realm.add(newTask(user, "Written in the train")));
  const offline = summariesOf(realm); // it is there at once

  realm.syncSession.resume();
  await realm.syncSession.waitForUpload(new TimeoutCancellationToken({ seconds: 30 })); // ends the wait, not the upload
  // #endregion

  await subscription.cancel();
  realm.close();
  return { offline, connection };
}
