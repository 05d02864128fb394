/** What is thrown and told, in the SDK's own classes, names and texts. */

import {
  EngineError,
  type EngineErrorCode,
  ServiceError,
  simpleFailure,
  type SyncErrorInformation,
  SyncFailure,
} from "@tidemark/engine";
import { expect, test } from "vitest";
import {
  app_error,
  exception,
  invalid_argument,
  logic_error,
  mapError,
  out_of_range,
  runtime_error,
  statusOfError,
} from "./errors.js";
import { sync_error } from "./sync/sync-error.js";

function told(status: number, rest: Partial<SyncErrorInformation> = {}): sync_error {
  return new sync_error({ ...simpleFailure(status, "what the server says", true), ...rest }, "/a");
}

test.each([
  [1000, "RuntimeError"],
  [1015, "BadChangeset"],
  [1016, "SubscriptionFailed"],
  [1027, "OperationAborted"],
  [1028, "AutoClientResetFailed"],
  [1031, "InvalidSubscriptionQuery"],
  [1032, "SyncClientResetRequired"],
  [1033, "SyncCompensatingWrite"],
  [1034, "SyncConnectFailed"],
  [1036, "SyncInvalidSchemaChange"],
  [1037, "SyncPermissionDenied"],
  [1038, "SyncProtocolInvariantFailed"],
  [1043, "WrongSyncType"],
  [1044, "SyncWriteNotAllowed"],
  [4346, "AuthError"],
  [77, "UnknownError"],
])("an error of synchronisation: %i is %s", (code, name) => {
  const error = told(code);
  const status = error.get_status();
  expect([status.is_ok(), status.code_string(), status.reason()]).toEqual([false, name, "what the server says"]);
  expect([error.is_fatal(), error.message()]).toEqual([true, "what the server says"]);
  expect([error.is_client_reset_requested(), [...error.user_info()]]).toEqual([false, []]);
  expect(error.compensating_writes_info()).toEqual([]);
});

test("a client reset is asked for, with both paths", () => {
  const error = told(1032, { isClientReset: true, recoveryPath: "/b" });
  expect(error.is_client_reset_requested()).toBe(true);
  expect(Object.fromEntries(error.user_info())).toEqual({ ORIGINAL_FILE_PATH: "/a", RECOVERY_FILE_PATH: "/b" });
});

test("writes that were undone are listed", () => {
  const error = told(1033, { writes: [{ objectName: "Dog", reason: "outside", primaryKey: 1 }] });
  expect(error.compensating_writes_info()).toEqual([{ object_name: "Dog", reason: "outside", primary_key: 1 }]);
});

test("what a future is rejected with has the name of what went wrong", () => {
  const failure = new SyncFailure(simpleFailure(1027, "Sync session became inactive", false));
  const error = mapError(failure);
  expect(error).toBeInstanceOf(runtime_error);
  expect((error as exception).code_string()).toBe("OperationAborted");
  expect((error as exception).what()).toBe("Sync session became inactive");
  const status = statusOfError(failure);
  expect([status.code_string(), status.reason()]).toEqual(["OperationAborted", "Sync session became inactive"]);
});

type Kind = "json" | "service" | "http" | "custom" | "client";

function kindsOf(error: app_error): Kind[] {
  const all: readonly (readonly [Kind, boolean])[] = [
    ["json", error.is_json_error()],
    ["service", error.is_service_error()],
    ["http", error.is_http_error()],
    ["custom", error.is_custom_error()],
    ["client", error.is_client_error()],
  ];
  return all.flatMap(([kind, is]) => (is ? [kind] : []));
}

test.each<[Kind, EngineError]>([
  ["service", new ServiceError("a", { status: 401, serviceCode: "InvalidPassword", link: "http://log" })],
  ["http", new ServiceError("a", { status: 502 })],
  ["json", new ServiceError("a", { status: 200 })],
  ["custom", new ServiceError("a", { status: 0 })],
  ["client", new EngineError("logged-out", "a")],
])("a refused call is a %s error and no other", (kind, cause) => {
  const error = mapError(cause) as app_error;
  expect(error).toBeInstanceOf(app_error);
  expect(error).toMatchObject({ message: "a", cause });
  expect(kindsOf(error)).toEqual([kind]);
  expect(error.link_to_server_logs()).toBe(kind === "service" ? "http://log" : "");
});

test.each<[EngineErrorCode, abstract new (...values: never[]) => Error, string]>([
  ["closed", logic_error, "ClosedRealm"],
  ["not-in-write", logic_error, "WrongTransactionState"],
  ["type-mismatch", invalid_argument, "TypeMismatch"],
  ["out-of-bounds", out_of_range, "OutOfBounds"],
  ["no-subscription", runtime_error, "NoSubscriptionForWrite"],
  ["invalid-query", invalid_argument, "InvalidQuery"],
])("a mistake of the program: %s", (code, type, name) => {
  const error = mapError(new EngineError(code, "the text")) as exception;
  expect(error).toBeInstanceOf(type);
  expect(error).toBeInstanceOf(exception);
  expect([error.code_string(), error.what(), error.name]).toEqual([name, "the text", type.name]);
});
