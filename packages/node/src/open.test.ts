import { beforeEach, expect, test } from "vitest";
import { App } from "./app/app.js";
import { Credentials } from "./app/credentials.js";
import { Realm } from "./realm.js";
import { type Device, personSchema, subscribeToAll, taskSchema, useServer } from "./testing/synced.js";

const synced = useServer();
let device: Device;
let count = 0;
beforeEach(async () => {
  count += 1;
  device = await synced.device(`open-${count}`);
});

async function fill(): Promise<void> {
  const writer = await (await synced.device(`open-${count}`)).openSubscribed();
  writer.write(() => {
    for (let id = 0; id < 10; id += 1) writer.create("Task", { _id: id, name: `n${id}` });
  });
  await writer.syncSession?.uploadAllLocalChanges();
  writer.close();
}

/** A user whose tokens are known, at a server that does not answer. */
function stranded(): { readonly app: App; readonly configuration: ReturnType<Device["configuration"]> } {
  // The files of this app already hold the user; nobody listens at that port.
  const app = new App({ id: device.app.id, baseUrl: "http://127.0.0.1:9", baseFilePath: device.directory });
  const user = app.currentUser;
  if (user === null) throw new Error("the user is remembered");
  const sync = { user, flexible: true, initialSubscriptions: { update: subscribeToAll } } as const;
  return { app, configuration: { schema: [taskSchema, personSchema], sync } };
}

test("open downloads first, the data of new subscriptions too", async () => {
  await fill();
  const initialSubscriptions = { update: subscribeToAll };
  const realm = synced.keep(await Realm.open(device.configuration({ initialSubscriptions })));
  expect(realm.objects("Task").length).toBe(10);
  expect(realm.subscriptions.state).toBe("complete");
});

test("openImmediately does not wait", async () => {
  await fill();
  const configuration = device.configuration({
    initialSubscriptions: { update: subscribeToAll },
    newRealmFileBehavior: { type: "openImmediately" },
  });
  const realm = synced.keep(await Realm.open(configuration));
  expect(realm.objects("Task").length).toBe(0);
  await realm.subscriptions.waitForSynchronization();
  expect(realm.objects("Task").length).toBe(10);
});

test("initial subscriptions run at the first open only, or at each", async () => {
  let runs = 0;
  const initialSubscriptions = {
    update: (...values: Parameters<typeof subscribeToAll>) => {
      runs += 1;
      subscribeToAll(...values);
    },
  };
  device.open({ initialSubscriptions }).close();
  device.open({ initialSubscriptions }).close();
  expect(runs).toBe(1);
  device.open({ initialSubscriptions: { ...initialSubscriptions, rerunOnOpen: true } }).close();
  expect(runs).toBe(2);
});

test("offline, an existing file opens, works, and catches up later", async () => {
  const first = await device.openSubscribed();
  first.write(() => first.create("Task", { _id: 1, name: "before" }));
  await first.syncSession?.uploadAllLocalChanges();
  first.close();
  const { configuration } = stranded();
  const offline = synced.keep(new Realm(configuration));
  expect(offline.objects("Task").length).toBe(1);
  offline.write(() => offline.create("Task", { _id: 2, name: "offline" }));
  expect(offline.syncSession?.state).toBe("active");
  expect(offline.syncSession?.isConnected()).toBe(false);
  offline.close();
  await expect.poll(() => Realm.App.Sync._hasExistingSessions(device.app)).toBe(false);
});

