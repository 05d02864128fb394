import { describe, expect, test } from "vitest";
import { app, appWithSync, type FileContents, findingsIn, memoryFiles, tasks } from "../testing/app-files.js";
import { defaultAppDirectoryLimits } from "./files.js";
import { readAppDirectory } from "./read.js";

const schema = (properties: object, rest: object = {}): object => ({
  title: "Task",
  bsonType: "object",
  properties: {
    _id: { bsonType: "objectId" },
    owner_id: { bsonType: "string" },
    done: { bsonType: "bool" },
    ...properties,
  },
  required: ["_id"],
  ...rest,
});

/** Properties of `schema` start on this line with three of three lines each. */
const firstAddedLine = 14;

describe("formats", () => {
  const notApp = "there is no root_config.json: this is not the directory of an app";
  const formats = "read are the current one (root_config.json) and 20210101 (realm_config.json)";

  test.each<[string, FileContents, string]>([
    ["nothing", {}, `root_config.json:1:1: error: ${notApp}`],
    [
      "the first one",
      { "stitch.json": { name: "todo" }, "auth_providers/anon-user.json": {} },
      `stitch.json:1:1: error: the format of this directory is older than 20210101; ${formats}`,
    ],
    [
      "the second one",
      { "config.json": { config_version: 20200603 } },
      `config.json:1:1: error: the format of this directory is older than 20210101; ${formats}`,
    ],
    [
      "another version",
      { "realm_config.json": { app_id: "todo-abcde", config_version: 20200603 } },
      `realm_config.json:3:3: error: the format 20200603 is not read; ${formats}`,
    ],
  ])("%s is refused", (_, contents, expected) => {
    expect(findingsIn(contents)).toEqual([expected]);
  });
});

