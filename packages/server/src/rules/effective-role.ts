/**
 * What a user may do in each class: the choice of a role, and its predicates for one session.
 *
 * A class with roles of its own is judged by them alone, any other by the default roles; the first whose `apply_when`
 * is true applies. If that one cannot be used with synchronisation, the user has no access; others are not tried.
 *
 * @module
 */

import type { Role, RolePredicates } from "../ledger.js";
import type { ExpansionContext } from "./expansions.js";
import type { Expression, Operand } from "./expression.js";
import { visitExpression } from "./expression.js";
import {
  type FieldAccess,
  fieldAccessText,
  isNoAccess,
  noFields,
  readableFields,
  writableFields,
} from "./field-access.js";
import { isReservedFieldName } from "../schema/queryable-fields.js";
import { fieldText } from "./field-names.js";
import type { FieldPermissions, RoleDocument } from "./parse-roles.js";
import { and, decided, nothing, or, type Predicate } from "./predicate.js";
import { RuleRefusal } from "./refusal.js";
import type { RuleSchema } from "./schema.js";
import { translate, type TranslationScope } from "./translate.js";

/** Longest predicate, in bytes of UTF-8: what the core's parser takes. */
export const predicateBytesMax: number = 256 * 1024;

/** The roles of an app. */
export interface RuleSet {
  /** Roles by class, for collections that have some of their own. */
  readonly classes: ReadonlyMap<string, readonly RoleDocument[]>;
  /** For all other classes. */
  readonly defaults: readonly RoleDocument[];
}

/** What a user may do with the objects of one class. Predicates are in Realm Query Language. */
export interface ClassAccess {
  /** Name of the role that applies; `null` if none does. */
  readonly role: string | null;
  /** Why there is no access; `null` where there may be some. */
  readonly denial: string | null;
  /** Which objects can be seen: those that the role's read or write filter matches. */
  readonly read: string;
  /** Which objects can be written; to hold before a write, if the object was there, and after it. */
  readonly write: string;
  /** Which objects can be created, judged as the creation leaves them; includes `write`. */
  readonly insert: string;
  /** Which objects can be deleted, judged as they were; includes `write`. */
  readonly delete: string;
  readonly readableFields: FieldAccess;
  readonly writableFields: FieldAccess;
}

/** What a user may do. */
export interface EffectiveRole {
  /** For classes that are not named. */
  readonly default: ClassAccess;
  readonly classes: Readonly<Record<string, ClassAccess>>;
}

/** Of whom and of what a role is asked. */
export interface RoleQuestion {
  readonly rules: RuleSet;
  readonly context: ExpansionContext;
  readonly schema: RuleSchema;
  /** The classes there are; those with roles of their own are added. */
  readonly classNames: readonly string[];
}

/** The access of one user to all classes, expanded once for a session. */
export function effectiveRole({ rules, context, schema, classNames }: RoleQuestion): EffectiveRole {
  const access = (className: string | null): ClassAccess => {
    const own = className === null ? undefined : rules.classes.get(className);
    const roles = own === undefined || own.length === 0 ? rules.defaults : own;
    return classAccess(roles, { className, context, schema });
  };
  const names = [...new Set([...classNames, ...rules.classes.keys()])].sort();
  return { default: access(null), classes: Object.fromEntries(names.map((name) => [name, access(name)])) };
}

/** A user's access in the form that the ledger takes. */
export function ledgerRole(role: EffectiveRole): Role {
  const predicates = (access: ClassAccess): RolePredicates => ({
    read: access.read,
    write: access.write,
    insert: access.insert,
    delete: access.delete,
    readableFields: fieldAccessText(access.readableFields),
    writableFields: fieldAccessText(access.writableFields),
  });
  const classes = Object.entries(role.classes).map(([name, access]) => [name, predicates(access)] as const);
  return { default: predicates(role.default), classes: Object.fromEntries(classes) };
}

/** The access that the first applying role of several gives to one class. */
export function classAccess(roles: readonly RoleDocument[], scope: TranslationScope): ClassAccess {
  for (const role of roles) {
    try {
      const applies = within("apply_when", () => translate(role.applyWhen, scope));
      if (applies.kind === "nothing") continue;
      if (applies.kind !== "everything") throw new RuleRefusal("apply_when looks at documents");
      return accessOfRole(role, scope);
    } catch (error) {
      if (error instanceof RuleRefusal) return denied(role.name, `role "${role.name}": ${error.message}`);
      throw error;
    }
  }
  return denied(null, "no role applies");
}

