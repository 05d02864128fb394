import { describe, expect, test } from "vitest";
import { app, appWithSync, type FileContents, findingsIn, memoryFiles, tasks } from "../testing/app-files.js";
import { readAppDirectory } from "./read.js";

const configurationOf = (contents: FileContents, options?: Parameters<typeof readAppDirectory>[1]) =>
  readAppDirectory(memoryFiles(contents), options).configuration;

describe("an app", () => {
  test("is read without findings", () => {
    expect(findingsIn(app())).toEqual([]);
    const { sync, collections, classes, ...rest } = configurationOf(app());
    expect(rest).toMatchObject({
      name: "todo",
      appId: null,
      allowedRequestOrigins: [],
      values: {},
      environment: { tag: "", values: {} },
      providers: [{ type: "anon-user", isDisabled: false }],
      customUserData: null,
      defaultRoles: {},
    });
    expect(sync).toEqual({
      type: "flexible",
      state: "enabled",
      isDevelopmentMode: false,
      serviceName: "mongodb-atlas",
      databaseName: "shop",
      maxOfflineDays: 30,
      isRecoveryModeDisabled: false,
      queryableFields: ["owner_id"],
      collectionQueryableFields: { tasks: ["done"] },
      indexedQueryableField: "owner_id",
      asymmetricTables: [],
    });
    expect(collections).toMatchObject([
      { service: "mongodb-atlas", database: "shop", collection: "tasks", className: "Task", schema: { title: "Task" } },
    ]);
    expect(classes).toEqual([
      {
        name: "Task",
        kind: "top",
        primaryKey: { name: "_id", type: "objectId", nullable: false },
        columns: [
          { name: "owner_id", type: "string", nullable: false, collection: "single" },
          { name: "done", type: "bool", nullable: true, collection: "single" },
        ],
      },
    ]);
  });

  test("tells where its roles stand", () => {
    const [collection] = configurationOf(app()).collections;
    const file = `${tasks}rules.json`;
    expect(collection?.roles?.value).toMatchObject([{ name: "owner" }]);
    expect(collection?.roles?.locate([])).toEqual({ file, line: 4, column: 3 });
    expect(collection?.roles?.locate([0])).toEqual({ file, line: 5, column: 5 });
    expect(collection?.roles?.locate([0, "document_filters", "write", "owner_id"])).toEqual({
      file,
      line: 13,
      column: 11,
    });
    // What is not there is where it would belong.
    expect(collection?.roles?.locate([0, "insert"])).toEqual({ file, line: 5, column: 5 });
  });

  test("has default roles by data source", () => {
    const file = "data_sources/mongodb-atlas/default_rule.json";
    const { defaultRoles } = configurationOf(app({ [file]: { roles: [{ name: "all" }], filters: [] } }));
    expect(defaultRoles["mongodb-atlas"]?.value).toEqual([{ name: "all" }]);
    expect(defaultRoles["mongodb-atlas"]?.locate([0, "name"])).toEqual({ file, line: 4, column: 7 });
  });

  test.each([["{"], ["[]"], ['{"roles": {}}'], [Uint8Array.of(0xff)]])(
    "whose rules cannot be read does not fall back to the default roles (%#)",
    (content) => {
      const [collection] = configurationOf(app({ [`${tasks}rules.json`]: content })).collections;
      expect(collection?.roles).toMatchObject({ value: undefined });
    },
  );

  test("whose rules say nothing of roles does", () => {
    expect(configurationOf(app({ [`${tasks}rules.json`]: {} })).collections[0]?.roles).toBeNull();
    expect(configurationOf(app({ [`${tasks}rules.json`]: undefined })).collections[0]?.roles).toBeNull();
  });

  test("in the format 20210101 has its id with it", () => {
    const root = { app_id: "todo-abcde", config_version: 20210101, location: "US-VA", deployment_model: "GLOBAL" };
    const contents = app({ "root_config.json": undefined, "realm_config.json": root });
    expect(findingsIn(contents)).toEqual([]);
    expect(configurationOf(contents)).toMatchObject({ name: "todo", appId: "todo-abcde" });
    expect(configurationOf(app({ "realm_config.json": root }))).toMatchObject({ name: "todo", appId: "todo-abcde" });
  });

  test("without synchronisation was never switched on", () => {
    for (const file of [undefined, { development_mode_enabled: false }]) {
      const contents = app({ "sync/config.json": file });
      expect(findingsIn(contents)).toEqual([]);
      expect(configurationOf(contents).sync).toMatchObject({ state: "off", serviceName: "mongodb-atlas" });
    }
  });

  test("has asymmetric classes, named by collection or class", () => {
    for (const name of ["tasks", "Task"]) {
      const contents = appWithSync({ asymmetric_tables: [name], ...noFields });
      expect(findingsIn(contents)).toEqual([]);
      expect(configurationOf(contents).classes[0]?.kind).toBe("asymmetric");
    }
  });

  test("may say null for lists that are empty", () => {
    const nothing = { asymmetric_tables: null, collection_queryable_fields_names: null };
    const contents = appWithSync({ ...nothing, queryable_fields_names: null, indexed_queryable_fields_names: null });
    expect(findingsIn(contents)).toEqual([]);
    expect(configurationOf(contents).sync).toMatchObject({ queryableFields: [], asymmetricTables: [] });
  });

  test("takes the only data source where none is named", () => {
    const contents = appWithSync({ service_name: "" });
    expect(findingsIn(contents)).toEqual([]);
    expect(configurationOf(contents).sync.serviceName).toBe("mongodb-atlas");
  });

  const noFields = {
    queryable_fields_names: [],
    collection_queryable_fields_names: {},
    indexed_queryable_fields_names: [],
  };
});

