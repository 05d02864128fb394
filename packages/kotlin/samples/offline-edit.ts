/** Writes without a connection; what was written is uploaded when there is one. */

import { App, AppConfiguration, Credentials, Realm, seconds } from "@tidemark/kotlin";
import { newTask, summariesOf, tasksOf } from "./tasks.js";

export async function offlineEdit(
  baseUrl: string,
  appId: string,
  directory: string,
): Promise<{ offline: string[]; connection: string[] }> {
  const app = App.create(new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(directory).build());
  const user = await app.login(Credentials.anonymous());
  const realm = await Realm.open(tasksOf(user).waitForInitialRemoteData().build());

  // #region offline-edit
  const connection: string[] = [];
  const following = realm.syncSession.connectionStateAsFlow().collect(({ newState }) => void connection.push(newState));

  realm.syncSession.pause(); // as if the train went into a tunnel
  await realm.write((tx) => tx.copyToRealm(newTask(user, "Written in the train")));
  const offline = summariesOf(realm); // it is there at once

  realm.syncSession.resume();
  await realm.syncSession.uploadAllLocalChanges(seconds(30)); // false if it takes longer; the upload goes on
  // #endregion

  realm.close();
  await following; // the flow ends with the realm
  app.close();
  return { offline, connection };
}
