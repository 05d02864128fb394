/** Writes without a connection; what was written is uploaded when there is one. */

import * as realm from "@tidemark/cpp";
import { new_task, summaries_of, Task } from "./tasks.js";

export async function offlineEdit(
  base_url: string,
  app_id: string,
  path: string,
): Promise<{ offline: string[]; connection: string[] }> {
  const app = new realm.App({ app_id, base_url, path });
  const user = await app.login(realm.App.credentials.anonymous());
  const db = new realm.db(user.flexible_sync_configuration());
  await db.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));

  // #region offline-edit
  const session = db.get_sync_session(); // undefined if the database is not synced
  const connection: string[] = [];
  const token = session?.observe_connection_change((_old_state, new_state) => connection.push(new_state));

  session?.pause(); // as if the train went into a tunnel
  db.write(() => db.add(new_task(user, "Written in the train")));
  const offline = summaries_of(db); // it is there at once

  session?.resume();
  const upload = session?.wait_for_upload_completion();
  if ((await upload?.wait_for(30_000)) === realm.future_status.timeout) throw new Error("still uploading; it goes on");
  // #endregion

  if (token !== undefined) session?.unregister_connection_change_observer(token);
  db.close();
  return { offline, connection };
}