describe("files", () => {
  const provider = "auth/providers.json";

  test.each<[string, unknown, readonly string[]]>([
    ["empty", "", ["1:1: error: not JSON: a value is expected"]],
    [
      "a missing comma",
      '{\n  "anon-user": { "disabled": false }\n  "api-key": {}\n}',
      ["3:3: error: not JSON: a comma is expected"],
    ],
    ["a comment", "{ // none\n}", ["1:3: error: not JSON: JSON has no comments"]],
    [
      "a comma too many",
      '{"anon-user": {},}',
      ["1:18: error: not JSON: the name of a property is expected, in double quotes"],
    ],
    ["a missing brace", '{"anon-user": {\n', ["2:1: error: not JSON: a closing brace is expected"]],
    ["a string without an end", '{"anon-user', ["1:2: error: not JSON: the string does not end"]],
    ["something behind", "{}\r\n{}", ["2:1: error: not JSON: the end of the file is expected"]],
    ["a word", "{a: 1}", ["1:2: error: not JSON: this is no value of JSON"]],
    ["no UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), ["1:1: error: the file is not in UTF-8"]],
    [
      "a key that is there twice",
      '{\n"anon-user": {},\n  "anon-user": {}}',
      ['3:3: error: "anon-user" is there already, on line 2'],
    ],
    ["no object", "[]", ["1:1: error: an object is expected"]],
  ])("%s", (_, content, expected) => {
    const found = findingsIn(app({ [provider]: content }));
    expect(found.slice(0, expected.length)).toEqual(expected.map((line) => `${provider}:${line}`));
    expect(found.every((line) => line.startsWith(`${provider}:`))).toBe(true);
  });

  test("a byte order mark is none of the text", () => {
    expect(findingsIn(app({ [provider]: "\uFEFF{}" }))).toEqual([]);
  });

  test("wrong syntax hides what may follow from it, and nothing of other files", () => {
    const found = findingsIn(
      app({ [`${tasks}schema.json`]: '{"title": "Task", "bsonType": "object", "properties": {', "values/a.json": {} }),
    );
    expect(found).toEqual([
      `${tasks}schema.json:1:56: error: not JSON: a closing brace is expected`,
      "values/a.json:1:1: error: value is missing",
    ]);
  });

  test("nesting, size, number of files and findings are bounded", () => {
    const { nestingMax, fileBytesMax } = defaultAppDirectoryLimits;
    const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(findingsIn(app({ [provider]: deep(nestingMax + 1) }))).toEqual([
      `${provider}:1:${nestingMax + 1}: error: objects and arrays nest deeper than ${nestingMax}`,
    ]);
    expect(findingsIn(app({ [provider]: deep(nestingMax) }))).toEqual([
      `${provider}:1:1: error: an object is expected`,
    ]);
    expect(findingsIn(app({ [provider]: deep(500_000) }))).toHaveLength(1);
    expect(findingsIn(app({ [provider]: " ".repeat(fileBytesMax + 1) }))).toEqual([
      `${provider}:1:1: error: the file has more than ${fileBytesMax} bytes`,
    ]);
    expect(findingsIn(app({ [provider]: `{}${" ".repeat(fileBytesMax - 2)}` }))).toEqual([]);
    expect(findingsIn(app(), { limits: { filesMax: 2 } })[0]).toMatch(/ error: the directory has more than 2 files$/);
    expect(findingsIn(app(), { limits: { bytesMax: 100 } }).join("\n")).toContain(
      "error: the files have more than 100 bytes together",
    );
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`unknown${index}`, 1]));
    const found = findingsIn(app({ [`${tasks}rules.json`]: many, "values/a.json": {} }), {
      limits: { findingsMax: 5 },
    });
    expect(found).toHaveLength(6);
    expect(found.at(-1)).toBe(":1:1: warning: 26 more findings are left out");
  });

  test("a file that cannot be read, and a directory that cannot be listed", () => {
    const files = memoryFiles(app());
    const unreadable = {
      ...files,
      read: (path: string) => {
        if (path === provider) throw new Error("no permission");
        return files.read(path);
      },
    };
    expect(readAppDirectory(unreadable).findings).toEqual([
      { severity: "error", file: provider, line: 1, column: 1, message: "the file cannot be read: no permission" },
    ]);
    const unlisted = {
      ...files,
      list: () => {
        throw new Error("gone");
      },
    };
    expect(readAppDirectory(unlisted).findings[0]?.message).toBe("the directory cannot be listed: gone");
  });

  test("names of JavaScript's own are names like others", () => {
    const contents = app({
      [`${tasks}schema.json`]: `{"title": "Task", "bsonType": "object", "properties": {"_id": {"bsonType": "objectId"},
        "owner_id": {"bsonType": "string"}, "done": {"bsonType": "bool"},
        "__proto__": {"bsonType": "long"}, "constructor": {"bsonType": "uuid"}}}`,
    });
    const { configuration, findings } = readAppDirectory(memoryFiles(contents));
    expect(findings).toEqual([]);
    expect(configuration.classes[0]?.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "owner_id string",
      "done bool",
      "__proto__ int",
      "constructor uuid",
    ]);
  });
});