describe("values and environments", () => {
  const files = {
    "root_config.json": { name: "todo", environment: "testing" },
    "environments/testing.json": { values: { database: "shop", number: 1 } },
    "environments/production.json": { values: { database: "real" } },
  };

  test("an environment's values replace what strings ask for", () => {
    const name = "%(%%environment.values.database)";
    const contents = appWithSync({ database_name: `the ${name}` }, files);
    expect(findingsIn(contents)).toEqual([]);
    const configuration = configurationOf(contents);
    expect(configuration.environment).toEqual({ tag: "testing", values: { database: "shop", number: 1 } });
    expect(configuration.sync.databaseName).toBe("the shop");
    expect(configurationOf(contents, { environment: "production" }).sync.databaseName).toBe("the real");
  });

  test.each([
    ["missing", 'there is no value "missing" of environment "testing"'],
    ["number", 'the value "number" of environment "testing" is no string, and only strings can be put here'],
  ])("the value %s cannot be put in", (name, message) => {
    const found = findingsIn(appWithSync({ database_name: `%(%%environment.values.${name})` }, files));
    expect(found).toEqual([`sync/config.json:6:20: error: ${message}`]);
  });

  test("values by name; secrets come from elsewhere", () => {
    const contents = app({
      "values/plain.json": { id: "1", name: "plain", from_secret: false, value: { a: [1] } },
      "values/hidden.json": { name: "hidden", from_secret: true, value: "key" },
    });
    expect(findingsIn(contents)).toEqual([
      'values/hidden.json:4:3: warning: %%values.hidden has no value: the secret "key" is not known; exports hold no secrets',
    ]);
    expect(configurationOf(contents).values).toEqual({ plain: { a: [1] } });
    expect(findingsIn(contents, { secrets: { key: "x" } })).toEqual([]);
    expect(configurationOf(contents, { secrets: { key: "x" } }).values).toEqual({ plain: { a: [1] }, hidden: "x" });
  });

  test.each([
    [{ "values/a.json": { name: "a" } }, "values/a.json:1:1: error: value is missing"],
    [
      { "values/a.json": { name: "a", value: 1 }, "values/b.json": { name: "a", value: 1 } },
      'values/b.json:2:3: error: there is a value "a" already',
    ],
    [
      { "values/a.json": { name: "a", from_secret: true, value: 1 } },
      "values/a.json:4:3: error: value: the name of a secret is expected",
    ],
    [
      { "environments/staging.json": { values: {} } },
      'environments/staging.json:1:1: warning: there is no environment "staging"; the file is ignored',
    ],
    [
      { "root_config.json": { name: "todo", environment: "qa" } },
      'environments/qa.json:1:1: warning: the environment is "qa", and environments/qa.json is not there: it has no values',
    ],
  ])("what is wrong with them (%#)", (changes, expected) => {
    expect(findingsIn(app(changes))).toEqual([expected]);
  });
});

describe("roles from before February 2023", () => {
  const permissions = {
    rules: { tasks: [{ name: "owner", applyWhen: { a: 1 }, read: { owner_id: "%%user.id" }, write: false }] },
    defaultRoles: [{ name: "all", applyWhen: {}, read: true, write: true }],
  };
  const flags = { read: true, write: true, insert: true, delete: true, search: true };
  const known =
    "sync/config.json:21:3: information: permissions are rules in the form from before February 2023; they are read as roles";

  test("become roles that know where they stood", () => {
    const contents = appWithSync({ permissions }, { [`${tasks}rules.json`]: undefined });
    expect(findingsIn(contents)).toEqual([known]);
    const { collections, defaultRoles } = configurationOf(contents);
    expect(collections[0]?.roles?.value).toEqual([
      {
        name: "owner",
        apply_when: { a: 1 },
        document_filters: { read: { owner_id: "%%user.id" }, write: false },
        ...flags,
      },
    ]);
    expect(defaultRoles["mongodb-atlas"]?.value).toEqual([
      { name: "all", apply_when: {}, document_filters: { read: true, write: true }, ...flags },
    ]);
    const lineOf = (path: readonly (string | number)[]): unknown => collections[0]?.roles?.locate(path).line;
    expect(lineOf([0, "name"])).toBe(25);
    expect(lineOf([0, "apply_when", "a"])).toBe(27);
    expect(lineOf([0, "document_filters", "read", "owner_id"])).toBe(30);
    expect(lineOf([0, "document_filters", "write"])).toBe(32);
    expect(lineOf([0, "document_filters"])).toBe(24);
    expect(lineOf([0, "insert"])).toBe(24);
  });

  test("give way to rules of today, and are not lost in silence", () => {
    const rules = { ...permissions.rules, others: [{ read: true, write: true, fields: {} }] };
    const contents = appWithSync(
      { permissions: { ...permissions, rules } },
      { "data_sources/mongodb-atlas/default_rule.json": { roles: [] } },
    );
    expect(findingsIn(contents)).toEqual([
      known,
      `sync/config.json:23:7: warning: these rules are ignored: there are roles in ${tasks}rules.json`,
      'sync/config.json:35:7: warning: there is no collection "others"',
      'sync/config.json:39:11: warning: unknown key "fields"',
      "sync/config.json:43:5: warning: these roles are ignored: there are roles in data_sources/mongodb-atlas/default_rule.json",
    ]);
    const { collections, defaultRoles } = configurationOf(contents);
    expect(collections[0]?.roles?.value).toMatchObject([
      { name: "owner", document_filters: { write: { owner_id: "%%user.id" } } },
    ]);
    expect(defaultRoles["mongodb-atlas"]?.value).toEqual([]);
  });
});
