/** Waits for an upload and a download. There is no more to show: realm-cpp has no progress notifications. */

import { join } from "node:path";
import * as realm from "@tidemark/cpp";
import { new_task, Task } from "./tasks.js";

const task_count = 200;

export async function progressBar(
  base_url: string,
  app_id: string,
  path: string,
  show: (direction: "upload" | "download", fraction: number) => void,
): Promise<number> {
  const app = new realm.App({ app_id, base_url, path });
  const user = await app.login(realm.App.credentials.anonymous());
  const db = new realm.db(user.flexible_sync_configuration());
  await db.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));
  db.get_sync_session()?.pause();
  for (let number = 1; number <= task_count; number += 1) db.write(() => db.add(new_task(user, `Task ${number}`)));

  // #region upload
  db.get_sync_session()?.resume();
  await follow(db.get_sync_session()?.wait_for_upload_completion(), (fraction) => show("upload", fraction));
  // #endregion
  db.close();

  // #region download
  // Another file of the same user, which has everything to download:
  const config = user.flexible_sync_configuration();
  config.set_path(join(path, "another-device.realm"));
  const copy = new realm.db(config);
  const downloaded = copy.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));
  await follow(downloaded, (fraction) => show("download", fraction));
  // #endregion
  const count = copy.objects(Task).size();
  copy.close();
  return count;
}

// #region follow
/** Shows 0 while a future is waited for, again and again, and 1 when it is ready. */
async function follow(done: realm.future<unknown> | undefined, show: (fraction: number) => void): Promise<void> {
  do show(0);
  while ((await done?.wait_for(100)) === realm.future_status.timeout);
  await done?.get(); // throws what went wrong
  show(1);
}
// #endregion
