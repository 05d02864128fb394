import { errorCode, errorInformation } from "@tidemark/protocol";
import { beforeEach, expect, test } from "vitest";
import { simpleFailure, syncStatusCode } from "../errors.js";
import { LoopHarness } from "../testing/loop-harness.js";

let loop: LoopHarness;
beforeEach(() => {
  loop = new LoopHarness();
  // The first ping comes only after half a minute, and chance takes an eighth off each delay.
  loop.host.randomValue = 0.5;
});

test("a new file asks for an ident, goes through version 0, and uploads only after the first mark", async () => {
  loop.file.commit();
  await loop.user();
  await loop.activate();
  expect(loop.host.socket.url).toBe("ws://server/sync?baas_at=token");
  expect(loop.host.socket.protocols).toEqual(["com.mongodb.realm-query-sync#14"]);
  await loop.accept();
  const [bind, ...early] = loop.host.socket.take();
  expect(bind).toMatchObject({ type: "bind", session: 1, needsFileIdent: true, isSubserver: false, token: "" });
  expect(early).toEqual([]);

  await loop.answer({ type: "ident", session: 1, fileIdent: 5n, fileIdentSalt: 6n });
  expect(loop.file.calls).toContainEqual(["setFileIdent", 5n]);
  const [ident, mark] = loop.host.socket.take();
  expect(ident).toMatchObject({ type: "ident", fileIdent: 5n, fileIdentSalt: 6n, queryVersion: 0, query: "{}" });
  expect(mark).toMatchObject({ type: "mark", request: 1 });

  await loop.answer(loop.download({ batchState: 1 }));
  expect(loop.file.calls).toContainEqual(["applyBootstrap", 0]);
  expect(loop.file.sets[0]?.state).toBe("awaiting-mark");
  expect(loop.host.socket.takeTypes()).toEqual([]);

  await loop.answer({ type: "mark", session: 1, request: 1 });
  expect(loop.file.sets[0]?.state).toBe("complete");
  expect(loop.host.socket.takeTypes()).toEqual(["upload"]);
});

test("a query waits until what was written before it is uploaded, and a mark follows it", async () => {
  await loop.reachSteadyState();
  const version = loop.file.commit();
  loop.file.subscribe("Item", "qty > 5");
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 });
  const sent = loop.host.socket.take();
  expect(sent.map(({ type }) => type)).toEqual(["upload", "query", "mark", "upload"]);
  expect(sent[0]).toMatchObject({ progressClientVersion: version + 1, uncompressedSize: 1 });
  expect(sent[1]).toMatchObject({ queryVersion: 1, query: '{"Item":"(qty > 5)"}' });
});

test("queries of one class are sorted, joined by OR and each in parentheses", async () => {
  await loop.reachSteadyState();
  loop.file.subscribe("Item", "b");
  const set = loop.file.sets[1];
  if (set === undefined) throw new Error("no set");
  const [first] = set.subscriptions;
  if (first === undefined) throw new Error("no subscription");
  const more = [first, { ...first, query: "a" }, { ...first, query: "a" }, { ...first, className: "Aa" }];
  loop.file.sets[1] = { ...set, subscriptions: more };
  await loop.do({ type: "committed", session: 1 });
  expect(loop.host.socket.take()[0]).toMatchObject({ query: '{"Aa":"(b)","Item":"(a) OR (b)"}' });
});

test("a set goes from bootstrapping over awaiting-mark to complete", async () => {
  await loop.reachSteadyState();
  const version = loop.file.subscribe("Item", "TRUEPREDICATE");
  await loop.do({ type: "committed", session: 1 });
  loop.file.calls.length = 0;
  await loop.answer(loop.download({ queryVersion: version, batchState: 0, downloadServerVersion: 2 }));
  await loop.answer(loop.download({ queryVersion: version, batchState: 1, downloadServerVersion: 2 }));
  await loop.answer({ type: "mark", session: 1, request: 2 });
  expect(loop.file.calls).toEqual([
    ["setState", 1, "bootstrapping"],
    ["storeBootstrap", 1, true, false],
    ["storeBootstrap", 1, false, true],
    ["applyBootstrap", 1],
    ["setState", 1, "awaiting-mark"],
    ["setState", 1, "complete"],
  ]);
});

