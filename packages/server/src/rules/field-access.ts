/**
 * Which fields of a document a role lets a user read and write.
 *
 * @module
 */

import type { Expression } from "./expression.js";
import type { FieldPermissions, RoleDocument } from "./parse-roles.js";

/** Access to the fields of a document, embedded documents field by field where they differ. */
export interface FieldAccess {
  /** Whether fields that are not named may be accessed. */
  readonly others: boolean;
  /** By name, in order; only what differs from `others`. */
  readonly fields: ReadonlyMap<string, FieldAccess>;
}

/** Access to all fields. */
export const allFields: FieldAccess = { others: true, fields: new Map() };
/** Access to no field. The primary key is not subject to permissions of fields. */
export const noFields: FieldAccess = { others: false, fields: new Map() };

/** Fields that a role lets read: all with `read` or `write`, otherwise each that may be read or written by itself. */
export function readableFields(role: RoleDocument): FieldAccess {
  if (isGranted(role.read) || isGranted(role.write)) return allFields;
  const { read, write } = role.additionalFields;
  return union(accessOf(role.fields, "read", isGranted(read)), accessOf(role.fields, "write", isGranted(write)));
}

/** Fields that a role lets write. */
export function writableFields(role: RoleDocument): FieldAccess {
  if (isGranted(role.write)) return allFields;
  return accessOf(role.fields, "write", isGranted(role.additionalFields.write));
}

/** Whether a field, or with more names a field of an embedded document, may be accessed in full. */
export function allowsField(access: FieldAccess, path: readonly string[]): boolean {
  let found = access;
  for (const name of path) found = memberAccess(found, name);
  return found.others && found.fields.size === 0;
}

/** The access to one field. */
export function memberAccess(access: FieldAccess, name: string): FieldAccess {
  return access.fields.get(name) ?? (access.others ? allFields : noFields);
}

/** Whether no field can be accessed at all. */
export function isNoAccess(access: FieldAccess): boolean {
  return !access.others && access.fields.size === 0;
}

/** The access as text, the same for the same access: `[others, [[name, access], …]]` as JSON. */
export function fieldAccessText(access: FieldAccess): string {
  return JSON.stringify(plain(access));
}

function plain({ others, fields }: FieldAccess): readonly unknown[] {
  return [others, [...fields].map(([name, access]) => [name, plain(access)])];
}

function accessOf(
  permissions: ReadonlyMap<string, FieldPermissions>,
  kind: "read" | "write",
  others: boolean,
): FieldAccess {
  const fields = [...permissions].map(([name, field]) => [name, fieldAccess(field, kind)] as const);
  return normalized(others, fields);
}

/** A permission of an embedded document overrides those of its fields. */
function fieldAccess(field: FieldPermissions, kind: "read" | "write"): FieldAccess {
  const own = field[kind];
  if (own !== undefined) return isGranted(own) ? allFields : noFields;
  return accessOf(field.fields, kind, false);
}

function union(left: FieldAccess, right: FieldAccess): FieldAccess {
  const names = new Set([...left.fields.keys(), ...right.fields.keys()]);
  const fields = [...names].map((name) => [name, union(memberAccess(left, name), memberAccess(right, name))] as const);
  return normalized(left.others || right.others, fields);
}

function normalized(others: boolean, fields: readonly (readonly [string, FieldAccess])[]): FieldAccess {
  const differing = fields.filter(([, access]) => access.fields.size > 0 || access.others !== others);
  return { others, fields: new Map(differing.sort(([left], [right]) => (left < right ? -1 : Number(left > right)))) };
}

function isGranted(expression: Expression | undefined): boolean {
  return expression?.kind === "constant" && expression.value;
}
