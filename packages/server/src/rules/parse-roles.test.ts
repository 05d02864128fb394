import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expressionDepthMax, expressionNodesMax, visitExpression } from "./expression.js";
import {
  fieldDepthMax,
  parseRoles,
  type RoleDocument,
  roleFieldsMax,
  roleNameLengthMax,
  rolesMax,
} from "./parse-roles.js";

interface Reading {
  readonly roles: readonly RoleDocument[];
  /** `path: message` */
  readonly reports: readonly string[];
}

function read(value: unknown): Reading {
  const reports: string[] = [];
  const roles = parseRoles(value, (path, message) => reports.push(`${path.join("/")}: ${message}`));
  return { roles, reports };
}

const filters = { document_filters: { read: true, write: false } };
const owner = { name: "owner", apply_when: {}, ...filters };

function nested(levels: number, inner: unknown, wrap: (value: unknown) => unknown): unknown {
  return levels === 0 ? inner : wrap(nested(levels - 1, inner, wrap));
}

describe("a role", () => {
  test("is read with its defaults", () => {
    const { roles, reports } = read([owner]);
    expect(reports).toEqual([]);
    const always = { kind: "constant", value: true };
    expect(roles).toEqual([
      {
        name: "owner",
        applyWhen: { kind: "and", operands: [] },
        documentFilters: { read: always, write: { kind: "constant", value: false } },
        read: undefined,
        write: undefined,
        insert: always,
        delete: always,
        search: always,
        fields: new Map(),
        additionalFields: { read: undefined, write: undefined },
      },
    ]);
  });

  test("is read with all its parts", () => {
    const value = {
      ...owner,
      apply_when: { "%%user.custom_data.level": { $gte: 3 } },
      document_filters: { read: { owner_id: "%%user.id" }, write: { "%or": [{ owner_id: "%%user.id" }, false] } },
      read: true,
      write: false,
      insert: { kind: { "%in": ["a", { $oid: "0123456789abcdef01234567" }] } },
      delete: false,
      search: true,
      fields: { address: { fields: { street: { read: true, write: false } } } },
      additional_fields: { read: true },
    };
    const { roles, reports } = read([value]);
    expect(reports).toEqual([]);
    expect(roles[0]).toMatchObject({
      applyWhen: {
        kind: "comparison",
        operator: "gte",
        left: { kind: "expansion", root: "user", path: ["custom_data", "level"] },
        right: { kind: "literal", value: { type: "int", value: 3n } },
      },
      documentFilters: {
        write: { kind: "or", operands: [{ left: { kind: "field", name: "owner_id" } }, { value: false }] },
      },
      insert: {
        operator: "in",
        right: { kind: "array", items: [{ kind: "literal" }, { value: { type: "objectId" } }] },
      },
      fields: new Map([
        [
          "address",
          {
            read: undefined,
            write: undefined,
            fields: new Map([
              [
                "street",
                {
                  read: { kind: "constant", value: true },
                  write: { kind: "constant", value: false },
                  fields: new Map(),
                },
              ],
            ]),
          },
        ],
      ]),
      additionalFields: { read: { kind: "constant", value: true }, write: undefined },
    });
  });

  test.each<[string, unknown, string[]]>([
    ["no list", {}, [": a list of roles is needed"]],
    ["no object", [5], ["0: an object is needed"]],
    ["no name", [{ ...owner, name: undefined }], ['0: "name" is missing']],
    ["an empty name", [{ ...owner, name: "" }], ["0/name: a name is needed"]],
    ["a long name", [{ ...owner, name: "x".repeat(101) }], ["0/name: a role's name may be 100 characters long"]],
    ["a name twice", [owner, owner], ['1/name: a second role "owner"']],
    ["no apply_when", [{ name: "a", ...filters }], ['0: "apply_when" is missing']],
    ["an unknown key", [{ ...owner, aply_when: {} }], ['0/aply_when: unknown key "aply_when"']],
    ["filters that are a boolean", [{ ...owner, document_filters: true }], ["0/document_filters: an object is needed"]],
    [
      "an unknown filter",
      [{ ...owner, document_filters: { read: true, write: true, delete: true } }],
      ['0/document_filters/delete: unknown key "delete"'],
    ],
    ["fields in a list", [{ ...owner, fields: [] }], ["0/fields: an object is needed"]],
    ["a field that is a boolean", [{ ...owner, fields: { a: true } }], ["0/fields/a: an object is needed"]],
    [
      "an unknown permission of a field",
      [{ ...owner, fields: { a: { fields: { b: { insert: true } } } } }],
      ['0/fields/a/fields/b/insert: unknown key "insert"'],
    ],
    [
      "additional fields in a list",
      [{ ...owner, additional_fields: [] }],
      ["0/additional_fields: an object is needed"],
    ],
    [
      "several wrong parts",
      [owner, { name: "b", apply_when: "x", read: 5 }],
      [
        "1/apply_when: an expression must be a boolean or an object",
        "1/read: an expression must be a boolean or an object",
      ],
    ],
  ])("with %s is reported", (_, value, expected) => {
    expect(read(value).reports).toEqual(expected);
  });

  test("that is none still stands in its place", () => {
    expect(read([null, owner]).roles.map((role) => role.applyWhen.kind)).toEqual(["unsupported", "and"]);
    expect(read("x").roles.map((role) => role.applyWhen.kind)).toEqual(["unsupported"]);
    expect(read([]).roles).toEqual([]);
  });

  test("has bounds", () => {
    const names = Array.from({ length: rolesMax + 1 }, (_, index) => ({ ...owner, name: `r${index}` }));
    expect(read(names).reports).toEqual([`${rolesMax}: a collection may have ${rolesMax} roles`]);
    expect(read(names.slice(1)).reports).toEqual([]);
    expect(read([{ ...owner, name: "x".repeat(roleNameLengthMax) }]).reports).toEqual([]);

    const fields = Object.fromEntries(
      Array.from({ length: roleFieldsMax }, (_, index) => [`f${index}`, { read: true }]),
    );
    expect(read([{ ...owner, fields }]).reports).toEqual([]);
    const many = read([{ ...owner, fields: { ...fields, more: {} } }]);
    expect(many.reports).toEqual([`0/fields/more: a role may name ${roleFieldsMax} fields`]);
    expect([...(many.roles[0]?.fields.values() ?? [])].map((field) => field.read?.kind)).toEqual(["unsupported"]);

    const deep = (levels: number): unknown => nested(levels, {}, (field) => ({ fields: { a: field } }));
    expect(read([{ ...owner, fields: { a: deep(fieldDepthMax - 2) } }]).reports).toEqual([]);
    const [report] = read([{ ...owner, fields: { a: deep(fieldDepthMax) } }]).reports;
    expect(report).toMatch(new RegExp(`fields may be nested ${fieldDepthMax} levels deep$`));
  });
});

