/** What the samples store, and how they open it. */

// #region tasks
import Realm from "@tidemark/node";

export class Task extends Realm.Object<Task, "owner_id" | "summary"> {
  _id!: Realm.BSON.ObjectId;
  owner_id!: string;
  summary!: string;
  is_done!: boolean;

  static schema: Realm.ObjectSchema = {
    name: "Task",
    primaryKey: "_id",
    properties: {
      _id: { type: "objectId", default: () => new Realm.BSON.ObjectId() },
      owner_id: "string",
      summary: "string",
      is_done: { type: "bool", default: false },
    },
  };
}

/** A configuration for the tasks that a user may see. */
export function tasksOf(user: Realm.User, sync: Partial<Realm.FlexibleSyncConfiguration> = {}): Realm.Configuration {
  return {
    schema: [Task],
    sync: {
      user,
      flexible: true,
      initialSubscriptions: {
        update: (subscriptions, realm) => {
          subscriptions.add(realm.objects(Task), { name: "tasks" });
        },
      },
      ...sync,
    },
  };
}

/** The summaries of all tasks, in order. */
export function summariesOf(realm: Realm): string[] {
  return realm
    .objects(Task)
    .sorted("summary")
    .map(({ summary }) => summary);
}
// #endregion
