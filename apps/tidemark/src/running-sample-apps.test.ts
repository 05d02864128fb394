/** Each sample app on a real server, with users on devices of their own: who sees and may write what. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Realm } from "@tidemark/node";
import {
  type App,
  type AppConfiguration,
  createServer,
  openNativeKeyValue,
  openNativeLedger,
  type Server,
} from "@tidemark/server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadApp } from "./app-directory.js";

const samples = fileURLToPath(new URL("../sample-apps/", import.meta.url));
const waiting = { timeout: 20_000 };

let folder = "";
let server: Server | null = null;
let app: App;
let configuration: AppConfiguration;
let devices: Device[] = [];

type Row = Record<string, unknown>;
interface Compensation {
  readonly name: string;
  readonly message: string;
  readonly writes: readonly { readonly reason: string; readonly objectName: string }[];
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-samples-"));
});

afterEach(async () => {
  for (const { realm } of devices) realm.close();
  devices = [];
  await server?.stop();
  server = null;
  rmSync(folder, { recursive: true, force: true });
});

async function serve(name: string): Promise<void> {
  const loaded = loadApp({
    directory: join(samples, name),
    appId: null,
    environment: null,
    secretsFile: null,
    forcesDevelopmentMode: false,
    maxOfflineDays: null,
  });
  expect(loaded.findings).toEqual([]);
  configuration = loaded.configuration;
  server = createServer({
    dataDirectory: null,
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    appIds: [loaded.appId],
    passwordCost: { memoryKib: 64, passes: 1 },
    prepare: async (apps) => {
      const found = await apps.find(loaded.appId);
      if (found === undefined) throw new Error("there is no app");
      app = found;
      await app.configure(configuration);
    },
  });
  await server.start();
}

/** A user with one device that subscribes to everything. */
class Device {
  readonly userId: string;
  readonly realm: Realm;
  readonly #refused: Compensation[];

  private constructor(userId: string, realm: Realm, refused: Compensation[]) {
    this.userId = userId;
    this.realm = realm;
    this.#refused = refused;
  }

  static async open(name: string, schema: Realm.ObjectSchema[], customData?: Row): Promise<Device> {
    if (server === null) throw new Error("no server runs");
    const client = new Realm.App({ id: app.id, baseUrl: server.url, baseFilePath: join(folder, name) });
    const credentials = { email: `${name}@example.com`, password: "secret1" };
    await client.emailPasswordAuth.registerUser(credentials);
    const user = await client.logIn(Realm.Credentials.emailPassword(credentials));
    if (customData !== undefined) await app.users.setCustomData(user.id, customData);
    const refused: Compensation[] = [];
    const realm = await Realm.open({
      schema,
      sync: {
        user,
        flexible: true,
        onError: (_session, error) => refused.push(error as unknown as Compensation),
        initialSubscriptions: {
          update: (subscriptions, opened) => {
            for (const { name: className, embedded } of schema) {
              if (embedded !== true) subscriptions.add(opened.objects(className));
            }
          },
        },
      },
    });
    const device = new Device(user.id, realm, refused);
    devices.push(device);
    return device;
  }

  /** Values of a property, sorted. */
  all(className: string, property: string): unknown[] {
    return [...this.realm.objects<Row>(className)].map((one) => one[property]).sort();
  }

  find(className: string, property: string, value: unknown): Row {
    const found = [...this.realm.objects<Row>(className)].find((one) => one[property] === value);
    if (found === undefined) throw new Error(`${className} with ${property} ${String(value)} is not there`);
    return found;
  }

