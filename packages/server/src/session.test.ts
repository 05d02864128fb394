import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "./logger.js";
import { restartLaterSeconds } from "./session.js";
import { startFixture, type Fixture, appId } from "./testing/fixture.js";
import {
  logInAnonymously,
  openNewFile,
  ScriptedClient,
  ScriptedFile,
  subscribe,
  within,
} from "./testing/scripted-client.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = await startFixture();
});

afterEach(() => fixture.stop());

describe("a new file", () => {
  test("gets an ident, the bootstrap of query 0 and the answer of its mark", async () => {
    const client = await fixture.connect();
    const file = new ScriptedFile(client);
    file.bind(true);
    const ident = await client.expect("ident");
    expect(ident.session).toBe(1);
    expect(ident.fileIdent).toBeGreaterThan(1n);
    file.fileIdent = ident.fileIdent;
    file.fileIdentSalt = ident.fileIdentSalt;
    file.ident();
    file.mark(2);
    const bootstrap = await file.download();
    expect(bootstrap).toMatchObject({ queryVersion: 0, batchState: 1, progressEstimate: 1 });
    expect(await client.expect("mark")).toEqual({ type: "mark", session: 1, request: 2 });
    await client.expectNothing();
  });

  test("uploads, subscribes and ends", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.upload("SCHEMA Item");
    const acknowledgement = await file.download();
    expect(acknowledgement).toMatchObject({ uploadClientVersion: 2, batchState: 2, uncompressedSize: 0 });
    await subscribe(file, '{"Item":"(TRUEPREDICATE)"}');
    file.upload("one", "two");
    expect((await file.download()).uploadClientVersion).toBe(4);
    file.unbind();
    expect(await client.expect("unbound")).toEqual({ type: "unbound", session: 1 });
    await client.expectNothing();
    expect(fixture.ledger().integrated).toEqual(["SCHEMA Item", "one", "two"]);
  });

  test("an upload without changesets needs no answer", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.clientVersion = 9;
    file.upload();
    file.mark(5);
    await client.expect("mark");
    await client.expectNothing();
  });

  test("a compressed upload arrives whole", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    const long = "long ".repeat(10_000);
    file.upload(long);
    await file.download();
    expect(fixture.ledger().integrated).toEqual([long]);
  });

  test("a log message with the request's id follows BIND", async () => {
    const client = await fixture.connect();
    const raw = new Promise<string>((resolve) => {
      client.socket.once("message", (data: Buffer) => resolve(data.toString()));
    });
    new ScriptedFile(client).bind(false);
    expect(await raw).toMatch(/^log_message 1 \d+\n\{"co_id":"[0-9a-f]{24}"\}$/);
  });
});

