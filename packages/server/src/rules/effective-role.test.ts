import { describe, expect, test } from "vitest";
import { type ClassAccess, classAccess, effectiveRole, ledgerRole, predicateBytesMax } from "./effective-role.js";
import type { ExpansionContext } from "./expansions.js";
import type { Expression } from "./expression.js";
import { allFields, allowsField, fieldAccessText, noFields } from "./field-access.js";
import { isReservedFieldName } from "../schema/queryable-fields.js";
import { parseRoles, type RoleDocument } from "./parse-roles.js";
import { ruleSchema } from "./schema.js";

type Json = Readonly<Record<string, unknown>>;

const queryable = new Set(["_id", "owner", "editors", "text", "link", "map", "like", "a.b"]);
const schema = ruleSchema(
  [
    {
      name: "Item",
      kind: "top",
      primaryKey: { name: "_id", type: "string", nullable: false },
      columns: [
        { name: "owner", type: "string", nullable: true, collection: "single" },
        { name: "editors", type: "string", nullable: false, collection: "list" },
        { name: "text", type: "string", nullable: false, collection: "single" },
        { name: "hidden", type: "string", nullable: false, collection: "single" },
        { name: "link", type: "link", nullable: true, collection: "single", target: "Item" },
        { name: "map", type: "string", nullable: true, collection: "dictionary" },
      ],
    },
  ],
  (_, field) => queryable.has(field),
);

function contextOf(id: string, customData?: unknown): ExpansionContext {
  return {
    user: { id, type: "normal", data: {}, customData, identities: [] },
    values: { admins: ["root"] },
    environment: { tag: "", values: {} },
  };
}

const owner = { owner: "%%user.id" };
const everybody = {
  name: "all",
  apply_when: {},
  document_filters: { read: true, write: true },
  read: true,
  write: true,
};

function rolesOf(...documents: readonly Json[]): readonly RoleDocument[] {
  return parseRoles(documents, (path, message) => {
    throw new Error(`${path.join("/")}: ${message}`);
  });
}

function accessOf(role: Json, context: ExpansionContext = contextOf("u1")): ClassAccess {
  const rules = { classes: new Map([["Item", rolesOf({ ...everybody, ...role })]]), defaults: [] };
  const access = effectiveRole({ rules, context, schema, classNames: [] }).classes["Item"];
  if (access === undefined) throw new Error("no access to Item");
  return access;
}

function predicatesOf(role: Json): readonly string[] {
  const { read, write, insert, delete: deletion } = accessOf(role);
  return [read, write, insert, deletion];
}

const [T, F] = ["TRUEPREDICATE", "FALSEPREDICATE"];
const own = 'owner == "u1"';

describe("predicates", () => {
  test.each<[string, Json, readonly string[]]>([
    ["everything", {}, [T, T, T, T]],
    ["a read filter", { document_filters: { read: owner, write: false } }, [own, F, F, F]],
    ["write implies read", { document_filters: { read: false, write: owner } }, [own, own, own, own]],
    [
      "either filter makes readable",
      { document_filters: { read: { editors: "%%user.id" }, write: owner } },
      [`(editors == "u1" or ${own})`, own, own, own],
    ],
    ["the same filter twice", { document_filters: { read: owner, write: owner } }, [own, own, own, own]],
    ["insert", { insert: owner }, [T, T, own, T]],
    ["delete", { delete: false }, [T, T, T, F]],
    [
      "insert on top of write",
      { document_filters: { read: true, write: owner }, insert: { text: { $ne: "x" } }, delete: false },
      [T, own, `!(text == "x") and ${own}`, F],
    ],
    ["no fields can be written", { write: false }, [T, F, F, F]],
    ["no fields can be read", { read: false, write: false }, [F, F, F, F]],
    ["one field can be written", { write: false, fields: { text: { write: true } } }, [T, T, T, T]],
    [
      "further fields can be read",
      { read: undefined, write: undefined, additional_fields: { read: true } },
      [T, F, F, F],
    ],
  ])("%s", (_, role, expected) => {
    expect(predicatesOf(role)).toEqual(expected);
  });

  test("are too long at some length", () => {
    const names = (count: number): unknown => ({
      team: Array.from({ length: count }, (_, index) => `member ${index}`),
    });
    const role = { document_filters: { read: { owner: "%%user.custom_data.team" }, write: false } };
    expect(accessOf(role, contextOf("u1", names(1_000))).denial).toBeNull();
    const { denial, read } = accessOf(role, contextOf("u1", names(50_000)));
    expect(denial).toBe(`role "all": read gives a predicate of more than ${predicateBytesMax} bytes`);
    expect(read).toBe(F);
  });
});

