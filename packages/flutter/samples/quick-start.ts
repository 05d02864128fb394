/** Logs in, opens a synced realm, follows a query, and writes. */

// #region quick-start
import { App, AppConfiguration, Configuration, Credentials, Realm } from "@tidemark/flutter";
import { newTask, Task } from "./tasks.js";

export async function quickStart(
  baseUrl: string, // http://127.0.0.1:9090
  appId: string,
  directory: string,
  show: (summaries: string[]) => void,
): Promise<void> {
  const app = new App(new AppConfiguration(appId, { baseUrl, baseFilePath: directory }));
  const user = await app.logIn(Credentials.anonymous());
  const realm = new Realm(Configuration.flexibleSync(user, [Task.schema]));
  await realm.all(Task).subscribe({ name: "tasks" });

  const open = realm.query(Task, "is_done == $0 SORT(summary ASC)", [false]);
  const subscription = open.changes.listen(({ results }) => show(results.map(({ summary }) => summary)));

  const call = newTask(user, "Call Ann");
  realm.write(() => realm.addAll([newTask(user, "Buy milk"), call]));
  realm.write(() => {
    call.isDone = true; // the object has become the realm's
  });
  await realm.syncSession.waitForUpload();
  await subscription.cancel();
  realm.close();
}
// #endregion