test("a bootstrap for a complete set leaves its state alone", async () => {
  await loop.reachSteadyState();
  await loop.answer(loop.download({ queryVersion: 0, batchState: 1, downloadServerVersion: 2 }));
  expect(loop.file.sets[0]?.state).toBe("complete");
});

test("a refused query is stored with its text, and the session goes on", async () => {
  await loop.reachSteadyState();
  loop.file.subscribe("Item", "nonsense");
  await loop.do({ type: "committed", session: 1 });
  await loop.answer({ type: "query_error", errorCode: 226, session: 1, queryVersion: 1, message: "Invalid query" });
  expect(loop.file.sets[1]).toMatchObject({ state: "error", error: "Invalid query" });
  loop.file.subscribe("Item", "better");
  await loop.do({ type: "committed", session: 1 });
  expect(loop.host.socket.takeTypes()).toContain("query");
});

test("versions that hold nothing are passed over; a new server version is acknowledged", async () => {
  await loop.reachSteadyState();
  loop.file.commit(false);
  await loop.do({ type: "committed", session: 1 });
  expect(loop.host.socket.takeTypes()).toEqual([]);
  await loop.answer(loop.download());
  const [upload] = loop.host.socket.take();
  expect(upload).toMatchObject({
    type: "upload",
    uncompressedSize: 0,
    progressServerVersion: 2,
    lockedServerVersion: 2,
  });
});

test("an upload wait ends when the server has acknowledged the version, not when it was sent", async () => {
  await loop.reachSteadyState();
  const version = loop.file.commit();
  await loop.do(
    { type: "committed", session: 1 },
    { type: "wait-upload", session: 1, wait: 9, targetVersion: version, fileIdentity: "5:6" },
  );
  expect(loop.host.socket.takeTypes()).toEqual(["upload"]);
  expect(loop.takeEvents()).not.toContainEqual({ type: "wait-done", session: 1, wait: 9 });
  await loop.answer(loop.download({ uploadClientVersion: version, uploadServerVersion: 1 }));
  const events = loop.takeEvents();
  expect(events.findIndex(({ type }) => type === "changed")).toBeLessThan(
    events.findIndex(({ type }) => type === "wait-done"),
  );
});

test("a download wait sends a mark and ends with its answer", async () => {
  await loop.reachSteadyState();
  await loop.do({ type: "wait-download", session: 1, wait: 3 });
  expect(loop.host.socket.take()).toMatchObject([{ type: "mark", request: 2 }]);
  expect(loop.takeEvents()).toEqual([]);
  await loop.answer({ type: "mark", session: 1, request: 2 });
  expect(loop.takeEvents()).toContainEqual({ type: "wait-done", session: 1, wait: 3 });
});

test("after a short interruption uploads follow at once; after a long one a mark comes first", async () => {
  await loop.reachSteadyState();
  loop.host.socket.end({ kind: "read", message: "cut" });
  await loop.host.advance(2_000);
  await loop.accept();
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 });
  // The first one only acknowledges the server version that the server has not heard of.
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "upload", "upload"]);

  loop.host.socket.end({ kind: "read", message: "cut" });
  await loop.host.advance(61_000);
  await loop.accept();
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "mark"]);
});

test("a set in the middle of its bootstrap is asked for again after an interruption", async () => {
  await loop.reachSteadyState();
  loop.file.subscribe("Item", "TRUEPREDICATE");
  await loop.do({ type: "committed", session: 1 });
  await loop.answer(loop.download({ queryVersion: 1, batchState: 0, downloadServerVersion: 2 }));
  loop.host.socket.end({ kind: "read", message: "cut" });
  await loop.host.advance(2_000);
  loop.file.calls.length = 0;
  await loop.accept();
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "mark", "upload", "query", "mark"]);
  await loop.answer(loop.download({ queryVersion: 1, batchState: 0, downloadServerVersion: 2 }));
  expect(loop.file.calls).toContainEqual(["storeBootstrap", 1, true, false]);
});

test("slices of an integration let other messages and the application in between", async () => {
  await loop.reachSteadyState();
  loop.file.sliceCount = 3;
  loop.host.socket.answer(loop.download());
  loop.host.socket.answer({ type: "log_message", session: 1, body: "{}" });
  await loop.host.run();
  expect(loop.file.state.downloadServerVersion).toBe(2);
});