describe("marks and bootstraps", () => {
  test("a mark waits for the bootstrap of the query before it, through all its parts", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.sendQuery(1, '{"Item":"parts:4"}');
    file.mark(2);
    const states: number[] = [];
    const progress: number[] = [];
    for (let part = 0; part < 4; part += 1) {
      const message = await file.download();
      states.push(message.batchState);
      progress.push(message.progressEstimate);
    }
    expect(states).toEqual([0, 0, 0, 1]);
    expect(progress).toEqual([0.25, 0.5, 0.75, 1]);
    expect(await client.expect("mark")).toMatchObject({ request: 2 });
  });

  test("queries are answered in order, also when they come at once", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.sendQuery(1, '{"Item":"parts:3"}');
    file.sendQuery(2, '{"Item":"wrong"}');
    file.sendQuery(3, '{"Item":"parts:1"}');
    file.mark(9);
    for (const state of [0, 0, 1]) {
      expect(await file.download()).toMatchObject({ queryVersion: 1, batchState: state });
    }
    expect(await client.expect("query_error")).toMatchObject({ errorCode: 226, session: 1, queryVersion: 2 });
    expect(await file.download()).toMatchObject({ queryVersion: 3, batchState: 1 });
    expect(await client.expect("mark")).toMatchObject({ request: 9 });
  });

  test("an upload behind a query is integrated after the bootstrap", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.sendQuery(1, '{"Item":"parts:5"}');
    file.upload("after");
    for (let part = 0; part < 5; part += 1) await file.download();
    expect(file.uploadClientVersion).toBe(0);
    expect((await file.download()).uploadClientVersion).toBe(2);
  });

  test("an upload before a query is integrated before the bootstrap", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.upload("before");
    file.sendQuery(1, '{"Item":"parts:1"}');
    let message = await file.download();
    if (message.batchState === 2) message = await file.download();
    expect(message).toMatchObject({ batchState: 1, uploadClientVersion: 2 });
  });

  test("a refused query leaves the session alive and its mark answered", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.sendQuery(1, '{"Item":"wrong"}');
    file.mark(2);
    const error = await client.expect("query_error");
    expect(error.message).toContain("Invalid query:");
    expect(await client.expect("mark")).toMatchObject({ request: 2 });
    file.sendQuery(2, '{"Item":"right"}');
    expect(await file.download()).toMatchObject({ queryVersion: 2, batchState: 1 });
  });

  test.each([
    ["[]", "not an object"],
    ["{", "not JSON"],
    ['{"Item":5}', "not a string"],
    [JSON.stringify({ Item: "x".repeat(256 * 1024 + 1) }), "longer than 262144 bytes"],
    [JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`C${i}`, "x"]))), "more than 1000"],
  ])("a set outside the limits gets a query error", async (set, text) => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.sendQuery(1, set);
    expect((await client.expect("query_error")).message).toContain(text);
    await client.expectNothing();
  });

  test("a mark is answered though others keep writing", async () => {
    const writer = await openNewFile(await fixture.connect());
    const reader = await openNewFile(await fixture.connect());
    for (let round = 0; round < 20; round += 1) writer.upload(`write ${round}`);
    reader.mark(7);
    for (;;) {
      const message = await reader.client.receive();
      if (message.type === "mark") break;
      if (message.type === "download") await reader.take(message);
    }
  });
});

describe("several clients", () => {
  test("what one uploads the others download, with its origin", async () => {
    const a = await openNewFile(await fixture.connect());
    const b = await openNewFile(await fixture.connect());
    a.upload("from a");
    expect((await a.download()).uncompressedSize).toBe(0);
    await b.download();
    expect(b.received).toEqual(["from a"]);
    b.upload("from b");
    await b.download();
    await a.download();
    expect(a.received).toEqual(["from b"]);
  });

  test("nobody whom an upload does not concern is asked what it is owed", async () => {
    const [writer, reader] = await Promise.all([fixture.connect(), fixture.connect()]);
    const [writing, reading] = [await openNewFile(writer), await openNewFile(reader)];
    fixture.ledger().concernsUploadersOnly = true;
    writing.upload("for nobody");
    await writing.download();
    await reader.expectNothing();
    fixture.ledger().concernsUploadersOnly = false;
    writing.upload("for all");
    await writing.download();
    await reading.download();
    expect(reading.received).toEqual(["for nobody", "for all"]);
  });

  test("uploads that arrive during a commit share the next one", async () => {
    const files = [];
    for (let count = 0; count < 4; count += 1) files.push(await openNewFile(await fixture.connect()));
    const ledger = fixture.ledger();
    let open = (): void => undefined;
    ledger.gate = new Promise((resolve) => (open = resolve));
    files[0]?.upload("first");
    while (ledger.commits.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const [index, file] of files.entries()) {
      file.upload(`a${index}`);
      file.upload(`b${index}`);
    }
    while (fixture.server.metrics.total("uploads") < 9) await new Promise((resolve) => setTimeout(resolve, 5));
    open();
    for (const file of files) {
      while (file.uploadClientVersion < file.clientVersion) await file.download();
    }
    expect(ledger.commits).toEqual([1, 8]);
    for (const index of [0, 1, 2, 3]) {
      const order = ledger.integrated.filter((text) => text.endsWith(String(index)));
      expect(order).toEqual([`a${index}`, `b${index}`]);
    }
  });

  test("a bad changeset ends its own session only", async () => {
    const a = await openNewFile(await fixture.connect());
    const b = await openNewFile(await fixture.connect());
    a.upload("BAD");
    a.upload("dropped");
    expect(await a.client.expectError(212)).toMatchObject({ session: 1, action: "ClientReset", tryAgain: false });
    a.mark(5);
    a.upload("ignored");
    b.upload("good");
    await b.download();
    expect(fixture.ledger().integrated).toEqual(["good"]);
    await a.client.expectNothing();
  });

  test("one that meets damage is told to come back later, and who runs the server what is damaged", async () => {
    const logged: unknown[] = [];
    const note = (details: object): void => void logged.push(details);
    await fixture.stop();
    fixture = await startFixture({ logger: { ...silentLogger, error: note } });
    const a = await openNewFile(await fixture.connect());
    const b = await openNewFile(await fixture.connect());
    a.upload("DAMAGED");
    const error = await a.client.expectError(201);
    expect(error).toMatchObject({ action: "Transient", tryAgain: true, message: "internal server error" });
    expect(error).toMatchObject(restartLaterSeconds);
    b.upload("good");
    await b.download();
    expect(fixture.ledger().integrated).toEqual(["good"]);
    expect(logged).toMatchObject([{ err: { message: "the ledger is damaged: an entry is missing" } }]);
  });
});