describe("the role that applies", () => {
  const team = (name: string): Json => ({ ...everybody, name, apply_when: { "%%user.custom_data.team": name } });
  const chosen = (
    documents: readonly Json[],
    defaults: readonly Json[],
    customData: unknown,
  ): ClassAccess | undefined => {
    const rules = { classes: new Map([["Item", rolesOf(...documents)]]), defaults: rolesOf(...defaults) };
    return effectiveRole({ rules, context: contextOf("u1", customData), schema, classNames: ["Other"] }).classes[
      "Item"
    ];
  };

  test("is the first whose apply_when is true", () => {
    expect(chosen([team("red"), team("blue"), { ...everybody, name: "rest" }], [], { team: "blue" })?.role).toBe(
      "blue",
    );
    expect(chosen([team("red"), { ...everybody, name: "rest" }], [], { team: "blue" })?.role).toBe("rest");
  });

  test("is none of the default roles where a class has some of its own", () => {
    expect(chosen([team("red")], [everybody], { team: "blue" })).toEqual({
      role: null,
      denial: "no role applies",
      read: F,
      write: F,
      insert: F,
      delete: F,
      readableFields: noFields,
      writableFields: noFields,
    });
    expect(chosen([], [everybody], {})?.role).toBe("all");
  });

  test("denies access if it cannot be used, and no other is tried", () => {
    const broken = { ...everybody, name: "broken", document_filters: { read: true } };
    expect(chosen([broken, everybody], [], {})).toMatchObject({
      role: "broken",
      denial: 'role "broken": document_filters.write is missing',
      read: F,
      write: F,
      insert: F,
      delete: F,
    });
    const skipped = { ...broken, apply_when: false };
    expect(chosen([skipped, everybody], [], {})?.role).toBe("all");
  });

  test("is not looked for beyond one whose condition is not known", () => {
    const roles = parseRoles(
      [{ ...everybody, apply_when: { "%%true": { "%function": {} } } }, everybody],
      () => undefined,
    );
    const rules = { classes: new Map([["Item", roles]]), defaults: [] };
    const { classes } = effectiveRole({ rules, context: contextOf("u1"), schema, classNames: [] });
    expect(classes["Item"]).toMatchObject({ read: F, denial: 'role "all": apply_when uses %function' });
  });

  test("is not looked for beyond one whose condition depends on documents", () => {
    const [role] = rolesOf(everybody);
    const applyWhen: Expression = {
      kind: "exists",
      operand: { kind: "field", name: "owner" },
      expected: { kind: "literal", value: { type: "bool", value: true } },
    };
    const roles = role === undefined ? [] : [{ ...role, applyWhen }, role];
    expect(classAccess(roles, { context: contextOf("u1"), schema, className: "Item" })).toMatchObject({
      read: F,
      denial: 'role "all": apply_when looks at documents',
    });
  });

  test("is asked for every class and for those to come", () => {
    const rules = {
      classes: new Map([["Item", rolesOf(everybody)]]),
      defaults: rolesOf({ ...everybody, document_filters: { read: owner, write: false } }),
    };
    const role = effectiveRole({
      rules,
      context: contextOf("u1"),
      schema,
      classNames: ["Zebra", "Apple", "__proto__"],
    });
    expect(Object.keys(role.classes).sort()).toEqual(["Apple", "Item", "Zebra", "__proto__"]);
    const all = "[true,[]]";
    const fields = { readableFields: all, writableFields: all };
    const reader = { read: own, write: F, insert: F, delete: F, ...fields };
    expect(ledgerRole(role)).toEqual({
      default: reader,
      classes: Object.fromEntries([
        ["Apple", reader],
        ["Item", { read: T, write: T, insert: T, delete: T, ...fields }],
        ["Zebra", reader],
        ["__proto__", reader],
      ]),
    });
  });
});