test("offline, open rejects after its time, or gives the local realm", async () => {
  const { configuration } = stranded();
  const { sync } = configuration;
  if (sync === undefined) throw new Error("synced");
  const behavior = { type: "downloadBeforeOpen", timeOut: 50 } as const;
  const throwing = { ...behavior, timeOutBehavior: "throwException" } as const;
  await expect(
    Realm.open({
      ...configuration,
      sync: { ...sync, newRealmFileBehavior: throwing, existingRealmFileBehavior: throwing } as never,
    }),
  ).rejects.toThrow("Timed out: Realm could not be downloaded in the allocated time: 50 ms.");
  const local = { ...behavior, timeOutBehavior: "openLocalRealm" } as const;
  const realm = synced.keep(
    await Realm.open({
      ...configuration,
      sync: { ...sync, newRealmFileBehavior: local, existingRealmFileBehavior: local } as never,
    }),
  );
  expect(realm.isClosed).toBe(false);
  await expect(
    Realm.open({
      ...configuration,
      sync: { ...sync, newRealmFileBehavior: behavior, existingRealmFileBehavior: behavior } as never,
    }),
  ).rejects.toThrow("Invalid 'timeOutBehavior'");
});

test("progress is called at once; cancel rejects all opens of the file", async () => {
  const { configuration } = stranded();
  const opens = [Realm.open(configuration), Realm.open(configuration)];
  const calls: unknown[] = [];
  opens[0]?.progress((estimate: number) => calls.push(estimate));
  opens[0]?.progress((transferred: number, transferable: number) => calls.push([transferred, transferable]));
  expect(calls).toEqual([1, [0, 0]]);
  opens[0]?.cancel();
  for (const open of opens) await expect(open).rejects.toThrow("Async open canceled");
});

test("users are remembered on disk, the one logged in last is the current one", async () => {
  await device.app.emailPasswordAuth.registerUser({ email: "a@b.c", password: "secret1" });
  const user = await device.app.logIn(Credentials.emailPassword({ email: "a@b.c", password: "secret1" }));
  const { app } = stranded();
  expect(Object.keys(app.allUsers).sort()).toEqual([device.user.id, user.id].sort());
  expect(app.currentUser?.id).toBe(user.id);
  expect(app.currentUser?.providerType).toBe("local-userpass");
  expect(app.currentUser?.profile).toMatchObject({ email: "a@b.c" });
  app.switchUser(app.allUsers[device.user.id] ?? user);
  expect(stranded().app.currentUser?.id).toBe(device.user.id);
});

test("a failed log-in tells the server's reason", async () => {
  await device.app.emailPasswordAuth.registerUser({ email: "x@y.z", password: "secret1" });
  await expect(device.app.logIn(Credentials.emailPassword("x@y.z", "wrong!"))).rejects.toThrow(/unauthorized|invalid/i);
  await expect(device.app.emailPasswordAuth.registerUser({ email: "x@y.z", password: "secret1" })).rejects.toThrow(
    "name already in use",
  );
});

test("app listeners are told of each log-in and log-out", async () => {
  let calls = 0;
  const listener = (): void => {
    calls += 1;
  };
  device.app.addListener(listener);
  const user = await device.app.logIn(Credentials.anonymous(false));
  await user.logOut();
  await expect.poll(() => calls).toBe(2);
  expect(user.state).toBe("Removed");
  expect(() => device.app.switchUser(user)).toThrow("does not exist or has been removed");
  expect(await device.app.logIn(Credentials.anonymous())).toBe(device.user);
  device.app.removeListener(listener);
});

test("a file is deleted when it is closed, and not before", async () => {
  const configuration = device.configuration();
  const realm = synced.keep(new Realm(configuration));
  expect(Realm.exists(configuration)).toBe(true);
  expect(() => Realm.deleteFile(configuration)).toThrow("Cannot delete files of an open Realm");
  await realm.syncSession?.uploadAllLocalChanges();
  realm.close();
  await expect.poll(() => Realm.App.Sync._hasExistingSessions(device.app)).toBe(false);
  await expect.poll(() => tryToDelete(configuration)).toBe(true);
  expect(Realm.exists(configuration)).toBe(false);
});

function tryToDelete(configuration: Parameters<typeof Realm.deleteFile>[0]): boolean {
  try {
    Realm.deleteFile(configuration);
    return true;
  } catch {
    // The session's thread still has it.
    return false;
  }
}
