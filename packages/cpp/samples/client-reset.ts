/** A device goes on after the server has lost what the device relies on. */

import * as realm from "@tidemark/cpp";
import { new_task, summaries_of, Task } from "./tasks.js";

export async function clientReset(
  base_url: string,
  app_id: string,
  path: string,
  while_offline: () => Promise<void>,
): Promise<{ before: string[]; after: string[]; tasks: string[] }> {
  const app = new realm.App({ app_id, base_url, path });
  const user = await app.login(realm.App.credentials.anonymous());

  // #region client-reset
  let before: string[] = [];
  let after: string[] = [];
  const config = user.flexible_sync_configuration();
  config.set_client_reset_handler(
    realm.client_reset.recover_unsynced_changes(
      (local) => {
        before = summaries_of(local); // the file as it is, frozen
      },
      (_local, remote) => {
        after = summaries_of(remote); // what the server has, with what was not uploaded on top; may be written to
      },
    ),
  );
  const db = new realm.db(config);
  await db.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));
  const session = db.get_sync_session();
  db.write(() => db.add(new_task(user, "Uploaded")));
  await session?.wait_for_upload_completion();

  session?.pause();
  db.write(() => db.add(new_task(user, "Written offline")));
  await while_offline(); // a backup of the server is restored that knows nothing of this file

  session?.resume();
  await session?.wait_for_upload_completion(); // waits until the reset is through, and all is uploaded again
  // #endregion

  const tasks = summaries_of(db);
  db.close();
  return { before, after, tasks };
}