/**
 * Why a role cannot be used with synchronisation for a class, or `null` if it can. The same for every user, so that it
 * can be said when rules are loaded.
 */
export function syncIncompatibility(role: RoleDocument, className: string | null, schema: RuleSchema): string | null {
  const filters = {
    "document_filters.read": role.documentFilters.read,
    "document_filters.write": role.documentFilters.write,
  };
  for (const [name, filter] of Object.entries(filters)) if (filter === undefined) return `${name} is missing`;
  for (const [name, permission] of literalPermissions(role)) {
    if (permission !== undefined && permission.kind !== "constant") return `${name} is not true or false`;
  }
  if (role.fields.has("_id")) return "fields cannot have permissions of _id";
  const conditions = { ...filters, insert: role.insert, delete: role.delete };
  for (const [name, condition] of Object.entries(conditions)) {
    const reason = condition === undefined ? null : conditionProblem(condition, className, schema);
    if (reason !== null) return `${name} ${reason}`;
  }
  return null;
}

function accessOfRole(role: RoleDocument, scope: TranslationScope): ClassAccess {
  const problem = syncIncompatibility(role, scope.className, scope.schema);
  if (problem !== null) throw new RuleRefusal(problem);
  const predicate = (name: string, expression: Expression | undefined): Predicate =>
    expression === undefined ? decided(false) : within(name, () => translate(expression, scope));
  const readFilter = predicate("document_filters.read", role.documentFilters.read);
  const writeFilter = predicate("document_filters.write", role.documentFilters.write);
  const [readable, writable] = [readableFields(role), writableFields(role)];
  // Whoever may write an object sees it, whatever its read filter says.
  const read = isNoAccess(readable) ? decided(false) : or([readFilter, writeFilter]);
  const write = isNoAccess(writable) ? decided(false) : writeFilter;
  return {
    role: role.name,
    denial: null,
    read: boundedText("read", read),
    write: boundedText("write", write),
    insert: boundedText("insert", and([write, predicate("insert", role.insert)])),
    delete: boundedText("delete", and([write, predicate("delete", role.delete)])),
    readableFields: readable,
    writableFields: writable,
  };
}

/** Names the part of the role that is refused. */
function within<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof RuleRefusal ? new RuleRefusal(`${name} ${error.message}`) : error;
  }
}

function boundedText(name: string, predicate: Predicate): string {
  if (Buffer.byteLength(predicate.text) <= predicateBytesMax) return predicate.text;
  throw new RuleRefusal(`${name} gives a predicate of more than ${predicateBytesMax} bytes`);
}

function denied(role: string | null, denial: string): ClassAccess {
  const predicates = { read: nothing, write: nothing, insert: nothing, delete: nothing };
  return { role, denial, ...predicates, readableFields: noFields, writableFields: noFields };
}

/** The permissions that must be literally true or false, with their names. */
function* literalPermissions(role: RoleDocument): Iterable<readonly [string, Expression | undefined]> {
  yield ["read", role.read];
  yield ["write", role.write];
  yield ["additional_fields.read", role.additionalFields.read];
  yield ["additional_fields.write", role.additionalFields.write];
  yield* fieldPermissions(role.fields, "fields");
}

function* fieldPermissions(
  fields: ReadonlyMap<string, FieldPermissions>,
  path: string,
): Iterable<readonly [string, Expression | undefined]> {
  for (const [name, field] of fields) {
    yield [`${path}.${name}.read`, field.read];
    yield [`${path}.${name}.write`, field.write];
    yield* fieldPermissions(field.fields, `${path}.${name}.fields`);
  }
}

function conditionProblem(condition: Expression, className: string | null, schema: RuleSchema): string | null {
  let problem: string | null = null;
  visitExpression(condition, (part) => {
    problem ??= partProblem(part, className, schema);
  });
  return problem;
}

function partProblem(part: Expression | Operand, className: string | null, schema: RuleSchema): string | null {
  if (part.kind === "unsupported") return `uses ${part.reason}`;
  if (part.kind !== "field") return null;
  const { name } = part;
  if (isReservedFieldName(name)) return `uses the field "${name}", whose name is reserved`;
  if (!schema.isQueryable(className, name)) return `uses the field "${name}", which is not queryable`;
  const shape = schema.field(className, name);
  if (shape?.collection === "dictionary" || shape?.type === "link") {
    return `uses the field "${name}", which holds no scalars`;
  }
  return fieldText(name) === null ? `uses the field "${name}", whose name cannot stand in a query` : null;
}
