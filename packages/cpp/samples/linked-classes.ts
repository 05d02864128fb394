/** Classes that link to each other. */

import * as realm from "@tidemark/cpp";

// #region linked-classes
export interface Person {
  _id: realm.object_id;
  dogs?: realm.linking<Dog>;
}
export interface Dog {
  _id: realm.object_id;
  owner: realm.pointer<Person>;
}
export const Person: realm.model_of<Person, "_id"> = realm.schema("Person", {
  _id: realm.primary_key(realm.object_id),
  dogs: realm.linking_objects<Dog>("Dog", "owner"),
});
export const Dog: realm.model_of<Dog, "_id"> = realm.schema("Dog", {
  _id: realm.primary_key(realm.object_id),
  owner: realm.link(Person),
});
// #endregion
