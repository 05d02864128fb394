/** Whatever arrives gets the error that the protocol names, and everybody else goes on. */

import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemHost } from "./host.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import {
  logInAnonymously,
  openNewFile,
  registerAndLogIn,
  ScriptedClient,
  ScriptedFile,
  within,
} from "./testing/scripted-client.js";

let fixture: Fixture;
let bystander: ScriptedFile;
let offsetMs = 0;

beforeEach(async () => {
  offsetMs = 0;
  const environment = { ...systemHost, nowMs: () => Date.now() + offsetMs };
  const limits = { messageBytesMax: 100_000, uploadBytesMax: 200_000, connectionsPerUserMax: 3 };
  fixture = await startFixture({ environment, limits });
  bystander = await openNewFile(await fixture.connect());
});

afterEach(async () => {
  // Others go on, and nothing that was stored is damaged.
  bystander.upload("still here");
  await bystander.download();
  expect(fixture.ledger().integrated.at(-1)).toBe("still here");
  await fixture.stop();
});

describe("messages that break the grammar or the order", () => {
  const cases: readonly [name: string, wire: string, code: number][] = [
    ["an unknown message", "hello 1\n", 102],
    ["no newline", "mark 1 2", 103],
    ["a field too few", "mark 1\n", 103],
    ["leftover data", "mark 1 2\nx", 103],
    ["a number too large", "mark 1 99999999999999999999\n", 103],
    ["an unknown session", "mark 99 1\n", 106],
    ["UNBIND of an unknown session", "unbind 99\n", 106],
    ["a live session's ident again", "bind 1 0 0 1 0\n", 107],
    ["IDENT a second time", "ident 1 5 5 0 0 0 0 0 2\n{}", 109],
    ["a query version again", "query 1 0 2\n{}", 109],
    ["BIND with JSON that is none", "bind 2 1 0 1 0\n{", 103],
    ["truncated body", "upload 1 0 50 0 1 1 1\nabc", 103],
    ["a body that is not zlib", "upload 1 1 50 3 1 1 1\nabc", 110],
    ["a query longer than its message", "query 1 1 50\n{}", 103],
  ];

  test.each(cases)("%s", async (_name, wire, code) => {
    const file = await openNewFile(await fixture.connect());
    file.client.sendRaw(wire);
    const error = await file.client.expectError(code);
    expect(error).toMatchObject({ session: 0, tryAgain: false, action: "ProtocolViolation" });
    expect((await within(file.client.closed, "the end")).code).toBe(1000);
  });

  test.each([
    ["MARK", "mark 1 1\n"],
    ["QUERY", "query 1 1 2\n{}"],
    ["UPLOAD", "upload 1 0 0 0 1 0 0\n"],
    ["JSON_ERROR", "json_error 212 2 1\n{}"],
  ])("%s before IDENT", async (_name, wire) => {
    const client = await fixture.connect();
    new ScriptedFile(client).bind(false);
    client.sendRaw(wire);
    await client.expectError(109);
  });

  test("IDENT before the server's IDENT", async () => {
    const client = await fixture.connect();
    const file = new ScriptedFile(client);
    file.bind(true);
    file.fileIdent = 5n;
    file.fileIdentSalt = 5n;
    file.ident();
    const first = await client.receive();
    if (first.type === "ident") return;
    expect(first).toMatchObject({ type: "json_error", errorCode: 109 });
  });

  test("a text frame", async () => {
    const client = await fixture.connect();
    client.socket.send("mark 1 1\n");
    await client.expectError(103);
  });

  test("data behind the end of a compressed body", async () => {
    const file = await openNewFile(await fixture.connect());
    const body = Buffer.concat([deflateSync(Buffer.from("5 0 1 0 0 ")), Buffer.from("more")]);
    file.client.sendRaw(Buffer.concat([Buffer.from(`upload 1 1 10 ${body.length} 5 1 1\n`), body]));
    await file.client.expectError(110);
  });

  test("nothing is sent or taken after an error of the connection", async () => {
    const file = await openNewFile(await fixture.connect());
    file.client.sendRaw("hello 1\n");
    file.upload("too late");
    file.mark(9);
    await file.client.expectError(102);
    await expect(file.client.receive()).rejects.toThrow("closed with 1000");
    expect(fixture.ledger().integrated).not.toContain("too late");
  });

  test("random bytes, and messages with random damage", async () => {
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const damaged = fc.tuple(
      fc.constantFrom("bind 1 2 0 1 0\n{}", "ident 1 5 5 0 0 0 0 0 2\n{}", "upload 1 0 3 0 1 1 1\nabc", "ping 1 1\n"),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      damaged.map(([wire, changes]) => {
        const message = Buffer.from(wire);
        for (const [position, byte] of changes) message[position % message.length] = byte;
        return new Uint8Array(message);
      }),
    );
    for (const message of fc.sample(bytes, 60)) {
      const client = await ScriptedClient.connect(fixture.url, appId, access_token);
      client.sendRaw(message);
      client.sendRaw("hello\n");
      const answer = client.expect("json_error").catch(() => null);
      expect(await within(client.closed, "the end"), Buffer.from(message).toString("hex")).toMatchObject({
        code: 1000,
      });
      await answer;
    }
  });
});

