/** A configuration governs the running server: roles at IDENT, and what happens to sessions when it changes. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AppConfiguration } from "./app-directory/configuration.js";
import type { App } from "./app.js";
import { readApp } from "./app-rules.js";
import { Deferred } from "./concurrency.js";
import { MemoryKeyValue } from "./key-value.js";
import type { Role, RolePredicates } from "./ledger.js";
import { app as appFiles, appWithSync, type FileContents, memoryFiles, tasks } from "./testing/app-files.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import {
  logInAnonymously,
  openNewFile,
  registerAndLogIn,
  ScriptedClient,
  ScriptedFile,
} from "./testing/scripted-client.js";

type Json = Readonly<Record<string, unknown>>;

let fixture: Fixture;
let app: App;
const store = new MemoryKeyValue();

beforeEach(async () => {
  fixture = await startFixture();
  app = await found(fixture);
});

afterEach(() => fixture.stop());

async function found({ server }: Fixture): Promise<App> {
  const one = await server.apps.find(appId);
  if (one === undefined) throw new Error("there is no app");
  return one;
}

function configurationOf(files: FileContents): AppConfiguration {
  const { configuration, findings } = readApp(memoryFiles(files));
  expect(findings).toEqual([]);
  return configuration;
}

const rulesFile = (...roles: readonly Json[]): FileContents => ({
  [`${tasks}rules.json`]: { database: "shop", collection: "tasks", roles },
});
const role = (name: string, applyWhen: unknown, read: unknown, write: unknown = false, others: Json = {}): Json => ({
  name,
  apply_when: applyWhen,
  document_filters: { read, write },
  read: true,
  write: true,
  ...others,
});
const owner = { owner_id: "%%user.id" };
const ownersOnly = rulesFile(role("owner", {}, owner, owner));
const everybodyReads = rulesFile(role("reader", {}, true));

const configure = (files: FileContents): Promise<void> => app.configure(configurationOf(appFiles(files)));
const taskAccess = (given: Role | undefined): RolePredicates | undefined => given?.classes["Task"];

interface Device {
  readonly client: ScriptedClient;
  readonly file: ScriptedFile;
  readonly userId: string;
}

async function device(version = 14): Promise<Device> {
  const { access_token: token, user_id: userId } = await logInAnonymously(fixture.url, appId);
  const protocols = [`com.mongodb.realm-query-sync#${version}`];
  const client = await ScriptedClient.connect(fixture.url, appId, token, { protocols });
  return { client, file: await openNewFile(client), userId };
}

/** Ends the session after an error as clients do, and opens it again. */
async function comeBack({ client, file }: Device): Promise<void> {
  file.unbind();
  await file.open();
  await file.download();
  await client.expectNothing();
}

describe("a configuration is put in force", () => {
  test("schema, queryable fields and modes are the ledger's", async () => {
    await app.configure(configurationOf(appWithSync({ client_max_offline_days: 7, development_mode_enabled: false })));
    const ledger = fixture.ledger();
    expect(JSON.parse(await ledger.schema())).toMatchObject([{ name: "Task", primaryKey: { name: "_id" } }]);
    expect(ledger.queryableFields).toEqual({ global: ["owner_id"], classes: { Task: ["done"] }, indexed: "owner_id" });
    expect(ledger.isDevelopmentMode).toBe(false);
    expect(ledger.maxOfflineMs).toBe(7 * 24 * 60 * 60_000);
    expect(app.configuration?.name).toBe("todo");
    await app.configure(configurationOf(appWithSync({ development_mode_enabled: true })));
    expect(ledger.isDevelopmentMode).toBe(true);
  });

  test("a schema that contradicts the data's changes nothing", async () => {
    await configure(ownersOnly);
    const before = app.configuration;
    const one = await device();
    fixture.ledger().conflicts = ["Task.done: expected bool, found string"];
    await expect(app.configure(configurationOf(appWithSync({ state: "" }, everybodyReads)))).rejects.toMatchObject({
      code: "schema-conflict",
      conflicts: ["Task.done: expected bool, found string"],
    });
    expect(app.configuration).toBe(before);
    await one.client.expectNothing();
  });

  test("it is in force before anybody can connect", async () => {
    const prepared = await startFixture({
      prepare: async (apps) => (await apps.find(appId))?.configure(configurationOf(appFiles(ownersOnly))),
    });
    expect(prepared.ledger().queryableFields).not.toBeNull();
    expect((await found(prepared)).configuration).not.toBeNull();
    await prepared.stop();
  });
});

