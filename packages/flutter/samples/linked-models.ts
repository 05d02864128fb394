/** Classes that link to each other. */

import {
  list,
  object,
  objectId,
  type ObjectId,
  type RealmList,
  RealmObject,
  SchemaObject,
  string,
} from "@tidemark/flutter";

// #region linked-models
export class Person extends RealmObject {
  static schema = SchemaObject("Person", {
    id: objectId().primaryKey().mapTo("_id"),
    name: string(),
    friends: list(object<Person>("Person")),
  });
  declare readonly id: ObjectId;
  declare name: string;
  declare readonly friends: RealmList<Person>;
}
// #endregion
