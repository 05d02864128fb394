/** Models that link to others. */

import {
  backlinks,
  list,
  object,
  objectId,
  type ObjectId,
  primaryKey,
  RealmObject,
  realmObject,
  type RealmResults,
  realmSchema,
  set,
  string,
} from "@tidemark/kotlin";

// #region linked-models
export class Project extends realmObject("Project", {
  _id: primaryKey(objectId()),
  name: string(),
  labels: set(string()),
  lead: object(() => Person),
  members: list(() => Person),
}) {}

/** This one and {@link Project} refer to each other: it declares its fields itself, and the compiler checks them. */
export class Person extends RealmObject {
  static readonly schema = realmSchema("Person", {
    _id: primaryKey(objectId()),
    name: string(),
    leads: backlinks<Project>("Project", "lead"),
  });
  declare _id: ObjectId;
  declare name: string;
  declare leads: RealmResults<Project>;
}
// #endregion
