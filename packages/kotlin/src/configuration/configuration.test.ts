import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { App } from "../app/app.js";
import { realmObject } from "../data/object.js";
import {
  Duration,
  days,
  durationOf,
  hours,
  milliseconds,
  minutes,
  nanoseconds,
  seconds,
  timeoutMsOf,
} from "../duration.js";
import { IllegalArgumentException, IllegalStateException } from "../errors.js";
import { Realm } from "../realm.js";
import { double, int, object, primaryKey, string } from "../schema/property.js";
import { useFolder } from "../testing/folder.js";
import { AppConfiguration, type SyncTimeoutOptionsBuilder } from "./app-configuration.js";
import { RealmConfiguration, type RealmConfigurationBuilder } from "./realm-configuration.js";

class Task extends realmObject("Task", { _id: primaryKey(int()), name: string() }) {}

const folder = useFolder();

test("durations are written as Kotlin writes them", () => {
  const texts = [
    seconds(90),
    milliseconds(1500),
    milliseconds(20),
    nanoseconds(1),
    seconds(-1),
    minutes(-1.5),
    hours(25),
    days(1),
    Duration.ZERO,
    Duration.INFINITE,
  ].map(String);
  expect(texts).toEqual(["1m 30s", "1.5s", "20ms", "1ns", "-1s", "-(1m 30s)", "1d 1h", "1d", "0s", "Infinity"]);
  expect([durationOf(1500).equals(milliseconds(1500)), seconds(1).compareTo(minutes(1))]).toEqual([true, -1]);
});

test("a timeout must be positive; one beyond the platform's timers has no end", () => {
  expect(() => timeoutMsOf(0)).toThrow("'timeout' must be > 0. It was: 0s");
  expect(() => timeoutMsOf(seconds(-1))).toThrow(IllegalArgumentException);
  expect([timeoutMsOf(nanoseconds(1)), timeoutMsOf(Duration.INFINITE), timeoutMsOf(days(30))]).toEqual([
    1e-6,
    undefined,
    undefined,
  ]);
});

test("an app has realm-kotlin's defaults", () => {
  const made = AppConfiguration.create("an-app");
  expect([made.baseUrl, made.authorizationHeaderName, made.enableSessionMultiplexing]).toEqual([
    "https://services.cloud.mongodb.com",
    "Authorization",
    false,
  ]);
  const { connectTimeout, connectionLingerTime, pingKeepAlivePeriod, pongKeepAlivePeriod, fastReconnectLimit } =
    made.syncTimeoutOptions;
  const times = [connectTimeout, connectionLingerTime, pingKeepAlivePeriod, pongKeepAlivePeriod, fastReconnectLimit];
  expect(times.map(String)).toEqual(["2m", "30s", "1m", "2m", "1m"]);
  expect(() => App.create("")).toThrow(IllegalArgumentException);
});

test("what an app cannot have is refused with realm-kotlin's words", () => {
  const builder = new AppConfiguration.Builder("an-app");
  expect(() => builder.encryptionKey(new Uint8Array(3))).toThrow("The provided key must be 64 bytes. Yours was: 3.");
  const key = new Uint8Array(64).fill(3);
  expect(builder.encryptionKey(key).build().encryptionKey).toEqual(key);
  const set = (change: Parameters<typeof builder.syncTimeouts>[0]) => (): unknown => builder.syncTimeouts(change);
  expect(set((options) => (options.connectTimeout = milliseconds(1)))).toThrow(/^connectTimeout .* This was: 1ms$/);
  expect(set((options) => (options.connectionLingerTime = Duration.ZERO))).toThrow("This was: 0s");
  expect(set((options) => (options.pingKeepAlivePeriod = seconds(5)))).toThrow("This was: 5s");
  expect(set((options) => (options.pongKeepAlivePeriod = seconds(5)))).toThrow("This was: 5s");
  expect(set((options) => (options.fastReconnectLimit = seconds(1)))).toThrow("This was: 1s");
  let kept: SyncTimeoutOptionsBuilder | undefined;
  const made = builder.syncTimeouts((options) => {
    options.connectTimeout = seconds(1);
    kept = options;
  });
  const { syncTimeoutOptions } = made.build();
  if (kept !== undefined) kept.connectTimeout = seconds(9);
  expect([syncTimeoutOptions.connectTimeout, syncTimeoutOptions.fastReconnectLimit].map(String)).toEqual(["1s", "1m"]);
});

test("names of files are checked", () => {
  const named = (name: string) => (): unknown => new RealmConfiguration.Builder([Task]).name(name);
  expect(named("")).toThrow("A non-empty filename must be provided.");
  expect(named("a/b")).toThrow("Name cannot contain path separator '/': 'a/b'");
  expect(named(".realm")).toThrow("'.realm' is not a valid filename");
  expect(() => new RealmConfiguration.Builder([Task]).schemaVersion(-1)).toThrow("Yours was: -1");
  expect(() => new RealmConfiguration.Builder([Task]).maxNumberOfActiveVersions(0)).toThrow("Yours was: 0");
});