describe("an app that has had rules", () => {
  test("is not served without them after a restart", async () => {
    const kept = new MemoryKeyValue();
    const options = { openKeyValue: () => Promise.resolve(kept) };
    const first = await startFixture(options);
    await (await found(first)).configure(configurationOf(appFiles(ownersOnly)));
    await first.stop();

    const second = await startFixture(options);
    const file = new ScriptedFile(await second.connect());
    file.bind(true);
    const message = "the rules of this app are not loaded";
    expect(await file.client.expectError(229)).toMatchObject({ action: "Transient", tryAgain: true, message });
    await (await found(second)).configure(configurationOf(appFiles(ownersOnly)));
    file.unbind();
    await file.open();
    await file.download();
    await second.stop();
  });
});

describe("roles", () => {
  test("without rules everybody may do everything", async () => {
    await device();
    const [given] = fixture.ledger().roles;
    expect(given?.classes).toEqual({});
    expect(given?.default).toMatchObject({
      read: "TRUEPREDICATE",
      delete: "TRUEPREDICATE",
      readableFields: "[true,[]]",
    });
  });

  test("are those of the user, with what may be created and deleted, and with fields", async () => {
    await configure(
      rulesFile(
        role("owner", {}, true, owner, {
          write: false,
          insert: false,
          delete: { done: true },
          fields: { done: { read: true, write: true } },
        }),
      ),
    );
    const { userId } = await device();
    const own = `owner_id == "${userId}"`;
    expect(taskAccess(fixture.ledger().roles[0])).toEqual({
      read: "TRUEPREDICATE",
      write: own,
      insert: "FALSEPREDICATE",
      delete: `done == true and ${own}`,
      readableFields: "[true,[]]",
      writableFields: '[false,[["done",[true,[]]]]]',
    });
  });

  test("a role with an error in it is named by line, and gives no access", async () => {
    const { apply_when: _, ...odd } = role("odd", {}, true, true);
    const { configuration, findings } = readApp(memoryFiles(appFiles(rulesFile(odd, role("all", {}, true, true)))));
    expect(findings.map((one) => `${one.file}:${one.line}:${one.column}: ${one.severity}: ${one.message}`)).toEqual([
      `${tasks}rules.json:5:5: error: "apply_when" is missing`,
    ]);
    await app.configure(configuration);
    await device();
    expect(taskAccess(fixture.ledger().roles[0])?.read).toBe("FALSEPREDICATE");
  });

  test("a role that is wrong for synchronisation is named, and gives no access", async () => {
    const secret = rulesFile(role("hidden", {}, { colour: "red" }));
    const { configuration, findings } = readApp(memoryFiles(appFiles(secret)));
    expect(findings.map((one) => `${one.line}: ${one.severity}: ${one.message}`)).toEqual([
      '5: warning: role "hidden" gives no access to Task: document_filters.read uses the field "colour", which is not ' +
        "queryable",
    ]);
    await app.configure(configuration);
    await device();
    expect(taskAccess(fixture.ledger().roles[0])?.read).toBe("FALSEPREDICATE");
  });

  test("classes that clients have added are named", async () => {
    await app.configure(
      configurationOf(appWithSync({ development_mode_enabled: true }, { ...ownersOnly, ...defaultRule(true) })),
    );
    const one = await device();
    one.file.upload("SCHEMA Added");
    await one.file.download();
    const next = new ScriptedFile(await fixture.connect());
    await next.open();
    await next.download();
    const given = fixture.ledger().roles.at(-1);
    expect(given?.classes["Added"]?.read).toBe("TRUEPREDICATE");
    expect(taskAccess(given)?.read).toContain("owner_id");
  });
});

const defaultRule = (read: unknown): FileContents => ({
  "data_sources/mongodb-atlas/default_rule.json": { roles: [role("default", {}, read)] },
});