test("fields that the server's rules look at are handed to the file", async () => {
  await loop.reachSteadyState();
  const ruleFields = { Item: ["owner", "state"] };
  await loop.answer({
    type: "log_message",
    session: 1,
    body: JSON.stringify({ co_id: "c", tidemark: { ruleFields } }),
  });
  expect(loop.file.calls).toContainEqual(["setRuleFields", ruleFields]);
  loop.takeEvents();
  await loop.answer({ type: "log_message", session: 1, body: '{"tidemark":{"ruleFields":{"Item":[1]}}}' });
  expect(loop.takeEvents()).toMatchObject([{ type: "connection" }, { type: "error" }]);
});

test("a new connection hears of the cursors only when what came on the last one is taken in", async () => {
  await loop.reachSteadyState();
  loop.file.sliceCount = 3;
  loop.host.socket.answer(loop.download());
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  loop.host.socket.end({ kind: "read", message: "cut" });
  loop.client.handle({ type: "reconnect", session: null });
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  loop.host.socket.accept();
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
  expect(loop.host.socket.takeTypes()).toEqual(["bind"]);
  await loop.host.run();
  expect(loop.host.socket.take()[0]).toMatchObject({ type: "ident", downloadServerVersion: 2 });
});

test.each([0, 1] as const)(
  "a part of a bootstrap that outlives its connection counts for nothing (state %i)",
  async (batchState) => {
    await loop.reachSteadyState();
    loop.file.subscribe("Item", "TRUEPREDICATE");
    await loop.do({ type: "committed", session: 1 });
    await loop.answer(loop.download({ queryVersion: 1, batchState: 0, downloadServerVersion: 2 }));
    loop.file.calls.length = 0;
    // The part is being decompressed when the connection goes.
    loop.host.socket.answer(loop.download({ queryVersion: 1, batchState, downloadServerVersion: 2 }));
    loop.host.socket.end({ kind: "read", message: "cut" });
    await loop.host.run();
    expect(loop.file.calls).toEqual([]);
    await loop.host.advance(2_000);
    await loop.accept();
    expect(loop.host.socket.take()[1]).toMatchObject({ type: "ident", queryVersion: 0, downloadServerVersion: 1 });
    await loop.answer(loop.download({ queryVersion: 1, batchState: 1, downloadServerVersion: 2 }));
    expect(loop.file.calls).toContainEqual(["storeBootstrap", 1, true, true]);
  },
);

test("a download that cannot be taken in is reported, and nothing else is said until the next bind", async () => {
  await loop.reachSteadyState();
  loop.file.fault = Object.assign(new Error("no such class"), { code: "bad-changeset" });
  await loop.answer(loop.download());
  const [report] = loop.host.socket.take();
  expect(report).toMatchObject({ type: "json_error", errorCode: errorCode.badChangeset });
  expect(loop.takeEvents()).toMatchObject([{ type: "error", consequence: "warn", error: { status: 1015 } }]);
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 }, { type: "wait-download", session: 1, wait: 1 });
  await loop.answer(loop.download());
  expect(loop.host.socket.takeTypes()).toEqual([]);
});

const breaches = [
  ["latest server version falls", { downloadServerVersion: 0, latestServerVersion: 0 }],
  ["download server version beyond the latest", { downloadServerVersion: 9, latestServerVersion: 8 }],
  ["acknowledges a version that was never made", { uploadClientVersion: 99 }],
  ["download client version beyond the upload", { downloadClientVersion: 1 }],
  ["upload server version beyond the download", { uploadServerVersion: 99 }],
] as const;

test.each(breaches)("a download whose head %s ends the connection", async (_, change) => {
  await loop.reachSteadyState();
  await loop.answer(loop.download(change));
  expect(loop.host.socket.isClosed).toBe(true);
  expect(loop.takeEvents()).toContainEqual(
    expect.objectContaining({ type: "error", error: expect.objectContaining({ status: 1038, isFatal: true }) }),
  );
});

test("a message for a session that does not exist ends the connection", async () => {
  await loop.reachSteadyState();
  await loop.answer({ type: "mark", session: 77, request: 1 });
  expect(loop.host.socket.isClosed).toBe(true);
});