  /** Writes what the server takes. */
  async write(change: (realm: Realm) => void): Promise<void> {
    this.realm.write(() => change(this.realm));
    await this.realm.syncSession?.uploadAllLocalChanges();
    await this.realm.syncSession?.downloadAllServerChanges();
    expect(this.#refused).toEqual([]);
  }

  /** Writes what the server undoes; gives the reasons, without the keys. */
  async refusedWrite(change: (realm: Realm) => void): Promise<readonly string[]> {
    this.realm.write(() => change(this.realm));
    await this.realm.syncSession?.uploadAllLocalChanges();
    await expect.poll(() => this.#refused.length, waiting).toBe(1);
    const [error] = this.#refused.splice(0);
    expect(error?.name).toBe("CompensatingWriteError");
    return (error?.writes ?? []).map(({ reason }) => reason.replace(/(ObjectID|UUID)\([^)]*\)/, "…"));
  }

  /** Waits for the next error that the application is told of; gives its text. */
  async error(): Promise<string> {
    await expect.poll(() => this.#refused.length, waiting).toBe(1);
    return this.#refused.splice(0)[0]?.message ?? "";
  }

  /** Waits until the device shows these values of a property. */
  async shows(className: string, property: string, expected: readonly unknown[]): Promise<void> {
    await expect.poll(() => this.all(className, property), waiting).toEqual(expected);
  }
}

const notAllowed = (className: string): readonly string[] => [`write to … in table "${className}" not allowed`];
const objectId = (): Realm.BSON.ObjectId => new Realm.BSON.ObjectId();

describe("personal data", () => {
  const schema: Realm.ObjectSchema[] = [
    { name: "Folder", primaryKey: "_id", properties: { _id: "objectId", owner_id: "string", name: "string" } },
    {
      name: "Task",
      primaryKey: "_id",
      properties: {
        _id: "objectId",
        owner_id: "string",
        summary: "string",
        is_done: "bool",
        due: "date?",
        folder: "Folder",
        labels: "string<>",
        steps: "Step[]",
      },
    },
    { name: "Step", embedded: true, properties: { text: "string", is_done: "bool" } },
  ];

  test("everybody sees and changes what is theirs", { timeout: 60_000 }, async () => {
    await serve("personal-data");
    const [ann, bob] = [await Device.open("ann", schema), await Device.open("bob", schema)];
    const add = (realm: Realm, owner: string, summary: string): unknown => {
      const home = realm.create("Folder", { _id: objectId(), owner_id: owner, name: `of ${summary}` });
      const steps = [{ text: "first", is_done: false }];
      const values = { _id: objectId(), owner_id: owner, summary, is_done: false, folder: home, labels: ["a"], steps };
      return realm.create("Task", values);
    };
    await ann.write((realm) => add(realm, ann.userId, "ann's"));
    await bob.write((realm) => add(realm, bob.userId, "bob's"));
    await ann.shows("Task", "summary", ["ann's"]);
    await bob.shows("Folder", "name", ["of bob's"]);

    const forged = await ann.refusedWrite((realm) => add(realm, bob.userId, "forged"));
    expect(forged.toSorted()).toEqual([...notAllowed("Folder"), ...notAllowed("Task")]);
    await ann.shows("Task", "summary", ["ann's"]);
    const given = await ann.refusedWrite(() => (ann.find("Task", "summary", "ann's")["owner_id"] = bob.userId));
    expect(given).toEqual(notAllowed("Task"));
    await ann.shows("Task", "owner_id", [ann.userId]);
    expect(bob.all("Task", "summary")).toEqual(["bob's"]);
  });
});

describe("the state of synchronisation", () => {
  const schema: Realm.ObjectSchema[] = [
    { name: "Folder", primaryKey: "_id", properties: { _id: "objectId", owner_id: "string", name: "string" } },
  ];

  test("paused, devices wait and lose nothing; off, the application is told", { timeout: 60_000 }, async () => {
    await serve("personal-data");
    const ann = await Device.open("ann", schema);
    const add = (name: string) => (realm: Realm) =>
      realm.create("Folder", { _id: objectId(), owner_id: ann.userId, name });
    const inState = (state: "enabled" | "disabled" | "off"): Promise<void> =>
      app.configure({ ...configuration, sync: { ...configuration.sync, state } });
    await ann.write(add("before"));
    await inState("disabled");
    ann.realm.write(() => add("while paused")(ann.realm));
    await inState("enabled");
    await ann.write(add("after"));
    const { ledger } = await app.sync();
    expect((await ledger.status()).objects).toMatchObject({ Folder: 3 });

    await inState("off");
    expect(await ann.error()).toContain("sync is not enabled for this app");
    expect(ann.all("Folder", "name")).toEqual(["after", "before", "while paused"]);
  });
});

test("a schema that contradicts that of the data is refused by class, property, expected and found", async () => {
  await serve("personal-data");
  const classes = configuration.classes.map(({ columns, ...one }) => ({
    ...one,
    columns: columns.map((column) => (column.name === "summary" ? { ...column, type: "int" } : column)),
  }));
  await expect(app.configure({ ...configuration, classes })).rejects.toMatchObject({
    code: "schema-conflict",
    conflicts: ['class "Task", property "summary": expected Int, found String'],
  });
  expect(app.configuration).toBe(configuration);
});

describe("shared lists", () => {
  const shared = { owner_id: "string", collaborators: "string[]" };
  const schema: Realm.ObjectSchema[] = [
    { name: "List", primaryKey: "_id", properties: { _id: "objectId", ...shared, name: "string", created: "date?" } },
    {
      name: "Item",
      primaryKey: "_id",
      properties: { _id: "objectId", ...shared, list: "List", text: "string", is_done: "bool", amount: "decimal128?" },
    },
  ];

  test("collaborators read and change, the owner makes and deletes", { timeout: 60_000 }, async () => {
    await serve("shared-lists");
    const [owner, friend] = [await Device.open("owner", schema), await Device.open("friend", schema)];
    const stranger = await Device.open("stranger", schema);
    const access = { owner_id: owner.userId, collaborators: [friend.userId] };
    await owner.write((realm) => {
      const list = realm.create("List", { _id: objectId(), ...access, name: "shopping" });
      realm.create("Item", { _id: objectId(), ...access, list, text: "bread", is_done: false });
    });
    await friend.shows("Item", "text", ["bread"]);
    await friend.write((realm) => {
      friend.find("Item", "text", "bread")["is_done"] = true;
      const list = friend.find("List", "name", "shopping");
      realm.create("Item", { _id: objectId(), ...access, list, text: "milk", is_done: false });
    });
    await owner.shows("Item", "text", ["bread", "milk"]);
    await owner.shows("Item", "is_done", [false, true]);

    expect(await friend.refusedWrite((realm) => realm.delete(friend.find("Item", "text", "milk")))).toEqual(
      notAllowed("Item"),
    );
    await friend.shows("Item", "text", ["bread", "milk"]);
    const made = await friend.refusedWrite((realm) =>
      realm.create("List", { _id: objectId(), ...access, name: "mine" }),
    );
    expect(made).toEqual(notAllowed("List"));
    await friend.shows("List", "name", ["shopping"]);

    await owner.write((realm) => {
      for (const className of ["List", "Item"]) {
        for (const one of realm.objects<Row>(className)) one["collaborators"] = [];
      }
    });
    await friend.shows("List", "name", []);
    await friend.shows("Item", "text", []);
    expect(stranger.all("Item", "text")).toEqual([]);
    await owner.write((realm) => realm.delete(owner.find("Item", "text", "milk")));
    expect(owner.all("Item", "text")).toEqual(["bread"]);
  });
});

describe("tiered roles", () => {
  const schema: Realm.ObjectSchema[] = [
    {
      name: "Order",
      primaryKey: "_id",
      properties: {
        _id: "uuid",
        region: "string",
        status: "string",
        customer: "string?",
        lines: "Order_line[]",
        price: "decimal128?",
        margin: "decimal128?",
        internal_note: "string?",
      },
    },
    { name: "Order_line", embedded: true, properties: { article: "string", count: "int" } },
  ];
  const order = (realm: Realm, region: string, status: string, customer: string): unknown =>
    realm.create("Order", {
      _id: new Realm.BSON.UUID(),
      region,
      status,
      customer,
      lines: [{ article: "nail", count: 5 }],
      price: Realm.BSON.Decimal128.fromString("10"),
      margin: Realm.BSON.Decimal128.fromString("2.5"),
      internal_note: `note on ${customer}`,
    });
  const set = (device: Device, customer: string, property: string, value: unknown) => (): void => {
    device.find("Order", "customer", customer)[property] = value;
  };

  test("custom data chooses the role, and clerks see and change some fields", { timeout: 120_000 }, async () => {
    await serve("tiered-roles");
    const admin = await Device.open("admin", schema, { role: "admin" });
    const manager = await Device.open("manager", schema, { role: "manager", region: "north" });
    const clerk = await Device.open("clerk", schema, { role: "clerk", region: "north" });
    const nobody = await Device.open("nobody", schema);
    await admin.write((realm) => {
      order(realm, "north", "open", "Alma");
      order(realm, "north", "shipped", "Bo");
      order(realm, "south", "open", "Cleo");
    });
    await manager.shows("Order", "customer", ["Alma", "Bo"]);
    await manager.shows("Order", "internal_note", ["note on Alma", "note on Bo"]);
    await clerk.shows("Order", "customer", ["Alma", "Bo"]);
    expect(clerk.all("Order", "internal_note")).toEqual([null, null]);
    expect(clerk.all("Order", "margin")).toEqual([null, null]);
    expect(nobody.all("Order", "customer")).toEqual([]);

    await clerk.write(set(clerk, "Alma", "status", "packed"));
    await admin.shows("Order", "status", ["open", "packed", "shipped"]);
    expect(await clerk.refusedWrite(set(clerk, "Alma", "customer", "Zoe"))).toEqual(notAllowed("Order"));
    expect(await clerk.refusedWrite(set(clerk, "Alma", "status", "shipped"))).toEqual(notAllowed("Order"));
    expect(await clerk.refusedWrite(set(clerk, "Bo", "status", "open"))).toEqual(notAllowed("Order"));
    expect(await clerk.refusedWrite(set(clerk, "Alma", "internal_note", "x"))).toEqual(notAllowed("Order"));
    await clerk.shows("Order", "internal_note", [null, null]);
    expect(admin.find("Order", "customer", "Alma")["internal_note"]).toBe("note on Alma");
    const remove = (device: Device) => (realm: Realm) => realm.delete(device.find("Order", "customer", "Alma"));
    expect(await manager.refusedWrite(remove(manager))).toEqual(notAllowed("Order"));
    expect(await manager.refusedWrite(set(manager, "Alma", "region", "south"))).toEqual(notAllowed("Order"));
    await manager.write((realm) => order(realm, "north", "open", "Dan"));
    await clerk.shows("Order", "customer", ["Alma", "Bo", "Dan"]);

    // Other custom data, while the device is connected.
    await app.users.setCustomData(clerk.userId, { role: "manager", region: "south" });
    await clerk.shows("Order", "internal_note", ["note on Cleo"]);
    await app.users.setCustomData(clerk.userId, { role: "clerk", region: "north" });
    await clerk.shows("Order", "customer", ["Alma", "Bo", "Dan"]);
    await clerk.shows("Order", "internal_note", [null, null, null]);
    await app.users.setCustomData(nobody.userId, { role: "admin" });
    await nobody.shows("Order", "customer", ["Alma", "Bo", "Cleo", "Dan"]);

    // Other rules, while all are connected: clerks may go on with what is shipped.
    await app.configure({ ...configuration, values: { clerkStatuses: ["open", "packed", "shipped"] } });
    await expect.poll(() => admin.realm.syncSession?.connectionState, waiting).toBe("connected");
    await clerk.realm.syncSession?.downloadAllServerChanges();
    await clerk.write(set(clerk, "Bo", "status", "open"));
    await admin.shows("Order", "status", ["open", "open", "open", "packed"]);
    await admin.write(remove(admin));
    await manager.shows("Order", "customer", ["Bo", "Dan"]);
  });
});
