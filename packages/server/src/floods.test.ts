/** Floods of messages that are each allowed take up no more than the limits say. */

import { EventEmitter } from "node:events";
import type { WebSocket } from "ws";
import { afterEach, describe, expect, test } from "vitest";
import { type AllWaiting, SyncConnection } from "./connection.js";
import { systemHost } from "./host.js";
import { defaultServerLimits, type ServerLimits } from "./limits.js";
import { silentLogger } from "./logger.js";
import { Metrics } from "./metrics.js";
import type { SyncApp } from "./sync-app.js";
import { type Fixture, startFixture } from "./testing/fixture.js";
import { openNewFile, ScriptedFile, within } from "./testing/scripted-client.js";

let fixture: Fixture | undefined;

afterEach(async () => {
  await fixture?.stop();
  fixture = undefined;
});

async function started(limits: Partial<ServerLimits>): Promise<Fixture> {
  fixture = await startFixture({ limits });
  return fixture;
}

describe("sessions", () => {
  test("a connection that binds on and on, though refused, is ended", async () => {
    const { connect } = await started({ sessionsPerConnectionMax: 2, refusedSessionsMax: 5 });
    const client = await connect();
    for (let session = 1; session <= 20; session += 1) new ScriptedFile(client, session).bind(true);
    const refused: number[] = [];
    for (;;) {
      const message = await client.receive();
      if (message.type !== "json_error") continue;
      if (message.session === 0) {
        expect(message.errorCode).toBe(101);
        break;
      }
      refused.push(message.session);
    }
    expect(refused).toEqual([3, 4, 5, 6, 7]);
    expect((await within(client.closed, "the end")).code).toBe(1000);
  });

  test("one that ends what was refused may go on", async () => {
    const { connect } = await started({ sessionsPerConnectionMax: 2, refusedSessionsMax: 2 });
    const client = await connect();
    await openNewFile(client, 1);
    await openNewFile(client, 2);
    for (let session = 3; session <= 20; session += 1) {
      const file = new ScriptedFile(client, session);
      file.bind(true);
      await client.expectError(201);
      file.unbind();
    }
    await client.expectNothing();
  });
});

describe("marks", () => {
  test("of very many that wait, the newest is answered", async () => {
    const { connect } = await started({ marksMax: 10 });
    const file = await openNewFile(await connect());
    const command = (name: string): void =>
      file.client.send({ type: "test_command", session: 1, request: 1, body: JSON.stringify({ command: name }) });
    command("PAUSE_DOWNLOAD_BUILDER");
    for (let request = 2; request <= 1000; request += 1) file.mark(request);
    command("RESUME_DOWNLOAD_BUILDER");
    const answered: number[] = [];
    while (answered.at(-1) !== 1000) {
      const message = await file.client.receive();
      if (message.type === "mark") answered.push(message.request);
    }
    expect(answered).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 1000]);
  });

  test("many that cannot be worked through yet stop the reading", async () => {
    const { connect, ledger, server } = await started({ pendingBytesMax: 100_000 });
    const file = await openNewFile(await connect());
    let open = (): void => undefined;
    ledger().gate = new Promise((resolve) => (open = resolve));
    file.upload("first");
    const count = 60_000;
    for (let request = 2; request <= count; request += 1) file.mark(request);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What the library has already taken from the socket is still delivered.
    expect((await server.status()).totals["messagesReceived"]).toBeLessThan(count / 3);
    open();
    for (;;) {
      const message = await file.client.receive();
      if (message.type === "mark" && message.request === count) break;
    }
  });
});

/** A socket that takes everything and never gets rid of it. */
class DeafSocket extends EventEmitter {
  sent = 0;
  isTerminated = false;
  send(): void {
    this.sent += 1;
  }
  terminate(): void {
    this.isTerminated = true;
    this.emit("close");
  }
}

function deafConnection(limits: Partial<ServerLimits>, allWaiting: AllWaiting): DeafSocket {
  const socket = new DeafSocket();
  const app = {
    id: "app",
    limits: { ...defaultServerLimits, ...limits },
    host: systemHost,
    metrics: new Metrics(systemHost),
    logger: silentLogger,
    connections: new Set(),
    settings: { syncType: "flexible" },
  };
  new SyncConnection({
    allWaiting,
    socket: socket as unknown as WebSocket,
    app: app as unknown as SyncApp,
    userId: "user",
    subProtocol: { mode: "flexible", version: 14, token: "" },
    requestId: "",
    logUrl: "",
    remoteAddress: "",
    onClosed: () => undefined,
  }).start();
  return socket;
}

function ping(socket: DeafSocket, count: number): void {
  for (let n = 0; n < count; n += 1) socket.emit("message", Buffer.from("ping 1 1\n"), true);
}

describe("answers that nobody reads", () => {
  test("short ones count as what they take up, not as their bytes", () => {
    const allWaiting = { bytes: 0 };
    const socket = deafConnection({ waitingBytesHardMax: 1_000_000 }, allWaiting);
    ping(socket, 10_000);
    expect(socket.isTerminated).toBe(true);
    expect(socket.sent).toBeLessThan(3_000);
    expect(allWaiting.bytes).toBe(0);
  });

  test("when too much waits for all together, whoever makes much wait is dropped, and others are not", () => {
    const allWaiting = { bytes: 0 };
    const limits = { waitingBytesMax: 100_000, waitingBytesAllMax: 1_000_000 };
    const modest = deafConnection(limits, allWaiting);
    ping(modest, 10);
    const sockets = Array.from({ length: 50 }, () => deafConnection(limits, allWaiting));
    for (let round = 0; round < 40; round += 1) for (const socket of sockets) ping(socket, 10);
    expect(sockets.some(({ isTerminated }) => isTerminated)).toBe(true);
    expect(modest.isTerminated).toBe(false);
    // Everybody keeps what may wait for one.
    expect(allWaiting.bytes).toBeLessThan(1_000_000 + sockets.length * 101_000);
  });
});
