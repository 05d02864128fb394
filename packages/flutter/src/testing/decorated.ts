/**
 * Classes with decorators. Only the compiler's output of this file can run.
 *
 * @module
 */

import { Configuration } from "../configuration.js";
import type { RealmList } from "../data/list.js";
import { EmbeddedObject, RealmObject } from "../data/object.js";
import { Persisted, RealmModel } from "../model/decorators.js";
import { int, list, object, string } from "../model/property.js";
import { ObjectType, type SchemaObject } from "../model/schema.js";
import { Realm } from "../realm.js";

@RealmModel("Place", { baseType: ObjectType.embeddedObject })
class Home extends EmbeddedObject {
  declare static schema: SchemaObject;
  @Persisted(string()) accessor street!: string;
}

@RealmModel()
class Person extends RealmObject {
  declare static schema: SchemaObject;
  @Persisted(int().primaryKey().mapTo("_id")) accessor id!: number;
  @Persisted(string()) accessor name = "nobody";
  @Persisted(string().optional()) accessor note!: string | null;
  @Persisted(list(object<Person>("Person"))) accessor friends!: RealmList<Person>;
  @Persisted(object(() => Home)) accessor home!: Home | null;
  /** The program's own. */
  visits = 0;

  constructor(id: number, values: { readonly name?: string; readonly home?: Home } = {}) {
    super({ id, ...values });
  }
}

/** Writes and reads objects of both classes; what is read comes back as texts. */
export function useDecorated(path: string): string[] {
  const realm = new Realm(Configuration.inMemory([Person, Home], { path }));
  try {
    const ada = new Person(1, { name: "Ada", home: new Home({ street: "here" }) });
    const other = new Person(2);
    other.friends.add(ada);
    other.note = "new";
    realm.write(() => realm.add(other));
    return realm.query(Person, "TRUEPREDICATE SORT(_id ASC)").map((person) => {
      const friends = person.friends.map(({ id }) => id).join();
      return `${person.id} ${person.name} ${person.note} [${friends}] ${person.home?.street} ${person instanceof Person}`;
    });
  } finally {
    realm.close();
  }
}
