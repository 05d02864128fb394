/** Two users of an app whose rules let everybody see and change their own tasks alone. */

import {
  App,
  AppConfiguration,
  CompensatingWriteError,
  Configuration,
  Credentials,
  Realm,
  type SyncError,
  type User,
} from "@tidemark/flutter";
import { newTask, summariesOf, Task } from "./tasks.js";

export async function permissions(
  baseUrl: string,
  appId: string,
  directory: string,
): Promise<{ seen: string[]; refused: string[]; left: string[] }> {
  const app = new App(new AppConfiguration(appId, { baseUrl, baseFilePath: directory }));
  const [ann, bob] = [await register(app, "ann@example.com"), await register(app, "bob@example.com")];

  const hers = new Realm(Configuration.flexibleSync(ann, [Task.schema]));
  await hers.all(Task).subscribe({ name: "tasks" });
  hers.write(() => hers.add(newTask(ann, "Ann's")));
  await hers.syncSession.waitForUpload();

  // #region permissions
  const refused: string[] = [];
  const syncErrorHandler = (error: SyncError): void => {
    if (!(error instanceof CompensatingWriteError)) return;
    refused.push(...error.compensatingWrites.map(({ reason }) => reason));
  };
  const his = new Realm(Configuration.flexibleSync(bob, [Task.schema], { syncErrorHandler }));
  await his.all(Task).subscribe({ name: "tasks" });
  his.write(() => his.add(newTask(bob, "Bob's")));
  const seen = summariesOf(his); // Ann's is not there, though he subscribes to all tasks

  his.write(() => his.add(newTask(ann, "Forged"))); // there until the server has seen it
  await his.syncSession.waitForUpload();
  await his.syncSession.waitForDownload(); // with it comes what undoes the write
  const left = summariesOf(his);
  // #endregion

  hers.close();
  his.close();
  return { seen, refused, left };
}

async function register(app: App, email: string): Promise<User> {
  const password = "long enough";
  await app.emailPasswordAuthProvider.registerUser(email, password);
  return app.logIn(Credentials.emailPassword(email, password));
}
