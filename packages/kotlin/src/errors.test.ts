/** What is thrown and told, in the SDK's own classes, codes and texts. */

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
  AppException,
  AuthException,
  BadRequestException,
  ConnectionException,
  FunctionExecutionException,
  InvalidCredentialsException,
  ServiceException,
  UserAlreadyConfirmedException,
  UserAlreadyExistsException,
  UserNotFoundException,
} from "./app/exceptions.js";
import { RealmAny } from "./data/any.js";
import { IllegalArgumentException, IllegalStateException, IndexOutOfBoundsException, mapError } from "./errors.js";
import {
  BadFlexibleSyncQueryException,
  ClientResetRequiredException,
  CompensatingWriteException,
  SyncException,
  syncExceptionOf,
  UnrecoverableSyncException,
  WrongSyncTypeException,
} from "./sync/exceptions.js";

function information(status: number, text: string, rest: Partial<SyncErrorInformation> = {}): SyncErrorInformation {
  return { ...simpleFailure(status, text, true), ...rest };
}

type Class = abstract new (...values: never[]) => Error;

test.each<[number, string, Class, string]>([
  [1000, "a", SyncException, "[Sync][RuntimeError(1000)] a."],
  [1015, "Schema mismatch.", SyncException, "[Sync][BadChangeset(1015)] Schema mismatch."],
  [1027, "Sync session became inactive", SyncException, "[Sync][OperationAborted(1027)] Sync session became inactive."],
  [1028, "Simulate Client Reset", SyncException, "[Sync][AutoClientResetFailed(1028)] Simulate Client Reset."],
  [1036, "a", SyncException, "[Sync][InvalidSchemaChange(1036)] a."],
  [1037, "a", UnrecoverableSyncException, "[Sync][PermissionDenied(1037)] a."],
  [1038, "a", UnrecoverableSyncException, "[Sync][ProtocolInvariantFailed(1038)] a."],
  [1039, "a", UnrecoverableSyncException, "[Sync][ProtocolNegotiationFailed(1039)] a."],
  [1043, "a", WrongSyncTypeException, "[Sync][WrongSyncType(1043)] a."],
  [1044, "a", SyncException, "[Sync][WriteNotAllowed(1044)] a."],
  [4346, "a", SyncException, "[Sync][AuthError(4346)] a."],
  [77, "a", SyncException, "[Sync][Unknown(77)] a."],
])("an error of synchronisation: %i", (status, text, type, message) => {
  const exception = syncExceptionOf(information(status, text));
  expect(exception).toBeInstanceOf(type);
  expect(exception).toBeInstanceOf(AppException);
  expect(exception).toMatchObject({ message, code: status, isFatal: true, name: type.name });
});

test("a bad query is told in the server's own words", () => {
  const text =
    'Invalid query: invalid RQL for table "Dog": syntax error: unexpected Limit, expecting Or or RightParenthesis';
  for (const status of [1016, 1031]) {
    const exception = syncExceptionOf(information(status, text, { isFatal: false }));
    expect(exception).toBeInstanceOf(BadFlexibleSyncQueryException);
    expect(exception).toMatchObject({ message: text, isFatal: false });
  }
});

test("writes that were undone are listed", () => {
  const reason = 'write to ObjectID("…") in table "Dog" not allowed; object is outside of the current query view';
  const exception = syncExceptionOf(
    information(1033, "Client attempted a write that is not allowed; it has been reverted", {
      isFatal: false,
      writes: [{ objectName: "Dog", reason, primaryKey: 1 }],
    }),
  );
  expect(exception).toBeInstanceOf(CompensatingWriteException);
  expect(exception).toMatchObject({
    message: "[Sync][CompensatingWrite(1033)] Client attempted a write that is not allowed; it has been reverted.",
    isFatal: false,
    writes: [{ objectType: "Dog", reason, primaryKey: RealmAny.create(1) }],
  });
});

test("a client reset that is left to the application has both paths, and is no error of synchronisation", () => {
  const reset = information(1032, "Bad client file identifier (IDENT)", { recoveryPath: "/b" });
  const exception = new ClientResetRequiredException(reset, "/a", () => true);
  expect(exception).toBeInstanceOf(AppException);
  expect(exception).not.toBeInstanceOf(SyncException);
  expect(exception).toMatchObject({
    message: "[Sync][ClientResetRequired(1032)] Bad client file identifier (IDENT).",
    originalFilePath: "/a",
    recoveryFilePath: "/b",
  });
});

