import { errorCode, errorInformation } from "@tidemark/protocol";
import { beforeEach, expect, test } from "vitest";
import { syncStatusCode } from "../errors.js";
import { LoopHarness } from "../testing/loop-harness.js";

let loop: LoopHarness;
beforeEach(() => {
  loop = new LoopHarness();
});

/** Errors since the last call. */
function takeErrors(): unknown[] {
  return loop.takeEvents().flatMap((event) => (event.type === "error" ? [[event.consequence, event.error]] : []));
}

test("a connection that cannot even be begun is told, and begun again only when the application wants it", async () => {
  const { sockets } = loop.host;
  let attempts = 0;
  Object.assign(loop.host, {
    sockets: {
      open: () => {
        attempts += 1;
        throw new TypeError("Header name must be a valid HTTP token");
      },
    },
  });
  await loop.user();
  await loop.activate();
  await loop.host.advance(600_000);
  const error = { status: syncStatusCode.syncConnectFailed, isFatal: true };
  expect(takeErrors()).toMatchObject([["warn", { ...error, message: "Header name must be a valid HTTP token" }]]);
  expect(attempts).toBe(1);
  Object.assign(loop.host, { sockets });
  await loop.do({ type: "reconnect", session: 1 });
  await loop.accept();
  expect(loop.takeStates()).toEqual(["connecting", "connected"]);
});

test("a file that cannot be read when there is something to send ends its session, and no other", async () => {
  await loop.reachSteadyState();
  loop.file.fault = new Error("the disk is full");
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 });
  expect(takeErrors()).toMatchObject([
    ["stop", { status: syncStatusCode.runtimeError, message: "the disk is full", isFatal: true }],
  ]);
  loop.file.fault = undefined;
  await loop.deactivate();
  expect(loop.file.openCount).toBe(0);
});

test("an app's times are those of its connections", async () => {
  await loop.user();
  await loop.activate(1, true, "/file", { connectTimeoutMs: 5_000, backOffInitialMs: 100 });
  await loop.host.advance(4_999);
  expect(loop.takeStates()).toEqual(["connecting"]);
  await loop.host.advance(1);
  expect(loop.takeStates()).toEqual(["disconnected"]);
  await loop.host.advance(100);
  expect(loop.takeStates()).toEqual(["connecting"]);
});

test("a realm that is opened with another version of the schema while uploads finish begins anew with it", async () => {
  await loop.reachSteadyState();
  loop.file.commit();
  await loop.do({ type: "finish", session: 1, generation: 2 });
  loop.host.socket.take();
  const settings = { ...loop.settings("/file-1"), schemaVersion: 3 };
  await loop.do({ type: "activate", session: 1, generation: 3, settings });
  const sent = loop.host.socket.take();
  expect(sent.map(({ type }) => type)).toEqual(["unbind", "bind", "ident", "mark"]);
  expect(sent[1]).toMatchObject({ json: expect.stringContaining(`"schemaVersion":3`) as string });
  expect(loop.file.openCount).toBe(1);
});

test("a realm that is opened again before the loop has its file is reset like any other", async () => {
  loop.resetPolicy = "recover";
  loop.file.commit();
  await loop.user();
  loop.client.handle({ type: "activate", session: 1, generation: 1, settings: loop.settings("/file-1") });
  loop.client.handle({ type: "finish", session: 1, generation: 2 });
  loop.client.handle({ type: "activate", session: 1, generation: 3, settings: loop.settings("/file-1") });
  await loop.host.run();
  await loop.accept();
  loop.takeEvents();
  const body = errorInformation(errorCode.badClientFileIdent, "reset", { action: "ClientReset", tryAgain: false });
  await loop.answer({
    type: "json_error",
    errorCode: errorCode.badClientFileIdent,
    session: 1,
    body: JSON.stringify(body),
  });
  expect(takeErrors()).toEqual([]);
});

test("a file of another version of the schema uploads at once, and nobody is told", async () => {
  loop.file.commit();
  loop.file.change({ fileIdent: "5", fileIdentSalt: "6" });
  await loop.user();
  await loop.activate();
  await loop.accept();
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "mark"]);
  const body = JSON.stringify(
    errorInformation(errorCode.schemaVersionChanged, "changed", { previousSchemaVersion: 1 }),
  );
  await loop.answer({ type: "json_error", errorCode: errorCode.schemaVersionChanged, session: 1, body });
  expect(loop.host.socket.takeTypes()).toEqual(["upload"]);
  expect(takeErrors()).toEqual([]);
});