test("a session error with a retry is answered by UNBIND, and BIND follows after the server's delay", async () => {
  await loop.reachSteadyState();
  const information = errorInformation(errorCode.initialSyncNotCompleted, "later", {
    backoffIntervalSec: 5,
    backoffMaxDelaySec: 20,
    backoffMultiplier: 2,
  });
  const error = {
    type: "json_error",
    errorCode: errorCode.initialSyncNotCompleted,
    session: 1,
    body: JSON.stringify(information),
  } as const;
  await loop.answer(error);
  expect(loop.host.socket.takeTypes()).toEqual(["unbind"]);
  await loop.host.advance(4_300);
  expect(loop.host.socket.takeTypes()).toEqual([]);
  await loop.host.advance(200);
  expect(loop.host.socket.take()).toMatchObject([{ type: "bind", session: 1 }, { type: "ident" }, { type: "upload" }]);
  await loop.answer(error);
  loop.host.socket.take();
  await loop.host.advance(8_700);
  expect(loop.host.socket.takeTypes()).toEqual([]);
  await loop.host.advance(200);
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "upload"]);
});

test("code 200 restarts the session after one second", async () => {
  await loop.reachSteadyState();
  const body = JSON.stringify(errorInformation(errorCode.sessionClosed, "role change"));
  await loop.answer({ type: "json_error", errorCode: errorCode.sessionClosed, session: 1, body });
  await loop.host.advance(999);
  expect(loop.host.socket.takeTypes()).toEqual(["unbind"]);
  await loop.host.advance(1);
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "upload"]);
});

test("the file hears when nobody takes its uploads any more, so that it compacts them again", async () => {
  await loop.reachSteadyState();
  const told = (): number => loop.file.uploadsPausedCount;
  const before = told();
  await loop.answer(loop.download());
  expect(told()).toBe(before);
  const body = JSON.stringify(errorInformation(errorCode.sessionClosed, "role change"));
  await loop.answer({ type: "json_error", errorCode: errorCode.sessionClosed, session: 1, body });
  expect(told()).toBe(before + 1);
  await loop.host.advance(1_000);
  expect(loop.host.socket.takeTypes()).toContain("bind");
  loop.host.socket.end({ kind: "close", closeCode: 1006, message: "" });
  await loop.host.advance(0);
  expect(told()).toBe(before + 2);
  await loop.deactivate();
  expect(told()).toBe(before + 3);
});

test("a session error without a retry waits for the application", async () => {
  await loop.reachSteadyState();
  const body = JSON.stringify(errorInformation(errorCode.divergingHistories, "salt"));
  await loop.answer({ type: "json_error", errorCode: errorCode.divergingHistories, session: 1, body });
  expect(loop.takeEvents()).toContainEqual(
    expect.objectContaining({
      type: "error",
      consequence: "stop",
      error: expect.objectContaining({ status: 1032, isClientReset: true }),
    }),
  );
  await loop.host.advance(400_000);
  expect(loop.host.socket.takeTypes()).not.toContain("bind");
});

test("a compensating write is told when the download that carries it has arrived, once", async () => {
  await loop.reachSteadyState();
  const body = JSON.stringify(
    errorInformation(errorCode.compensatingWrite, "reverted", {
      compensatingWriteServerVersion: 3,
      rejectedClientVersion: 2,
      rejectedUpdates: [{ reason: "not allowed", pk: "CmUuPxqbHowAAQIDBA==", table: "Item" }],
    }),
  );
  await loop.answer({ type: "json_error", errorCode: errorCode.compensatingWrite, session: 1, body });
  await loop.answer(loop.download());
  expect(loop.takeEvents().filter(({ type }) => type === "error")).toEqual([]);
  await loop.answer(loop.download());
  const errors = loop.takeEvents().filter(({ type }) => type === "error");
  expect(errors).toMatchObject([{ consequence: "warn", error: { status: 1033, writes: [{ objectName: "Item" }] } }]);
  expect(loop.host.socket.isClosed).toBe(false);
});

test("a bootstrap that was whole before a crash is applied before the connection is opened", async () => {
  loop.file.change({ fileIdent: "5", fileIdentSalt: "6" });
  loop.file.subscribe("Item", "TRUEPREDICATE");
  loop.file.setState(1, "bootstrapping", null);
  loop.file.finishedBootstrap = 1;
  await loop.user();
  await loop.activate();
  expect(loop.file.sets.find(({ version }) => version === 1)?.state).toBe("awaiting-mark");
  await loop.accept();
  expect(loop.host.socket.take()[1]).toMatchObject({ type: "ident", queryVersion: 1 });
});

