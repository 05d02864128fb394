/**
 * The JSON bodies of BIND, `json_error` and `log_message`.
 *
 * @module
 */

import type { ErrorAction } from "./error-codes.js";
import { errorCodeInformation } from "./error-codes.js";
import { ProtocolError } from "./errors.js";

/** What a client says about itself when it binds. */
export interface BindOptions {
  /** 0 if the application gives its schema no version. */
  readonly schemaVersion: number;
  /** One of `sessionReason`. */
  readonly sessionReason: number;
  /** Partition of a file that was migrated from the older kind of sync. */
  readonly migratedPartition?: string;
  /** Only our own clients send it: they merge by the corrected rules. Others ignore unknown keys. */
  readonly tidemark?: number;
}

/** Reads BIND's JSON. Older clients send none; unknown keys are ignored. */
export function parseBindOptions(json: string): BindOptions {
  if (json === "") return { schemaVersion: 0, sessionReason: 0 };
  const object = parseObject(json, "bind: json");
  const { migratedPartition, tidemark } = object;
  if (migratedPartition !== undefined && typeof migratedPartition !== "string") {
    throw new ProtocolError("bad-syntax", "bind: migratedPartition");
  }
  const own = tidemark === undefined ? undefined : count(tidemark, "bind: tidemark");
  return {
    schemaVersion: count(object["schemaVersion"] ?? 0, "bind: schemaVersion"),
    sessionReason: count(object["sessionReason"] ?? 0, "bind: sessionReason"),
    ...(migratedPartition === undefined ? {} : { migratedPartition }),
    ...(own === undefined ? {} : { tidemark: own }),
  };
}

/** Writes BIND's JSON, keys in alphabetical order as the original's clients do. */
export function writeBindOptions(options: BindOptions): string {
  return JSON.stringify({
    ...(options.migratedPartition === undefined ? {} : { migratedPartition: options.migratedPartition }),
    schemaVersion: options.schemaVersion,
    sessionReason: options.sessionReason,
    ...(options.tidemark === undefined ? {} : { tidemark: options.tidemark }),
  });
}

/** An object write that the server refused. */
export interface RejectedUpdate {
  /** Why, in words. */
  readonly reason: string;
  /** Base64 of the key in the changeset encoding. */
  readonly pk: string;
  /** Class of the object. */
  readonly table: string;
}

/** Body of a server's `json_error`: the first six are always there. */
export interface ErrorInformation {
  /** The text. */
  readonly message: string;
  /** Where the server has written of it; may be empty. */
  readonly logURL: string;
  /** Of older clients: whether to reset. */
  readonly shouldClientReset: boolean;
  /** Whether a reset must not recover. */
  readonly isRecoveryModeDisabled: boolean;
  /** Whether to try again. */
  readonly tryAgain: boolean;
  /** One of {@link ErrorAction}; a receiver takes an unknown one as `ApplicationBug`. */
  readonly action: string;
  /** The first pause before trying again. */
  readonly backoffIntervalSec?: number;
  /** The longest pause. */
  readonly backoffMaxDelaySec?: number;
  /** How much longer each pause is than the one before. */
  readonly backoffMultiplier?: number;
  /** Query of a partition, when an app goes over to flexible sync. */
  readonly partitionQuery?: string;
  /** Version of the schema that the file has. */
  readonly previousSchemaVersion?: number;
  /** Server version that holds what was undone. */
  readonly compensatingWriteServerVersion?: number;
  /** Client version that was undone. */
  readonly rejectedClientVersion?: number;
  /** What was undone. */
  readonly rejectedUpdates?: readonly RejectedUpdate[];
}

/** Makes the body of a `json_error`; action and retry come from the table of codes unless they are given. */
export function errorInformation(
  code: number,
  message: string,
  overrides: Partial<Omit<ErrorInformation, "action" | "message">> & { readonly action?: ErrorAction } = {},
): ErrorInformation {
  const known = errorCodeInformation(code);
  const action = overrides.action ?? known?.action ?? "ApplicationBug";
  const isReset = action === "ClientReset" || action === "ClientResetNoRecovery";
  return {
    message,
    logURL: "",
    shouldClientReset: isReset,
    isRecoveryModeDisabled: action === "ClientResetNoRecovery",
    tryAgain: known?.tryAgain ?? false,
    ...overrides,
    action,
  };
}

