/** A device goes on after the server has lost what the device relies on. */

import Realm from "@tidemark/node";
import { summariesOf, Task, tasksOf } from "./tasks.js";

export async function clientReset(
  baseUrl: string,
  appId: string,
  directory: string,
  whileOffline: () => Promise<void>,
): Promise<{ before: string[]; after: string[]; tasks: string[] }> {
  const app = new Realm.App({ id: appId, baseUrl, baseFilePath: directory });
  const user = await app.logIn(Realm.Credentials.anonymous());

  // #region client-reset
  let before: string[] = [];
  let after: string[] = [];
  const reset: Realm.ClientResetConfig = {
    mode: Realm.ClientResetMode.RecoverUnsyncedChanges,
    onBefore: (local) => {
      before = summariesOf(local); // the file as it is, read-only
    },
    onAfter: (_local, remote) => {
      after = summariesOf(remote); // what the server has, with what was not uploaded on top; may be written to
    },
    onFallback: () => {
      // It could not be done: the file is set aside, and the next opening downloads everything.
      realm.close();
      Realm.App.Sync.initiateClientReset(app, realm.path);
    },
  };
  const realm = await Realm.open(tasksOf(user, { clientReset: reset }));
  realm.write(() => realm.create(Task, { owner_id: user.id, summary: "Uploaded" }));
  await realm.syncSession?.uploadAllLocalChanges();

  realm.syncSession?.pause();
  realm.write(() => realm.create(Task, { owner_id: user.id, summary: "Written offline" }));
  await whileOffline(); // a backup of the server is restored that knows nothing of this file

  realm.syncSession?.resume();
  await realm.syncSession?.uploadAllLocalChanges(); // waits until the reset is through, and all is uploaded again
  // #endregion

  const tasks = summariesOf(realm);
  realm.close();
  return { before, after, tasks };
}
