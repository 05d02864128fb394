/**
 * What a session takes of BIND by the version of the protocol, and what it says in errors that do not end it.
 *
 * @module
 */

import { type BindOptions, type ErrorInformation, parseBindOptions } from "@tidemark/protocol";
import type { Compensation } from "./ledger.js";

/** From this version of the protocol on clients say which version of the schema they were opened with. */
const schemaVersionProtocolMin = 11;

/** Reads BIND's JSON as a client of that version of the protocol means it. */
export function bindOptionsOf(json: string, protocolVersion: number): BindOptions {
  const options = parseBindOptions(json);
  return protocolVersion >= schemaVersionProtocolMin ? options : { ...options, schemaVersion: 0 };
}

/** A 236: the file is of another version of the schema than its client was opened with. `null` if not to be told. */
export function schemaVersionChange(
  previousSchemaVersion: number | undefined,
  protocolVersion: number,
): { readonly text: string; readonly fields: Partial<ErrorInformation> } | null {
  if (previousSchemaVersion === undefined || protocolVersion < schemaVersionProtocolMin) return null;
  const text = `The client file is of schema version "${previousSchemaVersion}" and has to be migrated`;
  return { text, fields: { previousSchemaVersion } };
}

/** Text of a 231. */
export const compensationText = "Client attempted a write that is not allowed; it has been reverted";

/** Fields of a 231. */
export function compensationFields(compensation: Compensation): Partial<ErrorInformation> {
  const { serverVersion, rejectedClientVersion, rejectedUpdates } = compensation;
  return {
    compensatingWriteServerVersion: serverVersion,
    rejectedClientVersion,
    rejectedUpdates: rejectedUpdates.map(({ reason, primaryKey, table }) => ({ reason, pk: primaryKey, table })),
  };
}
