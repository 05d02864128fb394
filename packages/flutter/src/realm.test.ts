import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CancellationToken } from "./cancellation.js";
import { Configuration } from "./configuration.js";
import { RealmObject } from "./data/object.js";
import { CancelledException, RealmClosedError, RealmError, RealmException, UserCallbackException } from "./errors.js";
import { log, LogCategory, logger } from "./logging.js";
import { int, string } from "./model/property.js";
import { SchemaObject } from "./model/schema.js";
import { Realm } from "./realm.js";
import { turn, useFolder } from "./testing/folder.js";

class Dog extends RealmObject.of(SchemaObject("Dog", { name: string().primaryKey(), age: int().defaultsTo(1) })) {}

const folder = useFolder();

describe("transactions", () => {
  test("a write commits, and gives back what its callback does", () => {
    const realm = folder.open(Dog);
    expect(realm.write(() => realm.add(new Dog({ name: "a" })).name)).toBe("a");
    expect([realm.all(Dog).length, realm.isInTransaction]).toEqual([1, false]);
  });

  test("what a callback throws undoes it; so does a promise", () => {
    const realm = folder.open(Dog);
    const fail = (): never => {
      realm.add(new Dog({ name: "a" }));
      throw new Error("changed my mind");
    };
    expect(() => realm.write(fail)).toThrow("changed my mind");
    expect(() => realm.write(async () => realm.add(new Dog({ name: "a" })))).toThrow(RealmError);
    expect([realm.all(Dog).length, realm.isInTransaction]).toEqual([0, false]);
  });

  test("one inside another is refused", () => {
    const realm = folder.open(Dog);
    const nested = (): void => realm.write(() => realm.write(() => undefined));
    expect(nested).toThrow("The Realm is already in a write transaction");
  });

  test("are ended by hand", () => {
    const realm = folder.open(Dog);
    const first = realm.beginWrite();
    realm.add(new Dog({ name: "a" }));
    expect([first.isOpen, realm.isInTransaction]).toEqual([true, true]);
    first.commit();
    const second = realm.beginWrite();
    realm.add(new Dog({ name: "b" }));
    second.rollback();
    expect([first.isOpen, second.isOpen, realm.all(Dog).length]).toEqual([false, false, 1]);
    expect(() => first.commit()).toThrow(RealmException);
    expect(() => second.rollback()).toThrow(RealmException);
  });

  test("what is asynchronous is refused", () => {
    const realm = folder.open(Dog);
    const late = async (): Promise<void> => {
      await Promise.resolve();
      throw new Error("nobody waits for this");
    };
    expect(() => realm.write(late)).toThrow(new RealmError("The callback of a write must not be asynchronous"));
    expect(realm.isInTransaction).toBe(false);
  });

  test("asynchronous ones wait for each other", async () => {
    const realm = folder.open(Dog);
    const first = await realm.beginWriteAsync();
    const order: string[] = [];
    const second = realm.writeAsync(() => {
      order.push("second");
      return realm.add(new Dog({ name: "b" })).name;
    });
    await turn();
    order.push("first");
    realm.add(new Dog({ name: "a" }));
    await first.commitAsync();
    expect(await second).toBe("b");
    expect([order, realm.all(Dog).length]).toEqual([["first", "second"], 2]);
    const failing = realm.writeAsync(() => {
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    expect(realm.isInTransaction).toBe(false);
  });

  test("a cancelled one does nothing", async () => {
    const realm = folder.open(Dog);
    const token = new CancellationToken();
    const open = realm.beginWrite();
    const waiting = realm.beginWriteAsync(token);
    await turn();
    token.cancel();
    await expect(waiting).rejects.toThrow(CancelledException);
    await expect(open.commitAsync(token)).rejects.toThrow(CancelledException);
    expect(open.isOpen).toBe(true);
    open.rollback();
    await expect(realm.writeAsync(() => realm.add(new Dog({ name: "a" })), token)).rejects.toThrow(CancelledException);
    const late = new CancellationToken();
    const cancelling = realm.writeAsync(() => {
      realm.add(new Dog({ name: "a" }));
      late.cancel();
    }, late);
    await expect(cancelling).rejects.toThrow(CancelledException);
    expect([realm.all(Dog).length, realm.isInTransaction]).toEqual([0, false]);
  });

  test("one that waited for its turn does not begin for a closed realm", async () => {
    const realm = folder.open(Dog);
    const other = folder.keep(new Realm(realm.config));
    const waiting = realm.beginWriteAsync();
    realm.close();
    await expect(waiting).rejects.toThrow(RealmClosedError);
    expect(other.isInTransaction).toBe(false);
  });

  test("closing the realm undoes an open one, also when another realm of the file is open", () => {
    const realm = folder.open(Dog);
    const other = folder.keep(new Realm(realm.config));
    expect([other.equals(realm), realm.isInTransaction]).toEqual([true, false]);
    const transaction = realm.beginWrite();
    realm.add(new Dog({ name: "a" }));
    realm.close();
    expect([transaction.isOpen, other.isInTransaction, other.all(Dog).length]).toEqual([false, false, 0]);
  });
});

describe("opening", () => {
  test("fills a new file once", () => {
    let calls = 0;
    const initialDataCallback = (realm: Realm): void => {
      calls += 1;
      realm.add(new Dog({ name: "first" }));
    };
    const configuration = Configuration.local([Dog.schema], { path: folder.path("filled.realm"), initialDataCallback });
    for (let opening = 0; opening < 2; opening += 1) {
      const realm = new Realm(configuration);
      expect([realm.all(Dog).length, calls]).toEqual([1, 1]);
      realm.close();
    }
  });

  test("begins anew when filling failed", () => {
    const path = folder.path("unfilled.realm");
    const initialDataCallback = (): never => {
      throw new Error("no data");
    };
    const open = (): Realm => new Realm(Configuration.local([Dog], { path, initialDataCallback }));
    expect(open).toThrow(UserCallbackException);
    expect(existsSync(path)).toBe(false);
    expect(open).toThrow("An exception occurred while executing a user-provided callback");
  });

  test("in memory, read-only, with other classes", async () => {
    const memory = Configuration.inMemory([Dog], { path: folder.path("memory.realm") });
    const first = folder.keep(new Realm(memory));
    first.write(() => first.add(new Dog({ name: "a" })));
    expect(folder.keep(new Realm(memory)).all(Dog).length).toBe(1);
    expect(existsSync(memory.path)).toBe(false);

    const path = folder.path("kept.realm");
    const kept = await Realm.open(Configuration.local([Dog], { path }));
    kept.write(() => kept.add(new Dog({ name: "a" })));
    kept.close();
    const readOnly = new Realm(Configuration.local([Dog], { path, isReadOnly: true }));
    expect(readOnly.all(Dog).length).toBe(1);
    expect(() => readOnly.write(() => undefined)).toThrow(RealmException);
    readOnly.close();

    const other = SchemaObject("Dog", { name: string().primaryKey(), age: string() });
    expect(() => new Realm(Configuration.local([other], { path }))).toThrow("Migration is required");
    const anew = new Realm(Configuration.local([other], { path, shouldDeleteIfMigrationNeeded: true }));
    expect(anew.dynamic.all("Dog").length).toBe(0);
    anew.close();
    const dynamic = new Realm(Configuration.local([], { path }));
    expect([...dynamic.schema].map(({ name }) => name)).toEqual(["Dog"]);
    dynamic.close();
  });

  test("a file is deleted when it is closed", async () => {
    const realm = folder.open(Dog);
    const { path } = realm.config;
    expect([Realm.existsSync(path), await Realm.exists(path)]).toEqual([true, true]);
    expect(() => Realm.deleteRealm(path)).toThrow(RealmException);
    realm.close();
    realm.close();
    Realm.deleteRealm(path);
    expect(Realm.existsSync(path)).toBe(false);
    expect(() => realm.syncSession).toThrow(RealmClosedError);
    expect(() => realm.write(() => undefined)).toThrow(RealmClosedError);
  });

  test("a token that is cancelled opens nothing", async () => {
    const token = new CancellationToken();
    token.cancel();
    const configuration = Configuration.local([Dog], { path: folder.path("cancelled.realm") });
    await expect(Realm.open(configuration, { cancellationToken: token })).rejects.toThrow(CancelledException);
    expect(existsSync(configuration.path)).toBe(false);
  });

  test("a local realm has neither session nor subscriptions", async () => {
    const realm = folder.open(Dog);
    expect(() => realm.syncSession).toThrow(
      new RealmError("session is only valid on synchronized Realms (i.e. opened with FlexibleSyncConfiguration)"),
    );
    const text = "subscriptions is only valid on Realms opened with a FlexibleSyncConfiguration";
    expect(() => realm.subscriptions).toThrow(new RealmError(text));
    await expect(realm.all(Dog).subscribe()).rejects.toThrow(text);
    expect(() => realm.all(Dog).unsubscribe()).toThrow(
      "unsubscribe is only allowed on Realms opened with a FlexibleSyncConfiguration",
    );
  });
});

describe("configuration", () => {
  test("paths", () => {
    const before = Configuration.defaultRealmPath;
    try {
      Configuration.defaultStoragePath = folder.path("storage");
      Configuration.defaultRealmName = "mine.realm";
      expect(Configuration.local([Dog]).path).toBe(folder.path("storage/mine.realm"));
      expect(Configuration.local([Dog], { path: "own.realm" }).path).toBe(folder.path("storage/own.realm"));
      Configuration.defaultRealmPath = folder.path("other/name.realm");
      expect([Configuration.defaultStoragePath, Configuration.defaultRealmName]).toEqual([
        folder.path("other"),
        "name.realm",
      ]);
    } finally {
      Configuration.defaultRealmPath = before;
    }
  });

  test("keys for encryption are checked", () => {
    const open = (encryptionKey: number[]): Configuration => Configuration.local([Dog], { encryptionKey });
    expect(() => open([1, 2, 3])).toThrow("Wrong encryption key size (must be 64, but was 3)");
    expect(() => open(new Array<number>(64).fill(256))).toThrow("bytes from 0 to 255");
  });

  test("files are encrypted, compacted and copied", () => {
    const encryptionKey = new Array<number>(64).fill(3);
    const [path, copyPath] = [folder.path("encrypted.realm"), folder.path("copy.realm")];
    const asked: number[] = [];
    const shouldCompactCallback = (totalBytes: number, usedBytes: number): boolean =>
      asked.push(totalBytes, usedBytes) > 0;
    const configuration = Configuration.local([Dog], { path, encryptionKey, shouldCompactCallback });
    const realm = new Realm(configuration);
    realm.write(() => realm.add(new Dog({ name: "kept" })));
    expect(asked.length).toBe(2);
    expect(Realm.compact(configuration)).toBe(false);
    realm.writeCopy(Configuration.local([Dog], { path: copyPath }));
    expect(() => realm.writeCopy(Configuration.local([Dog], { path: copyPath }))).toThrow(RealmException);
    realm.close();
    expect(Realm.compact(configuration)).toBe(true);
    expect(() => new Realm(Configuration.local([Dog], { path }))).toThrow(RealmException);
    expect(Realm.compact(Configuration.inMemory([Dog]))).toBe(false);
    const copy = new Realm(Configuration.local([Dog], { path: copyPath }));
    expect(copy.all(Dog).length).toBe(1);
    copy.close();
  });
});

test("refreshing shows what others committed; here it says whether there was anything", async () => {
  const realm = folder.open(Dog);
  expect([realm.refresh(), await realm.refreshAsync()]).toEqual([false, false]);
  const waiting = realm.refreshAsync();
  realm.write(() => realm.add(new Dog({ name: "a" })));
  expect(await waiting).toBe(true);
});

test("the log reaches all who listen, from its level on", () => {
  const lines: string[] = [];
  const listen = (): void =>
    void logger.onRecord.listen(({ category, level, message }) =>
      lines.push(`${String(category)} ${level} ${message}`),
    );
  listen();
  listen();
  const { session } = LogCategory.realm.sync.client;
  log(session, "info", "unheard");
  logger.setLogLevel("info", { category: session });
  log(session, "info", "heard");
  log(LogCategory.realm.app, "info", "unheard");
  logger.setLogLevel("off");
  log(session, "fatal", "unheard");
  logger.setLogLevel("warn");
  expect(lines).toEqual(new Array(2).fill("Realm.Sync.Client.Session info heard"));
  expect(() => logger.setLogLevel("loud" as "info")).toThrow(RealmError);
});
