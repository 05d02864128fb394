/**
 * What a configuration says of the classes of a file, for opening it.
 *
 * @module
 */

import type { OpenOptions, RealmFile } from "@tidemark/engine";
import type { Configuration } from "./configuration.js";
import type { Realm } from "./realm.js";

/** Makes a realm over a file that is open. */
export type RealmOver = (configuration: Configuration, file: RealmFile) => Realm;

/** How the version and a migration are to be dealt with. */
export function schemaOptions(
  configuration: Configuration,
  path: string,
  realmOver: RealmOver,
): Pick<OpenOptions, "schemaVersion" | "schemaMode" | "onMigration" | "resolvesEmbedded"> {
  const { schema, schemaVersion = 0, deleteRealmIfMigrationNeeded, onMigration, migrationOptions } = configuration;
  return {
    schemaVersion: schema === undefined ? undefined : schemaVersion,
    schemaMode: deleteRealmIfMigrationNeeded === true ? "soft-reset" : undefined,
    resolvesEmbedded: migrationOptions?.resolveEmbeddedConstraints,
    onMigration:
      onMigration &&
      (({ before, after }) => {
        const oldRealm = realmOver({ path, readOnly: true }, before);
        const { onMigration: _, onFirstOpen: __, ...rest } = configuration;
        const newRealm = realmOver(rest, after);
        try {
          onMigration(oldRealm, newRealm);
        } finally {
          oldRealm.close();
          newRealm.close();
        }
      }),
  };
}
