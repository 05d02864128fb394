import { type DependencyList, useEffect, useMemo, useReducer, useState } from "react";
import Realm from "realm";

/** The user who is logged in; the component is drawn again when that changes. */
export function useUser(app: Realm.App): Realm.User | null {
  const [user, setUser] = useState<Realm.User | null>(app.currentUser);
  useEffect(() => {
    const update = () => setUser(app.currentUser);
    app.addListener(update);
    return () => app.removeListener(update);
  }, [app]);
  return user;
}

/** The user's realm once it is open. It is closed when the component goes. */
export function useUserRealm(user: Realm.User, schema: Realm.Configuration["schema"]): Realm | null {
  const [realm, setRealm] = useState<Realm | null>(null);
  useEffect(() => {
    let isGone = false;
    let opened: Realm | undefined;
    const opening = Realm.open({
      schema,
      sync: {
        user,
        flexible: true,
        existingRealmFileBehavior: { type: Realm.OpenRealmBehaviorType.OpenImmediately },
      },
    });
    const take = async () => {
      opened = await opening;
      if (isGone) opened.close();
      else setRealm(opened);
    };
    take().catch((error: unknown) => {
      if (!isGone) console.error(error);
    });
    return () => {
      isGone = true;
      opening.cancel();
      opened?.close();
      setRealm(null);
    };
  }, [user, schema]);
  return realm;
}

/** Live results: the component is drawn again when they change. */
export function useResults<T>(query: () => Realm.Results<T>, dependencies: DependencyList): Realm.Results<T> {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const results = useMemo(query, dependencies);
  useEffect(() => {
    const listener: Realm.CollectionChangeCallback<T> = () => redraw();
    results.addListener(listener);
    return () => results.removeListener(listener);
  }, [results]);
  return results;
}

/** State of the realm's connection. */
export function useConnectionState(realm: Realm): Realm.ConnectionState {
  const session = realm.syncSession;
  const [state, setState] = useState<Realm.ConnectionState>(session?.connectionState ?? "disconnected");
  useEffect(() => {
    if (!session) return undefined;
    const listener = (newState: Realm.ConnectionState) => setState(newState);
    session.addConnectionNotification(listener);
    setState(session.connectionState);
    return () => session.removeConnectionNotification(listener);
  }, [session]);
  return state;
}

/** How much of what was written here is uploaded, from 0 to 1. */
export function useUploadProgress(realm: Realm): number {
  const session = realm.syncSession;
  const [estimate, setEstimate] = useState(1);
  useEffect(() => {
    if (!session) return undefined;
    const listener = (progress: number) => setEstimate(progress);
    session.addProgressNotification(Realm.ProgressDirection.Upload, Realm.ProgressMode.ReportIndefinitely, listener);
    return () => session.removeProgressNotification(listener);
  }, [session]);
  return estimate;
}