describe("a change of rules", () => {
  test("ends the sessions whose role is another one now, and no others", async () => {
    const byTeam = (manager: unknown): FileContents =>
      rulesFile(role("manager", { "%%user.custom_data.team": "managers" }, manager), role("owner", {}, owner, owner));
    await configure(byTeam(owner));
    const [manager, plain] = [await device(), await device()];
    await app.users.setCustomData(manager.userId, { team: "managers" });
    expect(await manager.client.expectError(200)).toMatchObject({ tryAgain: true, action: "Transient" });
    await comeBack(manager);

    await configure(byTeam(true));
    expect(await manager.client.expectError(200)).toMatchObject({
      session: 1,
      tryAgain: true,
      action: "Transient",
      shouldClientReset: false,
      message: "session closed: the user's permissions have changed",
    });
    await plain.client.expectNothing();
    await comeBack(manager);
    expect(taskAccess(fixture.ledger().roles.at(-1))?.read).toBe("TRUEPREDICATE");
  });

  test("is no change if the rules are the same", async () => {
    await configure(ownersOnly);
    const one = await device();
    await configure(ownersOnly);
    await configure(rulesFile(role("renamed", true, owner, { $and: [owner, {}] })));
    await one.client.expectNothing();
  });

  test("is seen in fields, insert and delete too", async () => {
    await configure(ownersOnly);
    const one = await device();
    for (const others of [{ delete: false }, { insert: false }, { write: false, fields: { done: { write: true } } }]) {
      await configure(rulesFile(role("owner", {}, owner, owner, others)));
      await one.client.expectError(200);
      await comeBack(one);
    }
  });

  test("ends clients of older protocols with a reset", async () => {
    await configure(ownersOnly);
    const old = await device(13);
    await configure(everybodyReads);
    expect(await old.client.expectError(228)).toMatchObject({ action: "ClientReset", tryAgain: false });
  });

  test("does not make clients of older protocols reset while rescue mode is closed", async () => {
    await configure(ownersOnly);
    const old = await device(13);
    await app.rescue.close();
    await configure(everybodyReads);
    expect(await old.client.expectError(229)).toMatchObject({ action: "Transient", tryAgain: true });
  });

  test("is seen by a session that is being opened", async () => {
    await configure(ownersOnly);
    const gate = new Deferred<void>();
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const client = await fixture.connect(access_token);
    const file = new ScriptedFile(client);
    file.bind(true);
    const { fileIdent, fileIdentSalt } = await client.expect("ident");
    Object.assign(file, { fileIdent, fileIdentSalt });
    fixture.ledger().gate = gate.promise;
    file.ident();
    await client.expectNothing();
    await configure(everybodyReads);
    gate.resolve();
    await client.expectError(200);
    file.unbind();
    await file.open();
    await file.download();
    expect(fixture.ledger().roles.map((given) => taskAccess(given)?.read === "TRUEPREDICATE")).toEqual([false, true]);
  });

  test("a field that is no longer queryable ends sessions, a new one does not", async () => {
    const withFields = (...names: readonly string[]): Promise<void> =>
      app.configure(configurationOf(appWithSync({ collection_queryable_fields_names: { tasks: names } }, ownersOnly)));
    await withFields();
    const one = await device();
    await withFields("done");
    await one.client.expectNothing();
    await withFields();
    expect(await one.client.expectError(200)).toMatchObject({ action: "Transient", tryAgain: true });
  });
});