describe("messages that are too big", () => {
  test("a message over the limit closes with 1009 and the limit", async () => {
    const file = await openNewFile(await fixture.connect());
    file.upload(randomBytes(100_001));
    expect(await within(file.client.closed, "the end")).toEqual({
      code: 1009,
      reason: "read limited at 100000 bytes",
    });
  });

  test("so does one that is only small while compressed", async () => {
    const file = await openNewFile(await fixture.connect());
    file.upload("x".repeat(200_001));
    expect(await within(file.client.closed, "the end")).toEqual({
      code: 1009,
      reason: "read limited at 200000 bytes",
    });
  });

  test("a bomb is stopped at the announced size", async () => {
    const file = await openNewFile(await fixture.connect());
    const bomb = deflateSync(Buffer.alloc(50_000_000));
    file.client.sendRaw(Buffer.concat([Buffer.from(`upload 1 1 1000 ${bomb.length} 1 1 1\n`), bomb]));
    await file.client.expectError(110);
  });
});

describe("upgrades", () => {
  const flexible = "com.mongodb.realm-query-sync";
  const token = async (): Promise<string> => (await logInAnonymously(fixture.url, appId)).access_token;

  test.each([[`${flexible}#8`], [`${flexible}#15`], ["chat"]])("no common version in %s", async (protocol) => {
    const connecting = ScriptedClient.connect(fixture.url, appId, await token(), { protocols: [protocol] });
    await expect(connecting).rejects.toThrow(/^400 REALM_SYNC_PROTOCOL_MISMATCH/);
  });

  test("the newest common version is chosen and answered byte for byte", async () => {
    const protocols = [`${flexible}#16`, `${flexible}#13`, `${flexible}#9`];
    const client = await ScriptedClient.connect(fixture.url, appId, await token(), { protocols });
    expect(client.socket.protocol).toBe(`${flexible}#13`);
    client.close();
  });

  test("the older separator is understood", async () => {
    // WebSocket libraries refuse to offer such a token, so this speaks HTTP.
    const { port } = fixture.server;
    const request = [
      `GET /api/client/v2.0/app/${appId}/realm-sync?baas_at=${await token()} HTTP/1.1`,
      "Host: localhost",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      `Sec-WebSocket-Protocol: ${flexible}/9`,
    ];
    const answer = await rawHttp(port, `${request.join("\r\n")}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toContain(`Sec-WebSocket-Protocol: ${flexible}/9\r\n`);
    expect(answer).toMatch(/X-Appservices-Request-Id: [0-9a-f]{24}\r\n/);
  });

  test("the other kind of sync is told so, harmlessly", async () => {
    const protocols = ["com.mongodb.realm-sync#14"];
    const client = await ScriptedClient.connect(fixture.url, appId, await token(), { protocols });
    expect(await client.expectError(113)).toMatchObject({ session: 0, tryAgain: false, action: "ApplicationBug" });
  });

  test("an unknown app and an unknown path", async () => {
    const access = await token();
    await expect(ScriptedClient.connect(fixture.url, "no such app", access)).rejects.toThrow(
      "404 cannot find app using Client App ID 'no such app'",
    );
    await expect(ScriptedClient.connect(`${fixture.url}/elsewhere`, appId, access)).rejects.toThrow("404");
  });

  test.each([
    ["none", () => "", "invalid session"],
    ["garbage", () => "garbage", "invalid session"],
    ["one of another signer", () => forgedToken(), "invalid session"],
  ])("a bad token (%s) is closed with 4001", async (_name, make, reason) => {
    const client = await ScriptedClient.connect(fixture.url, appId, make());
    expect(await within(client.closed, "the end")).toEqual({ code: 4001, reason });
  });

  test("a refresh token is no access token", async () => {
    const { refresh_token } = await logInAnonymously(fixture.url, appId);
    const client = await ScriptedClient.connect(fixture.url, appId, refresh_token);
    expect((await within(client.closed, "the end")).code).toBe(4001);
  });

  test("a token of another app", async () => {
    const other = await logInAnonymously(fixture.url, "other-app");
    const client = await ScriptedClient.connect(fixture.url, appId, other.access_token);
    expect((await within(client.closed, "the end")).code).toBe(4001);
  });

  test("an expired token", async () => {
    const access = await token();
    offsetMs = 1801 * 1000;
    const client = await ScriptedClient.connect(fixture.url, appId, access);
    expect(await within(client.closed, "the end")).toEqual({
      code: 4001,
      reason: "invalid session: access token expired",
    });
  });

  test("a disabled user is cut off and kept out with 4002, and let in again", async () => {
    const { access_token, user_id } = await registerAndLogIn(fixture.url, appId, "d@example.com");
    const file = await openNewFile(await fixture.connect(access_token));
    await fixture.server.setUserDisabled(appId, user_id, true);
    expect(await within(file.client.closed, "the end")).toMatchObject({ code: 4002 });
    const refused = await ScriptedClient.connect(fixture.url, appId, access_token);
    expect(await within(refused.closed, "the end")).toEqual({ code: 4002, reason: "user disabled" });
    await fixture.server.setUserDisabled(appId, user_id, false);
    await (await fixture.connect(access_token)).expectNothing();
  });

  test("a deleted user is cut off with 4002", async () => {
    const { access_token } = await registerAndLogIn(fixture.url, appId, "e@example.com");
    const file = await openNewFile(await fixture.connect(access_token));
    await fetch(`${fixture.url}/api/client/v2.0/auth/delete`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${access_token}` },
    });
    expect(await within(file.client.closed, "the end")).toMatchObject({ code: 4002 });
  });

  test("too many connections of one user are sent away for a while", async () => {
    const access = await token();
    for (let count = 0; count < 3; count += 1) await fixture.connect(access);
    await expect(ScriptedClient.connect(fixture.url, appId, access)).rejects.toThrow("503");
  });

  test("sockets that break off during the upgrade do no harm", async () => {
    const access = await token();
    const head = `GET /api/client/v2.0/app/${appId}/realm-sync?baas_at=${access} HTTP/1.1\r\nHost: x\r\n`;
    for (let count = 0; count < 20; count += 1) {
      const socket = connect(fixture.server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`${head}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`);
      socket.write(`Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${flexible}#14\r\n\r\n`);
      setImmediate(() => socket.resetAndDestroy());
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
});

describe("limits and idents", () => {
  test("a forged ident gets 208, a wrong salt 211, someone else's file 223", async () => {
    const owner = await openNewFile(await fixture.connect());
    owner.unbind();
    await owner.client.expect("unbound");
    for (const [ident, salt, code] of [
      [999n, 1n, 208],
      [owner.fileIdent, 1n, 211],
      [owner.fileIdent, owner.fileIdentSalt, 223],
    ] as const) {
      const file = new ScriptedFile(await fixture.connect());
      file.fileIdent = ident;
      file.fileIdentSalt = salt;
      await file.open();
      await file.client.expectError(code);
    }
  });

  test("a forged claim that is not judged yet is not held against the owner", async () => {
    const owner = await openNewFile(await fixture.connect());
    for (const salt of [owner.fileIdentSalt - 1n, owner.fileIdentSalt]) {
      owner.unbind();
      await owner.client.expect("unbound");
      const forger = new ScriptedFile(await fixture.connect());
      forger.fileIdent = owner.fileIdent;
      forger.fileIdentSalt = salt;
      let judge = (): void => undefined;
      fixture.ledger().gate = new Promise((resolve) => (judge = resolve));
      await forger.open();
      await forger.client.expectNothing();
      await owner.open();
      await owner.client.expectNothing();
      judge();
      await forger.client.expectError(salt === owner.fileIdentSalt ? 223 : 211);
      await owner.download();
    }
  });

  test("cursors beyond the history get 209 and 210", async () => {
    for (const [server, client, code] of [
      [999, 0, 209],
      [1, 999, 210],
    ] as const) {
      const file = await openNewFile(await fixture.connect());
      file.unbind();
      await file.client.expect("unbound");
      file.downloadServerVersion = server;
      file.downloadClientVersion = client;
      await file.open();
      expect(await file.client.expectError(code)).toMatchObject({ session: 1, action: "ClientReset" });
    }
  });

  test("too many sessions on a connection", async () => {
    await fixture.stop();
    fixture = await startFixture({ limits: { sessionsPerConnectionMax: 2 } });
    bystander = await openNewFile(await fixture.connect());
    const client = await fixture.connect();
    await openNewFile(client, 1);
    await openNewFile(client, 2);
    new ScriptedFile(client, 3).bind(true);
    expect(await client.expectError(201)).toMatchObject({ session: 3, tryAgain: true, backoffIntervalSec: 60 });
    await client.expectNothing();
  });

  test("connections that fall silent, or hold no session, are dropped", async () => {
    await fixture.stop();
    const due: (() => void)[] = [];
    const environment = {
      ...systemHost,
      nowMs: () => Date.now() + offsetMs,
      after: (delayMs: number, run: () => void): (() => void) => {
        if (delayMs === 60_000) due.push(run);
        return delayMs === 60_000 ? () => undefined : systemHost.after(delayMs, run);
      },
    };
    fixture = await startFixture({ environment });
    bystander = await openNewFile(await fixture.connect());
    const bare = await fixture.connect();
    const silent = await openNewFile(await fixture.connect());
    offsetMs = 11 * 60_000;
    due.shift()?.();
    expect((await within(bare.closed, "the end")).code).toBe(1006);
    await bystander.client.expectNothing();
    offsetMs = 35 * 60_000;
    due.shift()?.();
    expect((await within(silent.client.closed, "the end")).code).toBe(1006);
  });
});

describe("slow receivers", () => {
  test(
    "no more downloads are made than fit the limit, and all arrive once it reads again",
    { timeout: 30_000 },
    async () => {
      await fixture.stop();
      const limits = { waitingBytesMax: 200_000, downloadBytesMax: 50_000 };
      fixture = await startFixture({ limits });
      bystander = await openNewFile(await fixture.connect());
      const slow = await openNewFile(await fixture.connect());
      slow.client.socket.pause();
      const parts = 300;
      for (let part = 0; part < parts; part += 1) {
        bystander.upload(randomBytes(20_000).toString("latin1"));
      }
      while (bystander.uploadClientVersion < bystander.clientVersion) await bystander.download();
      await new Promise((resolve) => setTimeout(resolve, 200));
      const waiting = (await fixture.server.status()).connections.map((one) => one.waitingBytes);
      expect(Math.max(...waiting)).toBeGreaterThan(100_000);
      expect(Math.max(...waiting)).toBeLessThan(500_000);
      slow.client.socket.resume();
      while (slow.received.length < parts) await slow.download();
    },
  );

  test("a receiver that never reads is dropped", { timeout: 30_000 }, async () => {
    await fixture.stop();
    fixture = await startFixture({ limits: { waitingBytesHardMax: 100_000 } });
    bystander = await openNewFile(await fixture.connect());
    const file = await openNewFile(await fixture.connect());
    file.client.socket.pause();
    // Each query is answered by an error that names its table, as long as the query itself.
    const set = JSON.stringify({ ["x".repeat(90_000)]: 5 });
    for (let version = 1; version <= 300; version += 1) file.sendQuery(version, set);
    for (;;) {
      const { totals } = await fixture.server.status();
      if (totals["openConnections"] === 1) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    file.client.socket.resume();
    expect((await within(file.client.closed, "the end")).code).toBe(1006);
  });

  test("reading pauses while too much is not worked through", { timeout: 30_000 }, async () => {
    await fixture.stop();
    fixture = await startFixture({ limits: { pendingBytesMax: 100_000 } });
    bystander = await openNewFile(await fixture.connect());
    const fast = await openNewFile(await fixture.connect());
    const ledger = fixture.ledger();
    let open = (): void => undefined;
    ledger.gate = new Promise((resolve) => (open = resolve));
    for (let count = 0; count < 100; count += 1) fast.upload(randomBytes(20_000).toString("latin1"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const pending = (await fixture.server.status()).connections.map((one) => one.pendingBytes);
    expect(Math.max(...pending)).toBeGreaterThan(90_000);
    expect(Math.max(...pending)).toBeLessThan(400_000);
    open();
    while (fast.uploadClientVersion < fast.clientVersion) await fast.download();
    expect(ledger.integrated).toHaveLength(100);
    // The bystander's own cursors catch up before the check at the end.
    while (bystander.received.length < 100) await bystander.download();
  });
});

function forgedToken(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: "a", iss: "b", typ: "access", baas_device_id: "c", baas_domain_id: "d", iat: 1, exp: 4e9 };
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.x`;
}

function rawHttp(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.on("data", (data) => {
      resolve(data.toString("latin1"));
      socket.destroy();
    });
    socket.write(request);
  });
}