test("what a wait is rejected with is an exception of synchronisation", () => {
  const exception = mapError(new SyncFailure(simpleFailure(1027, "Sync session became inactive", false)));
  expect(exception).toBeInstanceOf(SyncException);
  expect(exception).toMatchObject({ message: "[Sync][OperationAborted(1027)] Sync session became inactive." });
});

type Details = ConstructorParameters<typeof ServiceError>[1];

test.each<[Details, Class, string]>([
  [
    { status: 401, serviceCode: "InvalidPassword" },
    InvalidCredentialsException,
    "[Service][InvalidEmailPassword(4349)] a.",
  ],
  [
    { status: 409, serviceCode: "AccountNameInUse" },
    UserAlreadyExistsException,
    "[Service][AccountNameInUse(4348)] a.",
  ],
  [{ status: 404, serviceCode: "UserNotFound" }, UserNotFoundException, "[Service][UserNotFound(4344)] a."],
  [
    { status: 400, serviceCode: "UserAlreadyConfirmed" },
    UserAlreadyConfirmedException,
    "[Service][UserAlreadyConfirmed(4343)] a.",
  ],
  [{ status: 401, serviceCode: "UserDisabled" }, AuthException, "[Service][UserDisabled(4345)] a."],
  [{ status: 401, serviceCode: "AuthError" }, AuthException, "[Service][AuthError(4346)] a."],
  [{ status: 400, serviceCode: "BadRequest" }, BadRequestException, "[Service][BadRequest(4347)] a."],
  [
    { status: 404, serviceCode: "FunctionNotFound" },
    FunctionExecutionException,
    "[Service][FunctionNotFound(4325)] a.",
  ],
  [
    { status: 400, serviceCode: "FunctionExecutionError" },
    FunctionExecutionException,
    "[Service][FunctionExecutionError(4313)] a.",
  ],
  [
    { status: 400, serviceCode: "ExecutionTimeLimitExceeded" },
    FunctionExecutionException,
    "[Service][ExecutionTimeLimitExceeded(4341)] a.",
  ],
  [{ status: 404, serviceCode: "AuthProviderNotFound" }, ServiceException, "[Service][AuthProviderNotFound(4316)] a."],
  [{ status: 401, serviceCode: "InvalidSession" }, ServiceException, "[Service][InvalidSession(4301)] a."],
  [{ status: 400, serviceCode: "NoSdkKnowsThis" }, ServiceException, "[Service][AppServerError(4355)] a."],
  [{ status: 404 }, ServiceException, "[Service][Unknown(4351)] a."],
  [{ status: 401, hasText: false }, InvalidCredentialsException, "[Service][HTTPError(4309)] a."],
  [{ status: 404, hasText: false }, ServiceException, "[Service][HTTPError(4309)] a."],
  [{ status: 301, hasText: false }, ConnectionException, "[Service][HTTPError(4309)] a."],
  [{ status: 408, hasText: false }, ConnectionException, "[Service][HTTPError(4309)] a."],
  [{ status: 429, hasText: false }, ConnectionException, "[Service][HTTPError(4309)] a."],
  [{ status: 503, hasText: false }, ConnectionException, "[Service][HTTPError(4309)] a."],
  [{ status: 0 }, ConnectionException, "[Service][ConnectionFailed] a."],
])("a refused call: %o", (details, type, message) => {
  const exception = mapError(new ServiceError("a", details));
  expect(exception).toBeInstanceOf(type);
  expect(exception).toBeInstanceOf(ServiceException);
  expect(exception).toMatchObject({ message, name: type.name });
});

test("a refused call names the entry in the server's log", () => {
  const link = "http://server/groups/g/apps/a/logs?co_id=1";
  const exception = mapError(new ServiceError("a", { status: 401, serviceCode: "UserNotFound", link }));
  expect(exception).toMatchObject({ message: `[Service][UserNotFound(4344)] a. Server log entry: ${link}` });
});

test.each<[EngineErrorCode, Class]>([
  ["closed", IllegalStateException],
  ["not-in-write", IllegalStateException],
  ["type-mismatch", IllegalArgumentException],
  ["duplicate-primary-key", IllegalArgumentException],
  ["no-subscription", IllegalArgumentException],
  ["out-of-bounds", IndexOutOfBoundsException],
])("a mistake of the application: %s", (code, type) => {
  const cause = new EngineError(code, "the text");
  expect(mapError(cause)).toBeInstanceOf(type);
  expect(mapError(cause)).toMatchObject({ message: "the text", cause });
});