describe("a role that synchronisation cannot use", () => {
  const read = (expression: unknown): Json => ({ document_filters: { read: expression, write: true } });
  test.each<[string, Json]>([
    ["document_filters.read is missing", { document_filters: { write: true } }],
    ["document_filters.read is missing", { document_filters: undefined }],
    ["read is not true or false", { read: owner }],
    ["write is not true or false", { write: {} }],
    ["fields.text.read is not true or false", { fields: { text: { read: owner } } }],
    ["fields.text.fields.x.write is not true or false", { fields: { text: { fields: { x: { write: {} } } } } }],
    ["additional_fields.write is not true or false", { additional_fields: { write: owner } }],
    ["fields cannot have permissions of _id", { fields: { _id: { read: true } } }],
    ['document_filters.read uses the field "hidden", which is not queryable', read({ hidden: "x" })],
    ['document_filters.read uses the field "hidden", which is not queryable', read({ $or: [true, { hidden: "x" }] })],
    ['insert uses the field "hidden", which is not queryable', { insert: { hidden: "x" } }],
    ['delete uses the field "hidden", which is not queryable', { delete: { $not: { hidden: { $exists: true } } } }],
    ['document_filters.read uses the field "like", whose name is reserved', read({ like: "x" })],
    ['document_filters.read uses the field "a.b", whose name cannot stand in a query', read({ "a.b": "x" })],
    ['document_filters.read uses the field "link", which holds no scalars', read({ link: "x" })],
    ['document_filters.read uses the field "map", which holds no scalars', read({ map: "x" })],
    ["document_filters.read uses %%root", read({ "%%root.owner": "x" })],
    ["insert uses %%prev", { insert: { owner: "%%prev.owner" } }],
    ["delete uses %%request", { delete: { "%%request.remoteIPAddress": { $in: ["x"] } } }],
    ["insert uses %%this", { insert: { owner: { $in: ["a", { "%stringToOid": "%%this.owner" }] } } }],
  ])("%s", (reason, role) => {
    const access = accessOf(role);
    expect(access.denial).toBe(`role "all": ${reason}`);
    expect([access.read, access.write, access.insert, access.delete]).toEqual([F, F, F, F]);
  });
});

describe("fields", () => {
  const partial = { read: undefined, write: undefined };
  const texts = (role: Json): readonly string[] => {
    const { readableFields, writableFields } = accessOf({ ...partial, ...role });
    return [fieldAccessText(readableFields), fieldAccessText(writableFields)];
  };
  const all = fieldAccessText(allFields);
  const none = fieldAccessText(noFields);

  test.each<[string, Json, readonly string[]]>([
    ["all by write", { write: true, fields: { text: { read: false, write: false } } }, [all, all]],
    ["all to read by read", { read: true, fields: { text: { write: true } } }, [all, '[false,[["text",[true,[]]]]]']],
    [
      "named ones",
      { fields: { text: { read: true }, owner: { write: true } } },
      ['[false,[["owner",[true,[]]],["text",[true,[]]]]]', '[false,[["owner",[true,[]]]]]'],
    ],
    [
      "all but one",
      { additional_fields: { read: true }, fields: { text: { read: false } } },
      ['[true,[["text",[false,[]]]]]', none],
    ],
    [
      "others by write",
      { additional_fields: { write: true }, fields: { text: {} } },
      ['[true,[["text",[false,[]]]]]', '[true,[["text",[false,[]]]]]'],
    ],
    [
      "some of an embedded document",
      { fields: { address: { fields: { street: { read: true }, city: { write: true } } } } },
      [
        '[false,[["address",[false,[["city",[true,[]]],["street",[true,[]]]]]]]]',
        '[false,[["address",[false,[["city",[true,[]]]]]]]]',
      ],
    ],
    [
      "of an embedded document that decides itself",
      {
        fields: {
          address: { read: true, fields: { street: { read: false } } },
          home: { read: false, fields: { street: { read: true } } },
        },
      },
      ['[false,[["address",[true,[]]]]]', none],
    ],
    [
      "of an embedded document that others may read",
      { additional_fields: { read: true }, fields: { address: { fields: { street: { read: true } } } } },
      ['[true,[["address",[false,[["street",[true,[]]]]]]]]', none],
    ],
  ])("%s", (_, role, expected) => {
    expect(texts(role)).toEqual(expected);
  });

  test("are asked for by path", () => {
    const fields = { address: { fields: { street: { read: true } } }, text: { read: false } };
    const { readableFields } = accessOf({ ...partial, fields, additional_fields: { read: true } });
    const allows = (path: string): boolean => allowsField(readableFields, path.split("."));
    const paths = ["text", "owner", "owner.x", "address", "address.street", "address.street.x", "address.city"];
    expect(paths.filter(allows)).toEqual(["owner", "owner.x", "address.street", "address.street.x"]);
  });
});

test("reserved names", () => {
  const names = ["like", "LIKE", "Sort", "oid", "OID", "in", "In", "ALL", "All", "uuid", "B64", "b64", "name"];
  expect(names.filter(isReservedFieldName)).toEqual(["like", "LIKE", "Sort", "oid", "in", "ALL", "uuid", "B64"]);
});
