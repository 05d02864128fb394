/** What the samples store, and how they look at it. */

// #region tasks
import * as realm from "@tidemark/cpp";

export const Task = realm.schema("Task", {
  _id: realm.primary_key(realm.object_id),
  owner_id: realm.string,
  summary: realm.string,
  is_done: realm.bool,
});
export type Task = realm.struct<typeof Task>;

/** A task that is in no database yet. */
export function new_task(owner: realm.user, summary: string): realm.unmanaged<Task> {
  return Task({ _id: realm.object_id.generate(), owner_id: owner.identifier(), summary });
}

/** The summaries of all tasks, in order. */
export function summaries_of(db: realm.db): string[] {
  return Array.from(db.objects(Task).sort("summary", true), ({ summary }) => summary);
}
// #endregion
