/** Logs in, opens a synced realm, follows a query, and writes. */

// #region quick-start
import Realm from "@tidemark/node";
import { Task } from "./tasks.js";

export async function quickStart(
  baseUrl: string, // http://127.0.0.1:9090
  appId: string,
  directory: string,
  show: (summaries: string[]) => void,
): Promise<void> {
  const app = new Realm.App({ id: appId, baseUrl, baseFilePath: directory });
  const user = await app.logIn(Realm.Credentials.anonymous());
  const realm = await Realm.open({
    schema: [Task],
    sync: {
      user,
      flexible: true,
      initialSubscriptions: {
        update: (subscriptions, opening) => {
          subscriptions.add(opening.objects(Task), { name: "tasks" });
        },
      },
    },
  });

  const open = realm.objects(Task).filtered("is_done == false").sorted("summary");
  open.addListener((tasks) => show(tasks.map(({ summary }) => summary)));

  const call = realm.write(() => {
    realm.create(Task, { owner_id: user.id, summary: "Buy milk" });
    return realm.create(Task, { owner_id: user.id, summary: "Call Ann" });
  });
  realm.write(() => {
    call.is_done = true;
  });
  await realm.syncSession?.uploadAllLocalChanges();
  realm.close();
}
// #endregion
