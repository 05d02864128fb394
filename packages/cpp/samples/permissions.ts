/** Two users of an app whose rules let everybody see and change their own tasks alone. */

import * as realm from "@tidemark/cpp";
import { new_task, summaries_of, Task } from "./tasks.js";

export async function permissions(
  base_url: string,
  app_id: string,
  path: string,
): Promise<{ seen: string[]; refused: string[]; left: string[] }> {
  const app = new realm.App({ app_id, base_url, path });
  const [ann, bob] = [await register(app, "ann@example.com"), await register(app, "bob@example.com")];

  const hers = new realm.db(ann.flexible_sync_configuration());
  await hers.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));
  hers.write(() => hers.add(new_task(ann, "Ann's")));
  await hers.get_sync_session()?.wait_for_upload_completion();

  // #region permissions
  const refused: string[] = [];
  const config = bob.flexible_sync_configuration();
  config.sync_config().set_error_handler((_session, error) => {
    for (const { reason } of error.compensating_writes_info()) refused.push(reason);
  });
  const his = new realm.db(config);
  await his.subscriptions().update((subscriptions) => subscriptions.add(Task, "tasks"));
  his.write(() => his.add(new_task(bob, "Bob's")));
  const seen = summaries_of(his); // Ann's is not there, though he subscribes to all tasks

  his.write(() => his.add(new_task(ann, "Forged"))); // there until the server has seen it
  await his.get_sync_session()?.wait_for_upload_completion();
  await his.get_sync_session()?.wait_for_download_completion(); // with it comes what undoes the write
  const left = summaries_of(his);
  // #endregion

  hers.close();
  his.close();
  return { seen, refused, left };
}

async function register(app: realm.App, email: string): Promise<realm.user> {
  const password = "long enough";
  await app.register_user(email, password);
  return app.login(realm.App.credentials.username_password(email, password));
}