describe("compensating writes", () => {
  test("the error comes before the download that holds the compensation", async () => {
    const file = await openNewFile(await fixture.connect());
    file.upload("fine", "REJECT this");
    const error = await file.client.expectError(231);
    expect(error).toMatchObject({
      session: 1,
      action: "Warning",
      tryAgain: true,
      message: "Client attempted a write that is not allowed; it has been reverted",
      rejectedClientVersion: 3,
      rejectedUpdates: [{ table: "Item", pk: "AQU=" }],
    });
    expect(error.logURL).toContain("logs?co_id=");
    const download = await file.download();
    expect(download.downloadServerVersion).toBe(error.compensatingWriteServerVersion);
    expect(file.received).toEqual(["REJECT this"]);
  });

  test("it is sent again, before the downloads, until the client has passed it", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const file = await openNewFile(await fixture.connect(access_token));
    file.upload("REJECT this");
    await file.client.expectError(231);
    file.client.close();
    file.client = await fixture.connect(access_token);
    await file.open();
    await file.client.expectError(231);
    await file.download();
    file.client.close();
    file.client = await fixture.connect(access_token);
    await file.open();
    await file.download();
  });
});

describe("reconnecting", () => {
  test("a returning file is acknowledged at once", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const file = await openNewFile(await fixture.connect(access_token));
    file.upload("one");
    await file.download();
    file.client.close();
    file.client = await fixture.connect(access_token);
    await file.open();
    expect(await file.download()).toMatchObject({ batchState: 2, uploadClientVersion: 2, uncompressedSize: 0 });
    file.mark(1);
    await file.client.expect("mark");
  });

  test("what is uploaded twice is integrated once", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const file = await openNewFile(await fixture.connect(access_token));
    file.upload("one");
    await file.download();
    file.clientVersion -= 1;
    file.upload("one");
    file.mark(4);
    await file.client.expect("mark");
    expect(fixture.ledger().integrated).toEqual(["one"]);
  });

  test("a file that turns up on a second connection ends the first", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const old = await fixture.connect(access_token);
    const file = await openNewFile(old);
    file.client = await fixture.connect(access_token);
    await file.open();
    await file.download();
    expect((await within(old.closed, "the old connection's end")).code).toBe(1006);
    await file.client.expectNothing();
  });

  test("nobody ends a stranger's connection with a forged ident", async () => {
    const victim = await openNewFile(await fixture.connect());
    for (const [salt, code] of [
      [victim.fileIdentSalt, 223],
      [victim.fileIdentSalt + 1n, 211],
    ] as const) {
      const attacker = new ScriptedFile(await fixture.connect());
      attacker.fileIdent = victim.fileIdent;
      attacker.fileIdentSalt = salt;
      await attacker.open();
      await attacker.client.expectError(code);
    }
    await victim.client.expectNothing();
  });

  test("uploads of a connection that was lost are integrated before the file is bound again", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const file = await openNewFile(await fixture.connect(access_token));
    const ledger = fixture.ledger();
    let open = (): void => undefined;
    ledger.gate = new Promise((resolve) => (open = resolve));
    file.upload("late");
    while (ledger.commits.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    file.client.close();
    file.client = await fixture.connect(access_token);
    await file.open();
    open();
    expect(await file.download()).toMatchObject({ uploadClientVersion: 2 });
  });
});

