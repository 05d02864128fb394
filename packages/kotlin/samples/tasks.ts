/** What the samples store, and how they open it. */

// #region tasks
import {
  boolean,
  objectId,
  primaryKey,
  realmObject,
  string,
  SyncConfiguration,
  type SyncConfigurationBuilder,
  type TypedRealm,
  type User,
} from "@tidemark/kotlin";

export class Task extends realmObject("Task", {
  _id: primaryKey(objectId()),
  owner_id: string(),
  summary: string(),
  is_done: boolean(),
}) {}

/** A task that is not stored yet. */
export function newTask(owner: User, summary: string): Task {
  return new Task().apply((task) => {
    task.owner_id = owner.id;
    task.summary = summary;
  });
}

/** A configuration for the tasks that a user may see. */
export function tasksOf(user: User): SyncConfigurationBuilder<false> {
  return new SyncConfiguration.Builder(user, [Task]).initialSubscriptions((subscriptions, realm) => {
    subscriptions.add(realm.query(Task), "tasks");
  });
}

/** The summaries of all tasks, in order. */
export function summariesOf(realm: TypedRealm): string[] {
  return realm
    .query(Task)
    .sort("summary")
    .find()
    .map(({ summary }) => summary);
}
// #endregion
