/** Logs in, opens a synced database, observes a query, and writes. */

// #region quick-start
import * as realm from "@tidemark/cpp";
import { new_task, Task } from "./tasks.js";

export async function quickStart(
  base_url: string, // http://127.0.0.1:9090
  app_id: string,
  path: string,
  show: (summaries: string[]) => void,
): Promise<void> {
  const app = new realm.App({ app_id, base_url, path });
  const user = await app.login(realm.App.credentials.anonymous());
  const db = new realm.db(user.flexible_sync_configuration());
  await db.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));

  const open = db
    .objects(Task)
    .where((task) => task.is_done.eq(false))
    .sort("summary", true);
  const token = open.observe(({ collection }) => show(Array.from(collection, ({ summary }) => summary)));

  const call = db.write(() => {
    db.add(new_task(user, "Buy milk"));
    return db.add(new_task(user, "Call Ann"));
  });
  db.write(() => {
    call.is_done = true;
  });
  await db.get_sync_session()?.wait_for_upload_completion();
  token.unregister();
  db.close();
}
// #endregion