describe("several sessions on one connection", () => {
  test("run beside each other", async () => {
    const client = await fixture.connect();
    const one = await openNewFile(client, 1);
    const two = await openNewFile(client, 7);
    one.upload("hello");
    const messages = [await client.expect("download"), await client.expect("download")];
    expect(messages.map((message) => message.session).sort()).toEqual([1, 7]);
    for (const message of messages) await (message.session === 1 ? one : two).take(message);
    expect(two.received).toEqual(["hello"]);
    one.unbind();
    await client.expect("unbound");
    two.mark(3);
    expect(await client.expect("mark")).toMatchObject({ session: 7, request: 3 });
  });

  test("a session ident may be used again after UNBOUND", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.unbind();
    await client.expect("unbound");
    await file.open();
    await file.download();
  });

  test("a file that is bound twice on one connection is an error of the connection", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client, 1);
    const twin = new ScriptedFile(client, 2);
    twin.fileIdent = file.fileIdent;
    twin.fileIdentSalt = file.fileIdentSalt;
    await twin.open();
    expect(await client.expectError(108)).toMatchObject({ session: 0, action: "ProtocolViolation" });
    await within(client.closed, "the end of the connection");
  });
});

describe("errors of a session", () => {
  test("after an error everything is ignored until UNBIND, which is not answered", async () => {
    const client = await fixture.connect();
    const file = await openNewFile(client);
    file.fileIdent = 999n;
    file.unbind();
    await client.expect("unbound");
    await file.open();
    await client.expectError(208);
    file.mark(1);
    file.upload("ignored");
    file.ident();
    await client.expectNothing();
    file.unbind();
    await client.expectNothing();
    const again = new ScriptedFile(client, 1);
    await again.open();
    await again.download();
  });

  test("a client's own error is answered by a client reset", async () => {
    const client = await fixture.connect();
    await openNewFile(client);
    client.send({ type: "json_error", errorCode: 212, session: 1, body: '{"message":"BadChangeset: no"}' });
    const error = await client.expectError(217);
    expect(error).toMatchObject({ session: 1, action: "ClientReset", shouldClientReset: true });
    expect(error.message).toContain("BadChangeset: no");
  });

  test("a failing ledger ends the sessions concerned, not the server", async () => {
    const file = await openNewFile(await fixture.connect());
    fixture.ledger().failure = new Error("disk full");
    file.upload("one");
    expect(await file.client.expectError(201)).toMatchObject({ tryAgain: true, backoffIntervalSec: 60 });
    fixture.ledger().failure = null;
    const other = await openNewFile(await fixture.connect());
    await other.client.expectNothing();
  });

  test("test commands: echo an error, pause and resume downloads", async () => {
    const a = await openNewFile(await fixture.connect());
    const b = await openNewFile(await fixture.connect());
    const command = (text: string): void => b.client.send({ type: "test_command", session: 1, request: 1, body: text });
    command('{"command":"PAUSE_DOWNLOAD_BUILDER","args":{}}');
    await b.client.expect("test_command");
    a.upload("hello");
    await a.download();
    await b.client.expectNothing();
    command('{"command":"RESUME_DOWNLOAD_BUILDER","args":{}}');
    await b.client.expect("test_command");
    await b.download();
    command(
      '{"command":"ECHO_ERROR","args":{"errorCode":229,"errorBody":{"message":"later","action":"Transient","tryAgain":true}}}',
    );
    await b.client.expect("test_command");
    expect(await b.client.expectError(229)).toMatchObject({ message: "later", action: "Transient", tryAgain: true });
  });
});

describe("stopping", () => {
  test("clients are told to come back, and what they uploaded is integrated", async () => {
    const file = await openNewFile(await fixture.connect());
    file.upload("last");
    await file.download();
    const ended = fixture.server.stop();
    expect(await file.client.expectError(100)).toMatchObject({ session: 0, tryAgain: true, action: "Transient" });
    await ended;
    await expect(ScriptedClient.connect(fixture.url, appId, "x")).rejects.toThrow();
  });
});
