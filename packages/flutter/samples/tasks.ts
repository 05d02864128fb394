/** What the samples store, and how they look at it. */

// #region tasks
import { bool, objectId, ObjectId, type Realm, RealmObject, SchemaObject, string, type User } from "@tidemark/flutter";

export class Task extends RealmObject.of(
  SchemaObject("Task", {
    id: objectId().primaryKey().mapTo("_id"),
    ownerId: string().mapTo("owner_id"),
    summary: string(),
    isDone: bool().mapTo("is_done").defaultsTo(false),
  }),
) {}

/** A task that is in no realm yet. */
export function newTask(owner: User, summary: string): Task {
  return new Task({ id: new ObjectId(), ownerId: owner.id, summary });
}

/** The summaries of all tasks, in order. */
export function summariesOf(realm: Realm): string[] {
  return realm.query(Task, "TRUEPREDICATE SORT(summary ASC)").map(({ summary }) => summary);
}
// #endregion