describe("an expression", () => {
  function reportsOf(write: unknown, apply_when: unknown = {}): readonly string[] {
    return read([{ ...owner, write, apply_when }]).reports.map((report) => report.replace(/^0\//, ""));
  }

  test.each<[unknown, string]>([
    ["%%true", "write: an expression must be a boolean or an object"],
    [5, "write: an expression must be a boolean or an object"],
    [null, "write: an expression must be a boolean or an object"],
    [[], "write: an expression must be a boolean or an object"],
    [{ $and: [] }, "write/$and: a list of at least one expression is needed"],
    [{ "%or": {} }, "write/%or: a list of at least one expression is needed"],
    [{ $nor: [1] }, "write/$nor/0: an expression must be a boolean or an object"],
    [{ $not: "x" }, "write/$not: an expression must be a boolean or an object"],
    [{ $eq: 1 }, 'write/$eq: unknown operator "$eq"'],
    [{ $where: "1" }, 'write/$where: unknown operator "$where"'],
    [{ "%stringToOid": "x" }, 'write/%stringToOid: unknown operator "%stringToOid"'],
    [{ "%function": { name: "f" } }, "write/%function: functions in rules are not supported"],
    [{ "%%true": { "%function": { name: "f" } } }, "write/%%true/%function: functions in rules are not supported"],
    [{ a: { "%function": { name: "f" } } }, "write/a/%function: functions in rules are not supported"],
    [{ a: { $regex: "x" } }, 'write/a/$regex: unknown operator "$regex"'],
    [{ a: { "%foo": 1 } }, 'write/a/%foo: unknown operator "%foo"'],
    [{ a: {} }, "write/a: a field cannot be compared with a document"],
    [{ a: { b: 1 } }, "write/a: a field cannot be compared with a document"],
    [{ a: { $gt: { b: 1 } } }, "write/a/$gt: a document cannot be compared"],
    [{ a: { $gt: 1, b: 1 } }, "write/a: a field cannot be compared with a document"],
    [{ a: { $in: "x" } }, "write/a/$in: a list or an expansion is needed"],
    [{ a: { $nin: 5 } }, "write/a/$nin: a list or an expansion is needed"],
    [{ a: { $exists: 1 } }, "write/a/$exists: a boolean is needed"],
    [{ a: { $exists: [] } }, "write/a/$exists: a boolean is needed"],
    [{ a: { $or: [] } }, "write/a/$or: a list of at least one expression is needed"],
    [{ "": 1 }, "write/: a field's name must not be empty"],
    [{ "%%users.id": 1 }, 'write/%%users.id: unknown expansion "%%users.id"'],
    [{ "%%user.name": 1 }, 'write/%%user.name: unknown expansion "%%user.name"'],
    [{ "%%values": 1 }, 'write/%%values: unknown expansion "%%values"'],
    [{ "%%environment.name": 1 }, 'write/%%environment.name: unknown expansion "%%environment.name"'],
    [{ "%%true.x": 1 }, 'write/%%true.x: unknown expansion "%%true.x"'],
    [{ a: "%%user.custom_data..x" }, 'write/a: malformed path "%%user.custom_data..x"'],
    [{ a: `%%user.data${".x".repeat(20)}` }, `write/a: malformed path "%%user.data${".x".repeat(20)}"`],
    [{ a: "%%nothing" }, 'write/a: unknown expansion "%%nothing"'],
    [{ a: { $oid: "x" } }, "write/a: malformed Extended JSON"],
    [{ a: { $oid: "0123456789abcdef01234567", x: 1 } }, "write/a: malformed Extended JSON"],
    [{ a: { $uuid: "x" } }, "write/a: malformed Extended JSON"],
    [{ a: { $numberInt: "2147483648" } }, "write/a: malformed Extended JSON"],
    [{ a: { $numberLong: "9223372036854775808" } }, "write/a: malformed Extended JSON"],
    [{ a: { $numberLong: 5 } }, "write/a: malformed Extended JSON"],
    [{ a: { $numberDouble: "x" } }, "write/a: malformed Extended JSON"],
    [{ a: { $numberDecimal: "1.2.3" } }, "write/a: malformed Extended JSON"],
    [{ a: { $numberDecimal: "1E+6145" } }, "write/a: malformed Extended JSON"],
    [{ a: { $numberDecimal: `1${"0".repeat(33)}1` } }, "write/a: malformed Extended JSON"],
    [{ a: { $date: "yesterday" } }, "write/a: malformed Extended JSON"],
    [{ a: { $date: "2020-02-40T00:00:00Z" } }, "write/a: malformed Extended JSON"],
    [{ a: { $date: { $numberDouble: "1" } } }, "write/a: malformed Extended JSON"],
    [{ a: { $binary: { base64: "?", subType: "00" } } }, "write/a: malformed Extended JSON"],
    [{ a: { $binary: { base64: "AQ==", subType: "04" } } }, "write/a: malformed Extended JSON"],
    [{ a: { $binary: { base64: "AQ==", subType: "05" } } }, "write/a: no field can hold a value of this type"],
    [{ a: { $regularExpression: {} } }, "write/a: no field can hold a value of this type"],
    [{ a: { $in: [1, { $minKey: 1 }] } }, "write/a/$in/1: no field can hold a value of this type"],
    [
      { a: { "%stringToOid": 5 } },
      "write/a/%stringToOid: stringToOid takes an expansion or a literal that it can convert",
    ],
    [
      { a: { "%oidToString": "x" } },
      "write/a/%oidToString: oidToString takes an expansion or a literal that it can convert",
    ],
    [{ a: { "%stringToOid": "%%user.id", $gt: 1 } }, 'write/a: nothing can stand beside "%stringToOid"'],
    [
      { a: { "%stringToOid": { "%oidToString": "%%user.id" } } },
      "write/a/%stringToOid: stringToOid takes an expansion or a literal that it can convert",
    ],
  ])("%j is reported", (value, report) => {
    const { roles, reports } = read([{ ...owner, write: value }]);
    expect(reports).toEqual([`0/${report}`]);
    const kinds = new Set<string>();
    const role = roles[0];
    if (role?.write !== undefined) visitExpression(role.write, (part) => kinds.add(part.kind));
    expect(kinds).toContain("unsupported");
  });

  test.each<[unknown]>([
    [{ "%%root.owner": "%%user.id" }],
    [{ owner: "%%prev.owner" }],
    [{ "%%request.remoteIPAddress": "x" }],
    [{ "%%this": { $exists: true } }],
    [{ "%%partition": "x" }],
  ])("%j is known, but not for synchronisation", (value) => {
    expect(reportsOf(value)).toEqual([]);
  });

  test.each<[unknown, string]>([
    [{ owner: "%%user.id" }, "apply_when/owner: apply_when cannot look at the document's fields"],
    [{ "%%root.owner": "%%user.id" }, "apply_when/%%root.owner: apply_when cannot use %%root"],
    [{ $or: [{ "%%user.id": "%%this" }] }, "apply_when/$or/0/%%user.id: apply_when cannot use %%this"],
    [{ "%%request.rawQueryString": "" }, "apply_when/%%request.rawQueryString: apply_when cannot use %%request"],
    [{ "%%true": { "%function": {} } }, "apply_when/%%true/%function: functions in rules are not supported"],
  ])("apply_when %j is reported", (value, report) => {
    expect(reportsOf(true, value)).toEqual([report]);
  });

  test("has bounds", () => {
    const deep = (levels: number): unknown => nested(levels, true, (inner) => ({ $not: inner }));
    expect(reportsOf(deep(expressionDepthMax))).toEqual([]);
    const [depth, ...others] = reportsOf(deep(5_000));
    expect(others).toEqual([]);
    expect(depth).toMatch(new RegExp(`an expression may be nested ${expressionDepthMax} levels deep$`));

    const long = (count: number): unknown => ({ a: { $in: Array.from({ length: count }, (_, index) => index) } });
    expect(reportsOf(long(expressionNodesMax - 10))).toEqual([]);
    expect(reportsOf(long(expressionNodesMax + 10))).toHaveLength(1);
  });

  test("of any JSON is read without harm", () => {
    const keys = fc.constantFrom(
      "$and",
      "%or",
      "$not",
      "a",
      "%%user.id",
      "%%true",
      "$in",
      "$exists",
      "%stringToOid",
      "$date",
      "__proto__",
    );
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<unknown>(true, null, 5, "x", "%%user.id", "%%root.a", "%%x"),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(keys, tie("json"), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(json, (value) => {
        const { roles, reports } = read([{ ...owner, write: value }]);
        let isUnsupported = false;
        const write = roles[0]?.write;
        if (write !== undefined) visitExpression(write, (part) => (isUnsupported ||= part.kind === "unsupported"));
        // Whatever is reported leaves something behind that refuses access.
        if (reports.length > 0) expect(isUnsupported).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
