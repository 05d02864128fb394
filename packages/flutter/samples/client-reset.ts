/** A device goes on after the server has lost what the device relies on. */

import {
  App,
  AppConfiguration,
  Configuration,
  Credentials,
  Realm,
  RecoverUnsyncedChangesHandler,
} from "@tidemark/flutter";
import { newTask, summariesOf, Task } from "./tasks.js";

export async function clientReset(
  baseUrl: string,
  appId: string,
  directory: string,
  whileOffline: () => Promise<void>,
): Promise<{ before: string[]; after: string[]; tasks: string[] }> {
  const app = new App(new AppConfiguration(appId, { baseUrl, baseFilePath: directory }));
  const user = await app.logIn(Credentials.anonymous());

  // #region client-reset
  let before: string[] = [];
  let after: string[] = [];
  const clientResetHandler = new RecoverUnsyncedChangesHandler({
    onBeforeReset: (beforeRealm) => {
      before = summariesOf(beforeRealm); // the file as it is, frozen
    },
    onAfterReset: (_beforeRealm, afterRealm) => {
      after = summariesOf(afterRealm); // what the server has, with what was not uploaded on top; may be written to
    },
    onManualResetFallback: (error) => {
      // It could not be done: the file is set aside, and the next opening downloads everything.
      realm.close();
      error.resetRealm();
    },
  });
  const realm = new Realm(Configuration.flexibleSync(user, [Task.schema], { clientResetHandler }));
  await realm.all(Task).subscribe({ name: "tasks" });
  realm.write(() => realm.add(newTask(user, "Uploaded")));
  await realm.syncSession.waitForUpload();

  realm.syncSession.pause();
  realm.write(() => realm.add(newTask(user, "Written offline")));
  await whileOffline(); // a backup of the server is restored that knows nothing of this file

  realm.syncSession.resume();
  await realm.syncSession.waitForUpload(); // waits until the reset is through, and all is uploaded again
  // #endregion

  const tasks = summariesOf(realm);
  realm.close();
  return { before, after, tasks };
}
