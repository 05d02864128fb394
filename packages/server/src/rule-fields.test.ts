/** Our own clients are told which fields the rules look at, when a session begins and when that changes. */

import { parseLogInformation, parseServerMessage } from "@tidemark/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "./app.js";
import { readApp, readAppRules } from "./app-rules.js";
import { ruleFields } from "./rules/rule-fields.js";
import { app as appFiles, appWithSync, type FileContents, memoryFiles, tasks } from "./testing/app-files.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import { ScriptedFile } from "./testing/scripted-client.js";

const role = (filters: { readonly read: unknown; readonly write: unknown }, others = {}): object => ({
  name: "anybody",
  apply_when: { "%%user.custom_data.team": "a" },
  document_filters: filters,
  read: true,
  ...others,
});
const rules = (...roles: readonly object[]): FileContents => ({
  [`${tasks}rules.json`]: { database: "shop", collection: "tasks", roles },
});
const owned = role({ read: { owner_id: "%%user.id" }, write: false });

let fixture: Fixture;
let app: App;

beforeEach(async () => {
  fixture = await startFixture();
  const found = await fixture.server.apps.find(appId);
  if (found === undefined) throw new Error("there is no app");
  app = found;
});

afterEach(() => fixture.stop());

/** A session of a client, and what it was told so far. */
async function listen(json: string): Promise<{ readonly file: ScriptedFile; readonly told: () => unknown[] }> {
  const client = await fixture.connect();
  const told: unknown[] = [];
  client.socket.on("message", (data: Buffer) => {
    const message = parseServerMessage(data);
    const hints = message.type === "log_message" ? parseLogInformation(message.body).tidemark : undefined;
    if (hints !== undefined) told.push(hints.ruleFields);
  });
  const file = new ScriptedFile(client);
  file.bind(true, json);
  Object.assign(file, await client.expect("ident"));
  file.ident();
  await file.download();
  await client.expectNothing();
  return { file, told: () => told.splice(0) };
}

const ours = '{"schemaVersion":0,"sessionReason":0,"tidemark":1}';

test("fields of all roles of a class count, wherever in an expression they stand", () => {
  const files = rules(
    role({ read: { $or: [{ owner_id: "%%user.id" }, { "%%user.id": "x" }] }, write: { $not: { done: true } } }),
    role({ read: false, write: false }, { insert: { title: { $exists: true } }, delete: { $and: [{ count: 1 }] } }),
  );
  const { rules: read } = readAppRules(readApp(memoryFiles(appFiles(files))).configuration);
  expect(ruleFields(read, ["Other"])).toEqual({ Task: ["count", "done", "owner_id", "title"] });
});

test("our clients are told at the beginning, and when it changes; others are not", async () => {
  const configure = (files: FileContents): Promise<void> => app.configure(readApp(memoryFiles(files)).configuration);
  await configure(appFiles(rules(owned)));
  const [own, other] = [await listen(ours), await listen('{"schemaVersion":0,"sessionReason":0}')];
  expect(own.told()).toEqual([{ Task: ["owner_id"] }]);
  // A role that is not theirs has changed: the session goes on, and knows.
  await configure(appFiles(rules(role({ read: { done: true }, write: false }))));
  await own.file.client.expectNothing();
  expect(own.told()).toEqual([{ Task: ["done"] }]);
  await other.file.client.expectNothing();
  expect(other.told()).toEqual([]);
});

test("roles for all classes count for those that a client adds", async () => {
  const defaults = { "data_sources/mongodb-atlas/default_rule.json": { roles: [owned] } };
  const files = appWithSync({ development_mode_enabled: true }, defaults);
  await app.configure(readApp(memoryFiles(files)).configuration);
  const { file, told } = await listen(ours);
  expect(told()).toEqual([{ Task: ["owner_id"] }]);
  file.upload("SCHEMA Added");
  await file.download();
  await file.client.expectNothing();
  expect(told()).toEqual([{ Added: ["owner_id"], Task: ["owner_id"] }]);
});
