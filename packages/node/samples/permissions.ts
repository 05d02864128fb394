/** Two users of an app whose rules let everybody see and change their own tasks alone. */

import Realm, { CompensatingWriteError } from "@tidemark/node";
import { summariesOf, Task, tasksOf } from "./tasks.js";

export async function permissions(
  baseUrl: string,
  appId: string,
  directory: string,
): Promise<{ seen: string[]; refused: string[]; left: string[] }> {
  const app = new Realm.App({ id: appId, baseUrl, baseFilePath: directory });
  const [ann, bob] = [await register(app, "ann@example.com"), await register(app, "bob@example.com")];

  const hers = await Realm.open(tasksOf(ann));
  hers.write(() => hers.create(Task, { owner_id: ann.id, summary: "Ann's" }));
  await hers.syncSession?.uploadAllLocalChanges();

  // #region permissions
  const refused: string[] = [];
  const his = await Realm.open(
    tasksOf(bob, {
      onError: (_session, error) => {
        if (error instanceof CompensatingWriteError) refused.push(...error.writes.map(({ reason }) => reason));
      },
    }),
  );
  his.write(() => his.create(Task, { owner_id: bob.id, summary: "Bob's" }));
  const seen = summariesOf(his); // Ann's is not there, though he subscribes to all tasks

  his.write(() => his.create(Task, { owner_id: ann.id, summary: "Forged" })); // there until the server has seen it
  await his.syncSession?.uploadAllLocalChanges();
  await his.syncSession?.downloadAllServerChanges(); // with it comes what undoes the write
  const left = summariesOf(his);
  // #endregion

  hers.close();
  his.close();
  return { seen, refused, left };
}

async function register(app: Realm.App, email: string): Promise<Realm.User> {
  const credentials = { email, password: "long enough" };
  await app.emailPasswordAuth.registerUser(credentials);
  return app.logIn(Realm.Credentials.emailPassword(credentials));
}