test("finish ends when everything is acknowledged", async () => {
  await loop.reachSteadyState();
  const version = loop.file.commit();
  await loop.do({ type: "committed", session: 1 }, { type: "finish", session: 1, generation: 8 });
  expect(loop.takeEvents().map(({ type }) => type)).not.toContain("finished");
  await loop.answer(loop.download({ uploadClientVersion: version, uploadServerVersion: 1 }));
  expect(loop.takeEvents()).toContainEqual({ type: "finished", session: 1, generation: 8 });
});

test("a file that is closed before the loop has opened it is uploaded all the same", async () => {
  await loop.reachSteadyState();
  await loop.deactivate(1, true);
  const version = loop.file.commit();
  const opening = loop.activate(1);
  loop.client.handle({ type: "finish", session: 1, generation: 8 });
  await opening;
  await loop.answer({ type: "unbound", session: 1 });
  expect(loop.host.socket.takeTypes()).toEqual(["unbind", "bind", "ident", "mark"]);
  await loop.answer(loop.download({ session: 2, uploadClientVersion: version, uploadServerVersion: 1 }));
  expect(loop.takeEvents()).toContainEqual({ type: "finished", session: 1, generation: 8 });
});

test("a deactivated session sends UNBIND, closes its file, and hears no more", async () => {
  await loop.reachSteadyState();
  const { socket } = loop.host;
  await loop.deactivate(1, true);
  expect(socket.takeTypes()).toEqual(["unbind"]);
  expect(loop.file.openCount).toBe(0);
  // Sent before the server had read UNBIND. A compensating write's error does not end a session.
  const undone = errorInformation(errorCode.compensatingWrite, "undone", { compensatingWriteServerVersion: 2 });
  await loop.answer({ type: "json_error", errorCode: 231, session: 1, body: JSON.stringify(undone) });
  await loop.answer(loop.download());
  await loop.answer({ type: "unbound", session: 1 });
  expect(socket.isClosed).toBe(false);
});

test("a file stays open until the integration under way has ended", async () => {
  await loop.reachSteadyState();
  loop.file.sliceCount = 2;
  loop.host.socket.answer(loop.download());
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  loop.client.handle({ type: "deactivate", session: 1, generation: 5, mayLinger: false });
  expect(loop.file.openCount).toBe(1);
  await loop.host.run();
  expect(loop.file.openCount).toBe(0);
  expect(loop.file.state.downloadServerVersion).toBe(2);
});

test("a file that is closed and opened again is not touched before its last session has left it", async () => {
  await loop.reachSteadyState();
  loop.file.sliceCount = 3;
  loop.host.socket.answer(loop.download());
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  loop.client.handle({ type: "deactivate", session: 1, generation: 5, mayLinger: true });
  const opening = loop.activate(2, true, "/file-1");
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
  expect(loop.file.openCount).toBe(1);
  await opening;
  expect(loop.file.openCount).toBe(1);
  const sent = loop.host.socket.take();
  expect(sent.map(({ type }) => type)).toEqual(["unbind", "bind", "ident", "mark"]);
  expect(sent[2]).toMatchObject({ session: 2, downloadServerVersion: 2 });
});

test("a reset that the application begins waits for the download that is being taken in", async () => {
  loop.resetPolicy = "discard";
  await loop.reachSteadyState();
  loop.file.sliceCount = 3;
  loop.host.socket.answer(loop.download());
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  const error = simpleFailure(syncStatusCode.connectionClosed, "reset", true);
  const demand = { error, code: 208, allowsRecovery: true };
  loop.client.handle({ type: "demand-reset", session: 1, generation: 1, demand });
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
  expect(loop.host.socket.takeTypes()).toEqual(["unbind"]);
  await loop.host.run();
  expect(loop.file.state.downloadServerVersion).toBe(2);
  expect(loop.host.socket.takeTypes()).toEqual(["bind"]);
});