/** Reads the body of a `json_error`. Missing or mistyped required fields are a breach of the protocol. */
export function parseErrorInformation(json: string): ErrorInformation {
  const object = parseObject(json, "json_error: body");
  const where = (key: string): string => `json_error: ${key}`;
  const information: Record<string, unknown> = {
    message: text(object["message"], where("message")),
    logURL: text(object["logURL"], where("logURL")),
    shouldClientReset: flag(object["shouldClientReset"], where("shouldClientReset")),
    isRecoveryModeDisabled: flag(object["isRecoveryModeDisabled"], where("isRecoveryModeDisabled")),
    tryAgain: flag(object["tryAgain"], where("tryAgain")),
    action: text(object["action"], where("action")),
  };
  for (const key of numberKeys) {
    if (object[key] !== undefined) information[key] = count(object[key], where(key));
  }
  if (object["partitionQuery"] !== undefined) {
    information["partitionQuery"] = text(object["partitionQuery"], where("partitionQuery"));
  }
  if (object["rejectedUpdates"] !== undefined) {
    information["rejectedUpdates"] = rejectedUpdates(object["rejectedUpdates"]);
  }
  return information as unknown as ErrorInformation;
}

const numberKeys = [
  "backoffIntervalSec",
  "backoffMaxDelaySec",
  "backoffMultiplier",
  "previousSchemaVersion",
  "compensatingWriteServerVersion",
  "rejectedClientVersion",
] as const;

/** Body of a `log_message`. */
export interface LogInformation {
  /** Number of the request in the server's log. */
  readonly co_id?: string;
  /** How much the line matters. */
  readonly level?: string;
  /** The line. */
  readonly msg?: string;
  /** Only our own clients are told, and others would pass over it. */
  readonly tidemark?: ServerHints;
}

/** What our server tells our clients beside the protocol. */
export interface ServerHints {
  /** By class: fields that the app's rules look at. A client does not fold its unsent changes of them. */
  readonly ruleFields?: Readonly<Record<string, readonly string[]>>;
}

/** Reads the body of a `log_message`. */
export function parseLogInformation(json: string): LogInformation {
  const object = parseObject(json, "log_message: body");
  const information: Record<string, unknown> = {};
  for (const key of ["co_id", "level", "msg"]) {
    if (object[key] !== undefined) information[key] = text(object[key], `log_message: ${key}`);
  }
  if (object["tidemark"] !== undefined) information["tidemark"] = serverHints(object["tidemark"]);
  return information;
}

function serverHints(value: unknown): ServerHints {
  const where = "log_message: tidemark";
  if (typeof value !== "object" || value === null) throw new ProtocolError("bad-syntax", where);
  const { ruleFields } = value as Record<string, unknown>;
  if (ruleFields === undefined) return {};
  if (typeof ruleFields !== "object" || ruleFields === null) throw new ProtocolError("bad-syntax", where);
  const classes = Object.entries(ruleFields).map(([name, fields]: [string, unknown]) => {
    if (!Array.isArray(fields)) throw new ProtocolError("bad-syntax", where);
    return [name, fields.map((field: unknown) => text(field, where))] as const;
  });
  return { ruleFields: Object.fromEntries(classes) };
}

/** Text that a client gives with its own `json_error`; empty when the body is not what it should be. */
export function clientErrorText(json: string): string {
  try {
    const message = parseObject(json, "json_error: body")["message"];
    return typeof message === "string" ? message : "";
  } catch {
    return "";
  }
}

function rejectedUpdates(value: unknown): RejectedUpdate[] {
  const where = "json_error: rejectedUpdates";
  if (!Array.isArray(value)) throw new ProtocolError("bad-syntax", where);
  return value.map((item: unknown) => {
    if (typeof item !== "object" || item === null) throw new ProtocolError("bad-syntax", where);
    const { reason, pk, table } = item as Record<string, unknown>;
    return { reason: text(reason, where), pk: text(pk, where), table: text(table, where) };
  });
}

function parseObject(json: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new ProtocolError("bad-syntax", where, "not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError("bad-syntax", where, "not an object");
  }
  return value as Record<string, unknown>;
}

function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw new ProtocolError("bad-syntax", where, "not a string");
  return value;
}

function flag(value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw new ProtocolError("bad-syntax", where, "not a boolean");
  return value;
}

function count(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new ProtocolError("bad-syntax", where, "not a whole number");
  }
  return value;
}