describe("settings", () => {
  test.each<[FileContents, string]>([
    [{ "root_config.json": {} }, "root_config.json:1:1: error: name is missing"],
    [
      { "root_config.json": { name: "a b" } },
      'root_config.json:2:3: error: name: only letters, digits, "_" and "-" are allowed',
    ],
    [
      { "root_config.json": { name: "a".repeat(33) } },
      "root_config.json:2:3: error: name: at most 32 characters are allowed",
    ],
    [{ "root_config.json": { name: "a", nmae: 1 } }, 'root_config.json:3:3: warning: unknown key "nmae"'],
    [
      { "root_config.json": { name: "a", allowed_request_origins: ["https://a.example"] } },
      "root_config.json:3:3: warning: allowed_request_origins: requests of browsers from other origins are not refused yet",
    ],
    [
      { "root_config.json": { name: "a", environment: "staging" } },
      'root_config.json:3:3: error: environment: expected one of ""|"development"|"testing"|"qa"|"production"',
    ],
    [
      { "data_sources/mongodb-atlas/config.json": { name: "other" } },
      'data_sources/mongodb-atlas/config.json:2:3: error: name: "mongodb-atlas" is expected as its folder is called, found "other"',
    ],
    [
      { "data_sources/mongodb-atlas/config.json": { type: "datalake" } },
      'data_sources/mongodb-atlas/config.json:2:3: warning: data sources of type "datalake" cannot be synchronised',
    ],
    [
      { "data_sources/mongodb-atlas/config.json": undefined },
      'data_sources/mongodb-atlas/config.json:1:1: warning: the data source "mongodb-atlas" has no config.json',
    ],
    [
      { [`${tasks}rules.json`]: { database: "shop", collection: "task", roles: [] } },
      `${tasks}rules.json:3:3: error: collection: "tasks" is expected as its folder is called, found "task"`,
    ],
    [{ [`${tasks}rules.json`]: { roles: {} } }, `${tasks}rules.json:2:3: error: roles: an array of roles is expected`],
    [
      { [`${tasks}rules.json`]: { roles: [], filters: [{}] } },
      `${tasks}rules.json:3:3: warning: filters only matter for access to data past synchronisation, which is not offered yet`,
    ],
  ])("of the app and its data (%#)", (changes, expected) => {
    expect(findingsIn(app(changes))).toEqual([expected]);
  });

  test("a data source with a name that cannot be one", () => {
    const contents = app({ "data_sources/a b/config.json": {} });
    expect(findingsIn(contents)).toContain(
      'data_sources/a b/config.json:1:1: error: the name of a data source has up to 64 letters, digits, "_" and "-"',
    );
  });

  test.each<[string, unknown, string]>([
    ["type", "flexble", '2:3: error: type: expected one of "flexible"|"partition"'],
    [
      "type",
      "partition",
      "2:3: warning: partition-based synchronisation is not offered: its clients are refused; flexible is",
    ],
    ["state", "on", '3:3: error: state: expected one of "enabled"|"disabled"|""'],
    ["development_mode_enabled", "yes", "4:3: error: development_mode_enabled: expected boolean, received string"],
    ["service_name", "other", '5:3: error: there is no data source "other"'],
    ["client_max_offline_days", 0, "7:3: error: client_max_offline_days: at least 1 day is expected"],
    ["client_max_offline_days", 1.5, "7:3: error: client_max_offline_days: a whole number is expected"],
    ["queryable_fields_names", "owner_id", "9:3: error: queryable_fields_names: an array of names is expected"],
    ["partition", { key: "a" }, "21:3: warning: partition is ignored: the type of synchronisation is flexible"],
    ["queryable_fields", [], '21:3: warning: unknown key "queryable_fields"'],
    ["asymmetric_tables", ["events"], '21:5: error: there is no collection "events"'],
    [
      "collection_queryable_fields_names",
      { events: ["a"] },
      `13:5: warning: no collection "events" is synchronised with clients' queries`,
    ],
    [
      "collection_queryable_fields_names",
      { Task: ["done", "dnoe"] },
      '15:7: warning: queryable field "dnoe": no class has such a property',
    ],
    [
      "collection_queryable_fields_names",
      { tasks: ["LIMIT"] },
      '14:7: error: queryable field "LIMIT": the name is a word of the query language',
    ],
    ["indexed_queryable_fields_names", ["done"], '18:5: error: "done" must be one of queryable_fields_names too'],
    [
      "indexed_queryable_fields_names",
      ["a", "b"],
      "17:3: error: indexed_queryable_fields_names: at most one name is allowed",
    ],
  ])("of synchronisation: %s (%#)", (key, value, expected) => {
    const found = findingsIn(appWithSync({ [key]: value }));
    expect(found).toContain(`sync/config.json:${expected}`);
    // Without its list of queryable fields, the indexed one is wrong too; a wrong index has a wrong type too.
    expect(found).toHaveLength(key === "queryable_fields_names" || String(value) === "done" ? 2 : 1);
  });

  test("an indexed field of a type that it cannot have", () => {
    const changes = { queryable_fields_names: ["done"], indexed_queryable_fields_names: ["done"] };
    expect(findingsIn(appWithSync(changes))).toEqual([
      'sync/config.json:18:5: error: indexed queryable field "done": in class Task it is something else; ' +
        "an indexed queryable field is an int, string, objectId or uuid",
    ]);
  });

  test("a queryable field that is not eligible", () => {
    const contents = appWithSync(
      { queryable_fields_names: ["owner_id", "step"] },
      { [`${tasks}schema.json`]: schema({ step: { bsonType: "object", properties: { a: { bsonType: "int" } } } }) },
    );
    expect(findingsIn(contents)).toEqual([
      'sync/config.json:11:5: error: queryable field "step": in class Task it is neither a scalar, nor a list or set of ' +
        "scalars, nor an embedded point of GeoJSON",
    ]);
  });

  test("in Development Mode what is not there yet is no fault", () => {
    const changes = {
      development_mode_enabled: true,
      queryable_fields_names: ["owner_id", "later"],
      asymmetric_tables: ["events"],
    };
    expect(findingsIn(appWithSync(changes)).map((line) => line.split(": ")[1])).toEqual(["information", "information"]);
  });

  test("several data sources, and none named", () => {
    const contents = appWithSync({ service_name: undefined }, { "data_sources/other/config.json": { name: "other" } });
    expect(findingsIn(contents)).toContain(
      "sync/config.json:1:1: error: service_name is missing, and there are 2 data sources",
    );
  });
});