function resetError(action: "ClientReset" | "ClientResetNoRecovery" = "ClientReset") {
  const information = { ...errorInformation(errorCode.badClientFileIdent, "unknown file"), action };
  return { type: "json_error", errorCode: 208, session: 1, body: JSON.stringify(information) } as const;
}

test("a demanded client reset that is left to the application stops the session", async () => {
  await loop.reachSteadyState();
  await loop.answer(resetError());
  const [error] = loop.takeEvents().filter(({ type }) => type === "error");
  expect(error).toMatchObject({ consequence: "stop", error: { status: 1032, protocolCode: 208, isClientReset: true } });
  expect(loop.host.socket.takeTypes()).toEqual(["unbind"]);
});

test("a session that is held for a reset says nothing, whatever is written or asked for", async () => {
  loop.resetPolicy = "discard";
  await loop.reachSteadyState();
  await loop.answer(resetError());
  expect(loop.host.socket.takeTypes()).toEqual(["unbind", "bind"]);
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 }, { type: "wait-download", session: 1, wait: 3 });
  await loop.do({ type: "reconnect", session: null });
  expect(loop.host.socket.take().filter((message) => message.type !== "ping")).toEqual([]);
  expect(loop.takeEvents().filter(({ type }) => type === "error")).toEqual([]);
});

test("a file that was reset binds with that reason, until uploads and downloads are complete", async () => {
  await loop.reachSteadyState();
  await loop.deactivate();
  loop.file.pendingReset = {
    mode: "recover",
    allowsRecovery: true,
    isApplied: true,
    attempts: 1,
    begunAtMs: 0,
    errorCode: 208,
    errorMessage: "",
  };
  const version = loop.file.commit();
  loop.file.calls.length = 0;
  await loop.activate();
  await loop.accept();
  const [bind] = loop.host.socket.take();
  const session = bind?.type === "bind" ? bind.session : 0;
  expect(bind).toMatchObject({ json: '{"schemaVersion":0,"sessionReason":1,"tidemark":1}' });
  await loop.answer({ type: "mark", session, request: 1 });
  expect(loop.file.calls).toEqual([]);
  await loop.answer(loop.download({ session, uploadClientVersion: version }));
  expect(loop.file.calls).toContainEqual(["finishReset"]);
});

test("a reset that was begun and not done binds as ever", async () => {
  loop.file.pendingReset = {
    mode: "recover",
    allowsRecovery: true,
    isApplied: false,
    attempts: 1,
    begunAtMs: 0,
    errorCode: 208,
    errorMessage: "",
  };
  await loop.user();
  await loop.activate();
  await loop.accept();
  expect(loop.host.socket.take()).toMatchObject([{ json: '{"schemaVersion":0,"sessionReason":0,"tidemark":1}' }]);
});

test.each([
  ["another ident", "3:6"],
  ["the same ident with another salt", "5:7"],
])("an upload wait of the file before its reset, %s, waits for what is to be uploaded now", async (_, fileIdentity) => {
  await loop.reachSteadyState();
  const version = loop.file.commit();
  const wait = { type: "wait-upload", session: 1, wait: 9, fileIdentity } as const;
  await loop.do({ type: "committed", session: 1 }, { ...wait, targetVersion: version + 100 });
  await loop.answer(loop.download({ uploadClientVersion: version, uploadServerVersion: 1 }));
  expect(loop.takeEvents()).toContainEqual({ type: "wait-done", session: 1, wait: 9 });
});

test("a compensating write is told though the connection is lost while its download is taken in", async () => {
  await loop.reachSteadyState();
  const body = JSON.stringify(
    errorInformation(errorCode.compensatingWrite, "reverted", {
      compensatingWriteServerVersion: 3,
      rejectedClientVersion: 2,
      rejectedUpdates: [{ reason: "not allowed", pk: "CmUuPxqbHowAAQIDBA==", table: "Item" }],
    }),
  );
  await loop.answer({ type: "json_error", errorCode: errorCode.compensatingWrite, session: 1, body });
  loop.host.socket.answer(loop.download({ downloadServerVersion: 3 }));
  loop.host.socket.end({ kind: "read", message: "cut" });
  await loop.host.run();
  expect(loop.file.state.downloadServerVersion).toBe(3);
  const told = loop.takeEvents().filter((event) => event.type === "error" && event.error.writes.length > 0);
  expect(told).toHaveLength(1);
});
