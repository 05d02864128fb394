/** Writes without a connection; what was written is uploaded when there is one. */

import Realm from "@tidemark/node";
import { summariesOf, Task, tasksOf } from "./tasks.js";

export async function offlineEdit(
  baseUrl: string,
  appId: string,
  directory: string,
): Promise<{ offline: string[]; connection: string[] }> {
  const app = new Realm.App({ id: appId, baseUrl, baseFilePath: directory });
  const user = await app.logIn(Realm.Credentials.anonymous());
  const realm = await Realm.open(tasksOf(user));

  // #region offline-edit
  const connection: string[] = [];
  realm.syncSession?.addConnectionNotification((newState) => void connection.push(newState));

  realm.syncSession?.pause(); // as if the train went into a tunnel
  realm.write(() => realm.create(Task, { owner_id: user.id, summary: "Written in the train" }));
  const offline = summariesOf(realm); // it is there at once

  realm.syncSession?.resume();
  await realm.syncSession?.uploadAllLocalChanges(30_000); // rejects if it takes longer; the upload goes on
  // #endregion

  realm.close();
  return { offline, connection };
}