describe("schemas and relationships, by line", () => {
  const file = `${tasks}schema.json`;
  const relationships = `${tasks}relationships.json`;
  const ref = (collection: string): string => `#/relationship/mongodb-atlas/shop/${collection}`;

  test("unknown and unsupported types", () => {
    expect(findingsIn(app({ [file]: schema({ p: { bsonType: "strng" } }) }))).toEqual([
      `${file}:${firstAddedLine + 1}:7: error: class Task, property p: there is no bsonType "strng"`,
    ]);
    const contents = app({ [file]: schema({ p: { bsonType: "regex" } }), "sync/config.json": undefined });
    expect(findingsIn(contents)).toEqual([
      `${file}:${firstAddedLine + 1}:7: warning: class Task, property p: no Realm property is of bsonType "regex"; ` +
        "the collection is not synchronised",
    ]);
  });

  test("titles that are there twice", () => {
    const other = "data_sources/mongodb-atlas/shop/zebras/schema.json";
    expect(findingsIn(app({ [other]: schema({}) }))).toEqual([
      `${other}:2:3: error: the title "Task" is that of collection "tasks" of database "shop" already`,
    ]);
  });

  test("relationships to what is not there, and not to _id", () => {
    const contents = app({
      [file]: schema({ a: { bsonType: "objectId" }, b: { bsonType: "objectId" }, c: { bsonType: "string" } }),
      [relationships]: {
        a: { ref: ref("taks"), foreign_key: "_id", is_list: false },
        b: { ref: ref("tasks"), foreign_key: "name", is_list: false },
        c: { ref: ref("tasks"), foreign_key: "_id", is_list: false },
      },
    });
    expect(findingsIn(contents)).toEqual([
      `${relationships}:3:5: error: relationship "a": there is no collection "taks" with a class in database "shop"`,
      `${relationships}:9:5: error: relationship "b": foreign_key must be "_id" where the collection is synchronised, not "name"`,
      `${file}:${firstAddedLine + 7}:7: error: class Task, property c: is a link to Task, whose _id is objectId; found string`,
    ]);
  });

  test("collections that are not synchronised", () => {
    const other = "data_sources/mongodb-atlas/shop/other/";
    const message = 'information: collection "other" is not synchronised: it has no schema';
    expect(findingsIn(app({ [`${other}rules.json`]: { roles: [] } }))).toEqual([`${other}rules.json:1:1: ${message}`]);
    expect(findingsIn(app({ [`${other}schema.json`]: {} }))).toEqual([`${other}schema.json:1:1: ${message}`]);
    expect(findingsIn(app({ [`${other}relationships.json`]: {} }))).toEqual([
      `${other}relationships.json:1:1: ${message}`,
    ]);
    const elsewhere = "data_sources/second/shop/other/schema.json";
    const second = { "data_sources/second/config.json": { name: "second" }, [elsewhere]: schema({}) };
    expect(findingsIn(app(second))).toEqual([
      `${elsewhere}:1:1: information: collection "other" is not synchronised: synchronised is the data source "mongodb-atlas"`,
    ]);
  });
});