test("the first data is written once", () => {
  const configuration = folder
    .configure([Task])
    .initialData((tx) => void tx.copyToRealm(new Task()))
    .build();
  for (let round = 0; round < 2; round += 1) {
    const realm = Realm.open(configuration);
    expect(realm.query(Task).count().find()).toBe(1);
    realm.close();
  }
});

test("a file whose first data could not be written is not there", () => {
  const builder = folder.configure([Task]).initialData(() => {
    throw new Error("not now");
  });
  expect(() => Realm.open(builder.build())).toThrow("not now");
  expect(existsSync(builder.build().path)).toBe(false);
});

test("in memory nothing is left", () => {
  const configuration = folder.configure([Task]).inMemory().build();
  const open = (): Realm => folder.keep(Realm.open(configuration));
  const realm = open();
  realm.writeBlocking((tx) => tx.copyToRealm(new Task()));
  expect(open().query(Task).count().find()).toBe(1);
  expect(existsSync(configuration.path)).toBe(false);
});

test("a file of another schema is refused, or deleted if that is wished", () => {
  const builder = folder.configure([Task]);
  const before = Realm.open(builder.build());
  before.writeBlocking((tx) => tx.copyToRealm(new Task()));
  before.close();
  class Changed extends realmObject("Task", { _id: primaryKey(int()), name: double() }) {}
  const { directory, name } = builder.build();
  const changed = new RealmConfiguration.Builder([Changed]).directory(directory).name(name);
  expect(() => Realm.open(changed.build())).toThrow(IllegalStateException);
  changed.deleteRealmIfMigrationNeeded().initialData((tx) => void tx.copyToRealm(new Changed()));
  const realm = folder.keep(Realm.open(changed.build()));
  expect(
    realm
      .query(Changed)
      .find()
      .map(({ name: value }) => value),
  ).toEqual([0]);
});

test("a realm is deleted when it is closed", () => {
  const configuration = folder.configure([Task]).build();
  const realm = Realm.open(configuration);
  expect(() => Realm.deleteRealm(configuration)).toThrow(IllegalStateException);
  realm.close();
  Realm.deleteRealm(configuration);
  expect(existsSync(configuration.path)).toBe(false);
});

test("models must fit together", () => {
  class Lost extends realmObject("Lost", { _id: primaryKey(int()), to: object("Nowhere") }) {}
  class Keys extends realmObject("Keys", { a: primaryKey(int()), b: primaryKey(int()) }) {}
  expect(() => folder.open(Lost)).toThrow("unknown object type 'Nowhere'");
  expect(() => folder.open(Keys)).toThrow("Class Keys has more than one primary key");
});

test("the schema of a realm names its models", () => {
  const schema = folder.open(Task).schema();
  expect(schema.get("Task")?.primaryKey?.name).toBe("_id");
  expect(schema.get("Task")?.properties.map(({ name, storageType }) => `${name} ${storageType}`)).toEqual([
    "_id INT",
    "name STRING",
  ]);
  expect(schema.get("Nothing")).toBeNull();
});

test("a realm that is not synchronised says so", () => {
  const realm = folder.open(Task);
  const text = "This method is only available on synchronized realms.";
  expect(() => realm.syncSession).toThrow(text);
  expect(() => realm.subscriptions).toThrow(IllegalStateException);
});

test("files are encrypted, compacted and copied", () => {
  const key = new Uint8Array(64).fill(3);
  const builder = (name: string): RealmConfigurationBuilder =>
    new RealmConfiguration.Builder([Task]).directory(folder.directory).name(name);
  expect(() => builder("a").encryptionKey(new Uint8Array(3))).toThrow(
    "The provided key must be 64 bytes. Yours was: 3.",
  );
  const asked: number[] = [];
  const configuration = builder("a")
    .encryptionKey(key)
    .compactOnLaunch((totalBytes, usedBytes) => asked.push(totalBytes, usedBytes) > 0)
    .build();
  const realm = Realm.open(configuration);
  realm.writeBlocking((writing) => writing.copyToRealm(new Task().apply((task) => (task.name = "kept"))));
  expect(asked.length).toBe(2);
  expect(Realm.compactRealm(configuration)).toBe(false);
  realm.writeCopyTo(builder("b").build());
  expect(() => realm.writeCopyTo(builder("b").build())).toThrow(IllegalArgumentException);
  realm.close();
  expect(Realm.compactRealm(configuration)).toBe(true);
  expect(() => Realm.open(builder("a").build())).toThrow(IllegalStateException);
  expect(() => Realm.open(builder("a").encryptionKey(new Uint8Array(64)).build())).toThrow(IllegalStateException);
  expect(() => Realm.open(builder("b").encryptionKey(key).build())).toThrow(IllegalStateException);
  expect(Realm.compactRealm(builder("none").build())).toBe(false);
  const copy = Realm.open(builder("b").build());
  expect(copy.query(Task).count().find()).toBe(1);
  copy.close();
});
