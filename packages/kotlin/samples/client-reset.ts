/** A device goes on after the server has lost what the device relies on. */

import { App, AppConfiguration, Credentials, Realm, RecoverUnsyncedChangesStrategy } from "@tidemark/kotlin";
import { newTask, summariesOf, tasksOf } from "./tasks.js";

export async function clientReset(
  baseUrl: string,
  appId: string,
  directory: string,
  whileOffline: () => Promise<void>,
): Promise<{ before: string[]; after: string[]; tasks: string[] }> {
  const app = App.create(new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(directory).build());
  const user = await app.login(Credentials.anonymous());

  // #region client-reset
  let before: string[] = [];
  let after: string[] = [];
  const strategy = new RecoverUnsyncedChangesStrategy({
    onBeforeReset: (realmBefore) => {
      before = summariesOf(realmBefore); // the file as it is
    },
    onAfterReset: (_realmBefore, realmAfter) => {
      after = summariesOf(realmAfter); // what the server has, with what was not uploaded on top, in a transaction
    },
    onManualResetFallback: (_session, exception) => {
      // It could not be done: the file is set aside, and the next opening downloads everything.
      realm.close();
      exception.executeClientReset();
    },
  });
  const configuration = tasksOf(user).syncClientResetStrategy(strategy).waitForInitialRemoteData().build();
  const realm = await Realm.open(configuration);
  await realm.write((tx) => tx.copyToRealm(newTask(user, "Uploaded")));
  await realm.syncSession.uploadAllLocalChanges();

  realm.syncSession.pause();
  await realm.write((tx) => tx.copyToRealm(newTask(user, "Written offline")));
  await whileOffline(); // a backup of the server is restored that knows nothing of this file

  realm.syncSession.resume();
  await realm.syncSession.uploadAllLocalChanges(); // waits until the reset is through, and all is uploaded again
  // #endregion

  const tasks = summariesOf(realm);
  realm.close();
  app.close();
  return { before, after, tasks };
}