describe("what does not work here", () => {
  const none = "there are no functions yet";

  test.each<[FileContents, readonly string[]]>([
    [
      {
        "functions/sum.js": "exports = () => 1;",
        "functions/a/b.js": "",
        "functions/config.json": [{ name: "sum", private: true }],
      },
      [
        `functions/a/b.js:1:1: warning: the function "a/b" does not run: ${none}`,
        `functions/sum.js:1:1: warning: the function "sum" does not run: ${none}`,
      ],
    ],
    [
      { "functions/config.json": [{ name: "gone" }, { nam: "x" }, 5], "functions/package.json": {} },
      [
        "functions/config.json:3:5: error: there is no file functions/gone.js",
        "functions/config.json:5:3: error: a function needs a name",
        'functions/config.json:6:5: warning: unknown key "nam"',
        "functions/config.json:8:3: error: an object is expected",
        `functions/package.json:1:1: warning: this does nothing: ${none}`,
      ],
    ],
    [{ "functions/config.json": {} }, ["functions/config.json:1:1: error: an array of functions is expected"]],
    [
      { "triggers/welcome.json": {} },
      ['triggers/welcome.json:1:1: warning: the trigger "welcome" does not run: there are no triggers'],
    ],
    [{ "log_forwarders/all.json": {} }, ['log_forwarders/all.json:1:1: warning: the log forwarder "all" does not run']],
    [{ "http_endpoints/config.json": [] }, []],
    [
      { "http_endpoints/config.json": [{ route: "/hello", http_method: "GET" }] },
      ['http_endpoints/config.json:2:3: warning: the HTTP endpoint "GET /hello" is not offered'],
    ],
    [
      { "http_endpoints/old/config.json": {} },
      ['http_endpoints/old/config.json:1:1: warning: the HTTP endpoint "old/config" is not offered'],
    ],
    [
      { "hosting/metadata.json": [], "hosting/files/a.html": "" },
      ["hosting/files/a.html:1:1: warning: hosting: 2 files are not served"],
    ],
    [
      { "graphql/config.json": {}, "graphql/custom_resolvers/a.json": {} },
      ["graphql/config.json:1:1: warning: GraphQL is not offered"],
    ],
    [
      { "services/twilio/config.json": {}, "services/twilio/rules/a.json": {} },
      ['services/twilio/config.json:1:1: warning: the service "twilio" is not offered'],
    ],
    [{ "sync/confg.json": {} }, ["sync/confg.json:1:1: warning: this is no file of an app directory; it is ignored"]],
    [{ "notes.txt": "" }, ["notes.txt:1:1: information: this is no file of an app directory; it is ignored"]],
    [{ "README.md": "", LICENSE: "", ".mdb/meta.json": {}, "sync/.notes.json": "" }, []],
  ])("is named (%#)", (changes, expected) => {
    expect(findingsIn(app(changes))).toEqual(expected);
  });
});
