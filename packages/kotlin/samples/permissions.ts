/** Two users of an app whose rules let everybody see and change their own tasks alone. */

import { App, AppConfiguration, CompensatingWriteException, Credentials, Realm, type User } from "@tidemark/kotlin";
import { newTask, summariesOf, tasksOf } from "./tasks.js";

export async function permissions(
  baseUrl: string,
  appId: string,
  directory: string,
): Promise<{ seen: string[]; refused: string[]; left: string[] }> {
  const app = App.create(new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(directory).build());
  const [ann, bob] = [await register(app, "ann@example.com"), await register(app, "bob@example.com")];

  const hers = await Realm.open(tasksOf(ann).waitForInitialRemoteData().build());
  await hers.write((tx) => tx.copyToRealm(newTask(ann, "Ann's")));
  await hers.syncSession.uploadAllLocalChanges();

  // #region permissions
  const refused: string[] = [];
  const configuration = tasksOf(bob)
    .errorHandler((_session, error) => {
      if (error instanceof CompensatingWriteException) refused.push(...error.writes.map(({ reason }) => reason));
    })
    .waitForInitialRemoteData()
    .build();
  const his = await Realm.open(configuration);
  await his.write((tx) => tx.copyToRealm(newTask(bob, "Bob's")));
  const seen = summariesOf(his); // Ann's is not there, though he subscribes to all tasks

  await his.write((tx) => tx.copyToRealm(newTask(ann, "Forged"))); // there until the server has seen it
  await his.syncSession.uploadAllLocalChanges();
  await his.syncSession.downloadAllServerChanges(); // with it comes what undoes the write
  const left = summariesOf(his);
  // #endregion

  hers.close();
  his.close();
  app.close();
  return { seen, refused, left };
}

async function register(app: App, email: string): Promise<User> {
  const password = "long enough";
  await app.emailPasswordAuth.registerUser(email, password);
  return app.login(Credentials.emailPassword(email, password));
}