describe("a user's data", () => {
  const byRegion = rulesFile(role("region", {}, { owner_id: "%%user.custom_data.region" }));

  test("custom data decides at once, for that user alone, and is in the next token", async () => {
    await configure(byRegion);
    const [one, other] = [await device(), await device()];
    expect(taskAccess(fixture.ledger().roles[0])?.read).toBe("FALSEPREDICATE");
    await app.users.setCustomData(one.userId, { region: "north" });
    await one.client.expectError(200);
    await other.client.expectNothing();
    await comeBack(one);
    expect(taskAccess(fixture.ledger().roles.at(-1))?.read).toBe('owner_id == "north"');
    await app.users.setCustomData(one.userId, { region: "north", colour: "red" });
    await one.client.expectNothing();
    await app.users.setCustomData(one.userId, undefined);
    await one.client.expectError(200);
    expect((await app.users.find(one.userId))?.customData).toBeUndefined();
  });

  test("it is durable, and travels in access tokens of any size that is allowed", async () => {
    const first = await startFixture({ openKeyValue: () => Promise.resolve(store) });
    const data = { text: "x".repeat(8192 - 11) };
    const { refresh_token, user_id } = await logInAnonymously(first.url, appId);
    await (await found(first)).users.setCustomData(user_id, data);
    await first.stop();

    const second = await startFixture({ openKeyValue: () => Promise.resolve(store) });
    const headers = { Authorization: `Bearer ${refresh_token}` };
    const answer = await fetch(`${second.url}/api/client/v2.0/auth/session`, { method: "POST", headers });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Json;
    expect(claims["user_data"]).toEqual(data);
    await openNewFile(await second.connect(token));
    await expect((await found(second)).users.setCustomData(user_id, { text: "x".repeat(8192) })).rejects.toMatchObject({
      serviceCode: "BadRequest",
    });
    await expect((await found(second)).users.setCustomData("nobody", {})).rejects.toMatchObject({ status: 404 });
    await second.stop();
  });

  test("a new identity decides too", async () => {
    const byEmail = role("known", { "%%user.data.email": { $exists: true } }, true);
    await app.configure(
      configurationOf(
        appFiles({
          ...rulesFile(byEmail, role("rest", {}, false)),
          "auth/providers.json": providers({ "anon-user": false, "local-userpass": false }),
        }),
      ),
    );
    const email = "a@example.com";
    const linked = await logInAnonymously(fixture.url, appId);
    const client = await fixture.connect(linked.access_token);
    await openNewFile(client);
    const provider = `${fixture.url}/api/client/v2.0/app/${appId}/auth/providers/local-userpass`;
    const credentials = { email, username: email, password: "secret1" };
    const headers = { Authorization: `Bearer ${linked.access_token}` };
    await fetch(`${provider}/register`, { method: "POST", body: JSON.stringify(credentials) });
    const link = await fetch(`${provider}/login?link=true`, {
      method: "POST",
      body: JSON.stringify(credentials),
      headers,
    });
    expect(link.status).toBe(200);
    await client.expectError(200);
  });
});

const providers = (disabled: Readonly<Record<string, boolean>>): Json =>
  Object.fromEntries(
    Object.entries(disabled).map(([type, isDisabled]) => [
      type,
      {
        name: type,
        type,
        disabled: isDisabled,
        ...(type === "local-userpass" ? { config: { autoConfirm: true } } : {}),
      },
    ]),
  );

describe("the state of synchronisation", () => {
  const stateOf = (state: string): Promise<void> => app.configure(configurationOf(appWithSync({ state })));

  test("paused: sessions end, clients try again by themselves and lose nothing", async () => {
    await stateOf("enabled");
    const one = await device();
    one.file.upload("one");
    await one.file.download();
    await stateOf("disabled");
    const paused = {
      message: "sync is paused for this app",
      action: "Transient",
      tryAgain: true,
      shouldClientReset: false,
      backoffIntervalSec: 5,
      backoffMaxDelaySec: 60,
      backoffMultiplier: 2,
    };
    expect(await one.client.expectError(229)).toMatchObject(paused);
    one.file.unbind();
    one.file.bind(false);
    expect(await one.client.expectError(229)).toMatchObject(paused);
    await stateOf("enabled");
    await comeBack(one);
    one.file.upload("two");
    await one.file.download();
    expect(fixture.ledger().integrated).toEqual(["one", "two"]);
  });

  test("off: the application is told that sync is not enabled, and keeps what it has", async () => {
    await stateOf("enabled");
    const one = await device();
    await stateOf("");
    const off = {
      message: "sync is not enabled for this app",
      action: "ApplicationBug",
      tryAgain: false,
      shouldClientReset: false,
    };
    expect(await one.client.expectError(201)).toMatchObject(off);
    one.file.unbind();
    one.file.bind(false);
    expect(await one.client.expectError(201)).toMatchObject(off);
    const fresh = new ScriptedFile(await fixture.connect());
    fresh.bind(true);
    expect(await fresh.client.expectError(201)).toMatchObject(off);
  });

  test("partition-based: clients of flexible sync are told so, and others still that there is none", async () => {
    await stateOf("enabled");
    const one = await device();
    const { configuration } = readApp(memoryFiles(appWithSync({ type: "partition" })));
    await app.configure(configuration);
    const wrongMode = { action: "ApplicationBug", tryAgain: false, session: 0 };
    const message = "Client connected using flexible sync when app is using partition-based sync";
    expect(await one.client.expectError(114)).toMatchObject({ ...wrongMode, message });
    expect(await (await fixture.connect()).expectError(114)).toMatchObject({ ...wrongMode, message });
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const protocols = ["com.mongodb.realm-sync#14"];
    const old = await ScriptedClient.connect(fixture.url, appId, access_token, { protocols });
    expect(await old.expectError(113)).toMatchObject(wrongMode);
  });
});

