/** What clients are told of versions of the schema (235, 236): sessions over a fake ledger. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import { logInAnonymously, openNewFile, ScriptedClient, ScriptedFile } from "./testing/scripted-client.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = await startFixture();
});

afterEach(() => fixture.stop());

test("a version that there is not is refused at BIND, before a file gets an ident", async () => {
  const client = await fixture.connect();
  const file = new ScriptedFile(client);
  file.schemaVersion = 1;
  file.bind(true);
  const error = await client.expectError(235);
  expect(error).toMatchObject({ session: 1, action: "ApplicationBug", tryAgain: false });
  await client.expectNothing();
  file.unbind();
  await client.expectNothing();
  fixture.ledger().newestSchemaVersion = 1;
  file.bind(true);
  await client.expect("ident");
});

test("a file of another version is told so on each BIND, and its session goes on", async () => {
  const client = await fixture.connect();
  const file = await openNewFile(client);
  fixture.ledger().newestSchemaVersion = 1;
  file.schemaVersion = 1;
  for (const text of ["one", "two"]) {
    file.unbind();
    await client.expect("unbound");
    await file.open();
    const error = await client.expectError(236);
    expect(error).toMatchObject({ action: "MigrateSchema", tryAgain: true, previousSchemaVersion: 0, session: 1 });
    await file.download();
    file.upload(text);
    expect((await file.download()).uploadClientVersion).toBe(file.clientVersion);
  }
  expect(fixture.ledger().integrated).toEqual(["one", "two"]);
  file.unbind();
  await client.expect("unbound");
  file.schemaVersion = 0;
  await file.open();
  await file.download();
  // A new file is of the version that it comes with.
  const fresh = new ScriptedFile(await fixture.connect());
  fresh.schemaVersion = 1;
  await fresh.open();
  await fresh.download();
});

test("clients from before there were versions are of the first, whatever they say", async () => {
  const { access_token: token } = await logInAnonymously(fixture.url, appId);
  const protocols = ["com.mongodb.realm-query-sync#10"];
  const client = await ScriptedClient.connect(fixture.url, appId, token, { protocols });
  const file = await openNewFile(client, 1, 7);
  // It may have been opened by a newer one before: that would not help this one.
  fixture.ledger().newestSchemaVersion = 7;
  file.unbind();
  await client.expect("unbound");
  await file.open();
  await file.download();
  await client.expectNothing();
  client.close();
});
