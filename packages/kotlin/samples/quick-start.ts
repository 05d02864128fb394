/** Logs in, opens a synced realm, follows a query, and writes. */

// #region quick-start
import { App, AppConfiguration, Credentials, Realm, SyncConfiguration } from "@tidemark/kotlin";
import { newTask, Task } from "./tasks.js";

export async function quickStart(
  baseUrl: string, // http://127.0.0.1:9090
  appId: string,
  directory: string,
  show: (summaries: string[]) => void,
): Promise<void> {
  const app = App.create(new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(directory).build());
  const user = await app.login(Credentials.anonymous());
  const configuration = new SyncConfiguration.Builder(user, [Task])
    .initialSubscriptions((subscriptions, opening) => {
      subscriptions.add(opening.query(Task), "tasks");
    })
    .waitForInitialRemoteData()
    .build();
  const realm = await Realm.open(configuration);

  const open = realm.query(Task, "is_done == false").sort("summary");
  const following = open.asFlow().collect(({ list }) => show(list.map(({ summary }) => summary)));

  const call = await realm.write((tx) => {
    tx.copyToRealm(newTask(user, "Buy milk"));
    return tx.copyToRealm(newTask(user, "Call Ann"));
  });
  await realm.write((tx) => {
    const latest = tx.findLatest(call); // what is read outside of a transaction is frozen
    if (latest !== null) latest.is_done = true;
  });
  await realm.syncSession.uploadAllLocalChanges();
  realm.close();
  await following; // the flow ends with the realm
  app.close();
}
// #endregion
