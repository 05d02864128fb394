/**
 * Role documents of `rules.json` and `default_rule.json`: strict reading, with a report of everything that is wrong.
 *
 * Defaults are those of App Services: `insert`, `delete` and `search` are true, a permission of a field that is not
 * given is false, and document filters that are not given stay absent (which synchronisation refuses).
 *
 * @module
 */

import type { Expression, Report } from "./expression.js";
import { type ExpressionPlace, isObject, parseExpression } from "./parse-expression.js";

/** Longest name of a role, in characters. */
export const roleNameLengthMax = 100;
/** Most roles of a collection. */
export const rolesMax = 200;
/** Most fields of a role that have permissions of their own, embedded ones included. */
export const roleFieldsMax = 1_000;
/** Deepest nesting of permissions of embedded documents' fields. */
export const fieldDepthMax = 20;

/** Permissions of one field; `undefined` where not given. */
export interface FieldPermissions {
  readonly read: Expression | undefined;
  readonly write: Expression | undefined;
  /** Of an embedded document's fields, by name. */
  readonly fields: ReadonlyMap<string, FieldPermissions>;
}

/** One role of a collection, or of all collections without roles of their own. */
export interface RoleDocument {
  readonly name: string;
  readonly applyWhen: Expression;
  readonly documentFilters: { readonly read: Expression | undefined; readonly write: Expression | undefined };
  readonly read: Expression | undefined;
  readonly write: Expression | undefined;
  readonly insert: Expression;
  readonly delete: Expression;
  readonly search: Expression;
  readonly fields: ReadonlyMap<string, FieldPermissions>;
  readonly additionalFields: { readonly read: Expression | undefined; readonly write: Expression | undefined };
}

type Path = readonly (string | number)[];
type Json = Readonly<Record<string, unknown>>;

const roleKeys = "name apply_when document_filters read write insert delete search fields additional_fields".split(" ");
const always: Expression = { kind: "constant", value: true };
const wrong: Expression = { kind: "unsupported", reason: "an expression that is wrong" };
const wrongField: FieldPermissions = { read: wrong, write: wrong, fields: new Map() };
/** In place of what could not be read, so that the role gives no access. */
const wrongFields: ReadonlyMap<string, FieldPermissions> = new Map([["", wrongField]]);

/**
 * Reads the roles of a collection, in their order.
 *
 * Every role is in the result, also one with errors: it can still be the one that applies to a user, and then gives no
 * access. An answer of no roles, which would let the default roles apply, is only given for an empty list.
 */
export function parseRoles(value: unknown, report: Report): readonly RoleDocument[] {
  if (!Array.isArray(value)) {
    report([], "a list of roles is needed");
    return [nobody];
  }
  if (value.length > rolesMax) report([rolesMax], `a collection may have ${rolesMax} roles`);
  const names = new Set<string>();
  return value.slice(0, rolesMax).map((one: unknown, index) => {
    const role = new RoleParser(report).role(one, [index]);
    if (role.name !== "" && names.has(role.name)) report([index, "name"], `a second role "${role.name}"`);
    names.add(role.name);
    return role;
  });
}

/** Stands for what is no role: nothing may be chosen in its place. */
const nobody: RoleDocument = {
  name: "",
  applyWhen: wrong,
  documentFilters: { read: undefined, write: undefined },
  read: undefined,
  write: undefined,
  insert: always,
  delete: always,
  search: always,
  fields: new Map(),
  additionalFields: { read: undefined, write: undefined },
};

class RoleParser {
  readonly #report: Report;
  #fields = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  role(value: unknown, path: Path): RoleDocument {
    const role = this.#object(value, path, roleKeys);
    if (role === null) return nobody;
    const permission = (key: string): Expression | undefined => this.#expression(role, key, "document", path);
    return {
      name: this.#name(role["name"], path),
      applyWhen: this.#expression(role, "apply_when", "session", path) ?? this.#missing(path, "apply_when"),
      documentFilters: this.#pair(role["document_filters"], [...path, "document_filters"]),
      read: permission("read"),
      write: permission("write"),
      insert: permission("insert") ?? always,
      delete: permission("delete") ?? always,
      search: permission("search") ?? always,
      fields: this.#fieldMap(role["fields"], [...path, "fields"], 0),
      additionalFields: this.#pair(role["additional_fields"], [...path, "additional_fields"]),
    };
  }

  #name(value: unknown, path: Path): string {
    if (value === undefined) {
      this.#report(path, '"name" is missing');
      return "";
    }
    const at = [...path, "name"];
    if (typeof value !== "string" || value === "") {
      this.#report(at, "a name is needed");
      return "";
    }
    if (value.length <= roleNameLengthMax) return value;
    this.#report(at, `a role's name may be ${roleNameLengthMax} characters long`);
    return value.slice(0, roleNameLengthMax);
  }

  #missing(path: Path, key: string): Expression {
    this.#report(path, `"${key}" is missing`);
    return wrong;
  }

  #expression(object: Json, key: string, place: ExpressionPlace, path: Path): Expression | undefined {
    const value = object[key];
    return value === undefined ? undefined : parseExpression(value, place, [...path, key], this.#report);
  }

  /** `{read, write}`, of which each may be missing. */
  #pair(value: unknown, path: Path): RoleDocument["documentFilters"] {
    if (value === undefined) return { read: undefined, write: undefined };
    const pair = this.#object(value, path, ["read", "write"]);
    if (pair === null) return wrongField;
    return {
      read: this.#expression(pair, "read", "document", path),
      write: this.#expression(pair, "write", "document", path),
    };
  }

  #fieldMap(value: unknown, path: Path, depth: number): ReadonlyMap<string, FieldPermissions> {
    if (value === undefined) return new Map();
    if (depth >= fieldDepthMax) {
      this.#report(path, `fields may be nested ${fieldDepthMax} levels deep`);
      return wrongFields;
    }
    const fields = this.#object(value, path, null);
    if (fields === null) return wrongFields;
    const entries: [string, FieldPermissions][] = [];
    for (const [name, permissions] of Object.entries(fields)) {
      this.#fields += 1;
      if (this.#fields > roleFieldsMax) {
        this.#report([...path, name], `a role may name ${roleFieldsMax} fields`);
        return wrongFields;
      }
      entries.push([name, this.#field(permissions, [...path, name], depth)]);
    }
    return new Map(entries);
  }

  #field(value: unknown, path: Path, depth: number): FieldPermissions {
    const field = this.#object(value, path, ["read", "write", "fields"]);
    if (field === null) return wrongField;
    return {
      read: this.#expression(field, "read", "document", path),
      write: this.#expression(field, "write", "document", path),
      fields: this.#fieldMap(field["fields"], [...path, "fields"], depth + 1),
    };
  }

  /** An object; keys that are not among the known ones are reported. */
  #object(value: unknown, path: Path, keys: readonly string[] | null): Json | null {
    if (!isObject(value)) {
      this.#report(path, "an object is needed");
      return null;
    }
    if (keys !== null) {
      for (const key of Object.keys(value)) {
        if (!keys.includes(key)) this.#report([...path, key], `unknown key "${key}"`);
      }
    }
    return value;
  }
}
