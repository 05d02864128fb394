/** What is thrown and told, in the SDK's own classes, names, codes and texts. */

import {
  EngineError,
  type EngineErrorCode,
  ServiceError,
  simpleFailure,
  type SyncErrorInformation,
  SyncFailure,
  syncStatusCode,
} from "@tidemark/engine";
import { expect, test } from "vitest";
import { Credentials } from "./app/credentials.js";
import {
  AssertionError,
  ClientResetError,
  CompensatingWriteError,
  mapError,
  SchemaParseError,
  SyncError,
  syncErrorOf,
  TimeoutError,
  TypeAssertionError,
} from "./errors.js";
import { Realm } from "./realm.js";

const path = "/a/file.realm";

function information(status: number, rest: Partial<SyncErrorInformation> = {}): SyncErrorInformation {
  return { ...simpleFailure(status, "what the server says", true), ...rest };
}

test.each(Object.entries(syncStatusCode))("an error of synchronisation: %s", (_, code) => {
  const error = syncErrorOf(information(code, { logUrl: "http://log" }), path);
  expect(error).toBeInstanceOf(SyncError);
  const { name, isOk, category, reason, logUrl, userInfo, isFatal, message } = error;
  expect({ code: error.code, name, isOk, category, reason, logUrl, userInfo, isFatal, message }).toEqual({
    code,
    name: "SyncError",
    isOk: false,
    category: "UNKNOWN",
    reason: "what the server says",
    logUrl: "http://log",
    userInfo: {},
    isFatal: true,
    message: "what the server says",
  });
});

test("a client reset has its own class, and both paths", () => {
  const error = syncErrorOf(information(1032, { isClientReset: true, recoveryPath: "/b" }), path);
  expect(error).toBeInstanceOf(ClientResetError);
  expect(error).toBeInstanceOf(SyncError);
  expect(error).toMatchObject({
    name: "ClientReset",
    code: 1032,
    config: { path: "/b", readOnly: true },
    userInfo: { ORIGINAL_FILE_PATH: path, RECOVERY_FILE_PATH: "/b" },
  });
});

test("writes that were undone make the class, also of an error that is fatal", () => {
  const writes = [{ objectName: "Dog", reason: "object is outside of the current query view", primaryKey: 1 }];
  const error = syncErrorOf(information(1033, { writes, isClientReset: true }), path);
  expect(error).toBeInstanceOf(CompensatingWriteError);
  expect(error).toMatchObject({ name: "CompensatingWriteError", code: 1033, writes });
});

test("what a wait is rejected with is an error with the code of what went wrong", () => {
  const error = mapError(new SyncFailure(simpleFailure(1027, "Sync session became inactive", false)));
  expect(error).toBeInstanceOf(SyncError);
  expect(error).toMatchObject({ code: 1027, message: "Sync session became inactive", isOk: false, isFatal: false });
});

type Details = ConstructorParameters<typeof ServiceError>[1];

test.each<[string, Details, number]>([
  ["a wrong password", { status: 401, serviceCode: "InvalidPassword" }, 4349],
  ["an address that is taken", { status: 409, serviceCode: "AccountNameInUse" }, 4348],
  ["an unknown function", { status: 404, serviceCode: "FunctionNotFound" }, 4325],
  ["a session that is over", { status: 401, serviceCode: "InvalidSession" }, 4301],
  ["a name that no SDK knows", { status: 404, serviceCode: "NotFound" }, 4355],
  ["a text without a name", { status: 404 }, 4351],
  ["an answer that is not the API's", { status: 502, hasText: false }, 4309],
])("a refused call: %s", (_, details, code) => {
  const error = mapError(new ServiceError("unauthorized", details));
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "Error", message: "unauthorized", code });
});

test("a call that is not answered keeps its text", () => {
  const error = new ServiceError("Request failed: no network", { status: 0 });
  expect(mapError(error)).toBe(error);
});

test.each<[EngineErrorCode, new (message: string) => Error]>([
  ["type-mismatch", TypeAssertionError],
  ["invalid-schema", SchemaParseError],
  ["closed", Error],
])("a mistake of the application: %s", (code, type) => {
  const error = mapError(new EngineError(code, "the text"));
  expect(error).toBeInstanceOf(type);
  expect(error).toMatchObject({ message: "the text" });
});

test("a session that is gone is an assertion", () => {
  const error = mapError(new EngineError("invalidated", "This SyncSession is no longer valid"));
  expect(error).toBeInstanceOf(AssertionError);
  expect(error).toMatchObject({ name: "AssertionError", message: "This SyncSession is no longer valid" });
});

test("names of errors", () => {
  expect(new TimeoutError("Timed out: …").name).toBe("TimeoutError");
  expect(new TypeAssertionError("…")).toBeInstanceOf(AssertionError);
  expect(new TypeAssertionError("…").name).toBe("TypeAssertionError");
});

test.each<[string, () => unknown, string]>([
  ["both of Google's", () => Credentials.google({ authCode: "a", idToken: "b" }), "Must not supply both"],
  ["none of Google's", () => Credentials.google({} as never), "Must supply either"],
  ["an unknown category", () => Realm.setLogLevel("info", "Realm.Nothing"), "Unexpected log category: 'Realm.Nothing'"],
  ["an unknown level", () => Realm.setLogLevel("loud" as never), "Unexpected log level: loud"],
])("arguments that are refused: %s", (_, run, text) => {
  expect(run).toThrow(text);
});