describe("client resets", () => {
  test("recover nothing where the app does not want it", async () => {
    await app.configure(configurationOf(appWithSync({ is_recovery_mode_disabled: true })));
    const one = await device();
    one.file.upload("BAD");
    expect(await one.client.expectError(212)).toMatchObject({
      action: "ClientResetNoRecovery",
      isRecoveryModeDisabled: true,
      shouldClientReset: true,
    });
    await configure({});
    const other = await device();
    other.file.upload("BAD");
    expect(await other.client.expectError(212)).toMatchObject({ action: "ClientReset", isRecoveryModeDisabled: false });
  });

  test("of one file, or of all", async () => {
    const [one, other] = [await device(), await device()];
    const sync = await app.sync();
    expect(await sync.forceReset("99")).toBe(false);
    expect(await sync.forceReset(one.file.fileIdent.toString())).toBe(true);
    const reset = { action: "ClientReset", message: "Bad client file identifier (IDENT)" };
    expect(await one.client.expectError(208)).toMatchObject(reset);
    await other.client.expectNothing();
    one.file.unbind();
    one.file.bind(false);
    one.file.ident();
    expect(await one.client.expectError(208)).toMatchObject(reset);
    const third = await device();
    await sync.forceResetAll();
    await other.client.expectError(208);
    await third.client.expectError(208);
  });
});

describe("ways to log in", () => {
  const logInStatus = async (provider: string): Promise<readonly [number, unknown]> => {
    const url = `${fixture.url}/api/client/v2.0/app/${appId}/auth/providers/${provider}/login`;
    const answer = await fetch(url, { method: "POST", body: '{"username":"a@example.com","password":"secret1"}' });
    return [answer.status, ((await answer.json()) as Json)["error"]];
  };
  const refused = (provider: string): readonly [number, unknown] => [
    404,
    `authentication provider not found: '${provider}'`,
  ];

  test("that the app does not have, or disables, are refused", async () => {
    await registerAndLogIn(fixture.url, appId, "a@example.com");
    expect((await logInStatus("anon-user"))[0]).toBe(200);
    await app.configure(configurationOf(appFiles({ "auth/providers.json": providers({ "local-userpass": false }) })));
    expect(await logInStatus("anon-user")).toEqual(refused("anon-user"));
    expect((await logInStatus("local-userpass"))[0]).toBe(200);
    const both = providers({ "anon-user": false, "local-userpass": true });
    await app.configure(configurationOf(appFiles({ "auth/providers.json": both })));
    expect((await logInStatus("anon-user"))[0]).toBe(200);
    expect(await logInStatus("local-userpass")).toEqual(refused("local-userpass"));
    expect((await logInStatus("local-userpass/register")).slice(0, 1)).toEqual([404]);
    await expect(registerAndLogIn(fixture.url, appId, "b@example.com")).rejects.toThrow("404");
  });
});

describe("apps", () => {
  test("are created beside those that the server was started with, and removed with all they have", async () => {
    const kept = new MemoryKeyValue();
    const options = { appIds: ["one"], openKeyValue: () => Promise.resolve(kept) };
    const first = await startFixture(options);
    const { apps } = first.server;
    await expect(apps.create("no id")).rejects.toMatchObject({ code: "bad-app-id" });
    await expect(apps.create("one")).rejects.toMatchObject({ code: "app-exists" });
    await apps.create("two");
    const [creating, again] = [apps.create("three"), apps.create("three")];
    await expect(again).rejects.toMatchObject({ code: "app-exists" });
    await creating;
    await first.stop();

    const second = await startFixture(options);
    const { access_token } = await logInAnonymously(second.url, "two");
    const client = await ScriptedClient.connect(second.url, "two", access_token);
    await openNewFile(client);
    await second.server.apps.remove("two");
    await second.server.apps.remove("nothing");
    expect(await client.expectError(100)).toMatchObject({ message: "the app was deleted" });
    await expect(logInAnonymously(second.url, "two")).rejects.toThrow("404");
    await logInAnonymously(second.url, "three");
    expect((await kept.list("user/")).length).toBe(1);
    await second.stop();
  });
});
