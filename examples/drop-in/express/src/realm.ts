import Realm, { CompensatingWriteError, type SyncError } from "realm";
import { Project, Step, Task } from "./models.js";

function onError(session: Realm.SyncSession, error: SyncError): void {
  console.error(`sync of ${session.user.id}: ${error.name} ${error.code}: ${error.message}`);
  if (error instanceof CompensatingWriteError) {
    for (const { objectName, primaryKey, reason } of error.writes) console.error(objectName, primaryKey, reason);
  }
}

const clientReset: Realm.ClientResetConfig = {
  mode: Realm.ClientResetMode.RecoverOrDiscardUnsyncedChanges,
  onBefore: (local: Realm) => console.log(`client reset of ${local.path}`),
  onAfter: (before: Realm, after: Realm) => {
    console.log(`client reset: ${before.objects(Task).length} tasks before, ${after.objects(Task).length} after`);
  },
  onFallback: (session: Realm.SyncSession, path: string) => console.error(`client reset failed: ${path}`),
};

export async function openRealm(id: string, baseUrl: string): Promise<Realm> {
  const app = new Realm.App({ id, baseUrl, timeout: 10_000 });
  const user = app.currentUser ?? (await app.logIn(Realm.Credentials.anonymous()));
  const sync: Realm.FlexibleSyncConfiguration = {
    user,
    flexible: true,
    initialSubscriptions: {
      update: (subs, realm) => {
        subs.add(realm.objects(Task), { name: "tasks" });
        subs.add(realm.objects(Project), { name: "projects" });
      },
      rerunOnOpen: true,
    },
    newRealmFileBehavior: {
      type: Realm.OpenRealmBehaviorType.DownloadBeforeOpen,
      timeOut: 20_000,
      timeOutBehavior: Realm.OpenRealmTimeOutBehavior.ThrowException,
    },
    existingRealmFileBehavior: { type: Realm.OpenRealmBehaviorType.OpenImmediately },
    clientReset,
    onError,
  };
  return Realm.open({ schema: [Task, Project, Step], sync });
}
