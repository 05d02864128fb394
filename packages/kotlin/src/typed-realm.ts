/**
 * What can be read: realms, one version of a realm, and realms inside of write transactions.
 *
 * @module
 */

import { Results } from "@tidemark/engine";
import { type Binding, type Owner, requireUsable, scopeOf } from "./binding.js";
import type { Configuration } from "./configuration/configuration.js";
import type { BaseRealmObject } from "./data/object.js";
import { originOf, type QueryOrigin, RealmQuery } from "./data/query.js";
import { call, IllegalArgumentException } from "./errors.js";
import type { ModelClass } from "./schema/model.js";
import { RealmSchema } from "./schema/realm-schema.js";

/** What can be read. */
export interface TypedRealm {
  /** What the realm was opened with. */
  readonly configuration: Configuration;
  /** The models. */
  schema(): RealmSchema;
  /** Version of the schema that the configuration says. */
  schemaVersion(): number;
  /**
   * Queries the objects of a model.
   *
   * @param filter in Realm Query Language, with `$0`, `$1`, … for the arguments; all objects by default.
   * @throws {@link IllegalArgumentException} if it cannot be understood, or the model is not one of this realm.
   */
  query<T extends BaseRealmObject>(type: ModelClass<T>, filter?: string, ...args: readonly unknown[]): RealmQuery<T>;
}

/** A query of the objects of a model, asked where the origin says and checked at once. */
export function queryOf<T extends BaseRealmObject>(
  origin: QueryOrigin,
  owner: Pick<Owner, "file">,
  type: ModelClass<T>,
  filter: string,
  args: readonly unknown[],
): RealmQuery<T> {
  const { database } = owner.file;
  const { name } = type.schema;
  const layout = database.layout(name);
  if (layout === undefined) throw new IllegalArgumentException(`Schema does not contain a class named '${name}'`);
  if (layout.kind !== "top") {
    throw new IllegalArgumentException(`Objects of ${layout.kind} classes cannot be queried: '${name}'`);
  }
  const all = call(() => new Results(database, layout, { kind: "class" }, []));
  return RealmQuery.over<T>(origin, all).query(filter, ...args);
}

/** One version of a realm, for the callback that it is given to. */
export class FrozenRealm implements TypedRealm {
  readonly configuration: Configuration;
  readonly #binding: Binding;

  /** @internal */
  constructor(configuration: Configuration, binding: Binding) {
    this.configuration = configuration;
    this.#binding = binding;
  }

  schema(): RealmSchema {
    return new RealmSchema(this.#binding.file.database.visibleLayouts);
  }

  schemaVersion(): number {
    return this.configuration.schemaVersion;
  }

  query<T extends BaseRealmObject>(
    type: ModelClass<T>,
    filter: string = "TRUEPREDICATE",
    ...args: readonly unknown[]
  ): RealmQuery<T> {
    requireUsable(this.#binding);
    return queryOf(originOf(this.#binding), this.#binding, type, filter, args);
  }

  /** @internal */
  end(): void {
    scopeOf(this.#binding).isOver = true;
    this.#binding.file.close();
  }
}
