/** What is thrown and told, in the SDK's own classes, codes and texts. */

import {
  EngineError,
  ServiceError,
  simpleFailure,
  type SyncErrorInformation,
  SyncFailure,
  type User,
} from "@tidemark/engine";
import { expect, test } from "vitest";
import {
  AppException,
  CancelledException,
  mapError,
  RealmClosedError,
  RealmError,
  RealmException,
  TimeoutException,
  UserCallbackException,
} from "./errors.js";
import { ClientResetError, CompensatingWriteError, SyncError, SyncErrorCode, syncErrorOf } from "./sync/sync-error.js";

// Only a client reset that is executed needs one.
const user = {} as User;

function told(status: number, rest: Partial<SyncErrorInformation> = {}, inner?: unknown): SyncError {
  return syncErrorOf({ ...simpleFailure(status, "what the server says", true), ...rest }, user, "/a", inner);
}

test.each(Object.entries(SyncErrorCode))("an error of synchronisation: %s", (_, code) => {
  const error = told(code);
  expect(error).toBeInstanceOf(SyncError);
  expect(error).toBeInstanceOf(RealmError);
  expect(error).toMatchObject({ code, message: "what the server says", name: "SyncError", innerError: undefined });
});

test("a client reset has both paths, and what a handler has thrown", () => {
  const inner = new Error("not now");
  const error = told(SyncErrorCode.autoClientResetFailed, { isClientReset: true, recoveryPath: "/b" }, inner);
  expect(error).toBeInstanceOf(ClientResetError);
  expect(error).toMatchObject({
    name: "ClientResetError",
    code: 1028,
    originalFilePath: "/a",
    backupFilePath: "/b",
    innerError: inner,
  });
});

test("writes that were undone are listed, with keys of any type", () => {
  const reason = 'write to ObjectID("…") in table "Product" not allowed; object is outside of the current query view';
  const error = told(SyncErrorCode.compensatingWrite, {
    writes: [{ objectName: "Product", reason, primaryKey: 1 }],
  });
  expect(error).toBeInstanceOf(CompensatingWriteError);
  const { compensatingWrites } = error as CompensatingWriteError;
  expect(
    compensatingWrites.map(({ objectType, reason: text, primaryKey }) => [objectType, text, primaryKey.value]),
  ).toEqual([["Product", reason, 1]]);
});

test("what a wait is rejected with is an exception with the code of what went wrong", () => {
  const error = mapError(new SyncFailure(simpleFailure(1027, "Sync session became inactive", false)));
  expect(error).toBeInstanceOf(RealmException);
  expect(error).toMatchObject({ code: 1027, message: "Sync session became inactive" });
});

test("a refused call says status and link", () => {
  const link = "http://server/logs";
  const error = mapError(new ServiceError("unauthorized", { status: 401, serviceCode: "InvalidPassword", link }));
  expect(error).toBeInstanceOf(AppException);
  expect(error).toMatchObject({ statusCode: 401, linkToServerLogs: link, code: "InvalidPassword" });
  expect(String(error)).toBe(`AppException: unauthorized, status code: 401, link to server logs: ${link}`);
  const silent = mapError(new ServiceError("no network", { status: 0 }));
  expect(String(silent)).toBe("AppException: no network, status code: 0");
});

test("what belongs to a closed realm says so", () => {
  const error = mapError(new EngineError("closed", "…"));
  expect(error).toBeInstanceOf(RealmClosedError);
  expect(error).toMatchObject({ message: "Cannot access realm that has been closed", name: "RealmClosedError" });
});

test.each([
  ["type-mismatch", RealmException],
  ["no-subscription", RealmException],
  ["invalid-query", RealmException],
] as const)("what an application can recover from: %s", (code, type) => {
  expect(mapError(new EngineError(code, "the text"))).toBeInstanceOf(type);
  expect(mapError(new EngineError(code, "the text"))).toMatchObject({ message: "the text", code });
});

test("texts of what has no text of its own", () => {
  const thrown = new Error("mine");
  expect(new UserCallbackException(thrown)).toMatchObject({
    message: "An exception occurred while executing a user-provided callback. See userException for more details",
    userException: thrown,
  });
  expect(new CancelledException()).toBeInstanceOf(RealmException);
  expect(new TimeoutException()).toBeInstanceOf(RealmException);
});
