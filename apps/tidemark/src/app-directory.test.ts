import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AppDirectoryOptions, loadApp } from "./app-directory.js";
import { fingerprint } from "./watch-app.js";

const samples = fileURLToPath(new URL("../sample-apps/", import.meta.url));
let directory: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "tidemark-")), "todo");
  cpSync(join(samples, "tiered-roles"), directory, { recursive: true });
});

afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

const options = (changes: Partial<AppDirectoryOptions> = {}): AppDirectoryOptions => ({
  directory,
  appId: null,
  environment: null,
  secretsFile: null,
  forcesDevelopmentMode: false,
  maxOfflineDays: null,
  ...changes,
});

test("the app id is the one that is given, else the directory's, else its name", () => {
  expect(loadApp(options())).toMatchObject({ appId: "todo", findings: [], errors: 0 });
  rmSync(join(directory, "root_config.json"));
  writeFileSync(
    join(directory, "realm_config.json"),
    '{"config_version":20210101,"name":"todo","app_id":"todo-abcde","environment":""}',
  );
  expect(loadApp(options()).appId).toBe("todo-abcde");
  expect(loadApp(options({ appId: "mine" })).appId).toBe("mine");
  const odd = join(directory, "..", "my app");
  mkdirSync(odd);
  expect(() => loadApp(options({ directory: odd }))).toThrow(
    '"my app" cannot be a client app id: give one by --app-id',
  );
});

test("Development Mode and the maximum offline time can be overridden", () => {
  const { sync } = loadApp(options()).configuration;
  expect(sync).toMatchObject({ isDevelopmentMode: false, maxOfflineDays: 30 });
  const changed = loadApp(options({ forcesDevelopmentMode: true, maxOfflineDays: 7 })).configuration.sync;
  expect(changed).toMatchObject({ isDevelopmentMode: true, maxOfflineDays: 7 });
});

test("secrets and the environment come from beside the directory", () => {
  writeFileSync(join(directory, "values", "key.json"), '{"name":"key","from_secret":true,"value":"apiKey"}');
  writeFileSync(join(directory, "environments", "qa.json"), '{"values":{"limit":5}}');
  expect(loadApp(options()).configuration.values).not.toHaveProperty("key");
  const secretsFile = join(directory, "..", "secrets.json");
  writeFileSync(secretsFile, '{"apiKey":"abc"}');
  const { values, environment } = loadApp(options({ secretsFile, environment: "qa" })).configuration;
  expect(values["key"]).toBe("abc");
  expect(environment).toEqual({ tag: "qa", values: { limit: 5 } });
  for (const [text, why] of [
    ["{secret", "it is not JSON"],
    ["[]", "must hold an object"],
  ] as const) {
    writeFileSync(secretsFile, text);
    expect(() => loadApp(options({ secretsFile }))).toThrow(why);
    expect(() => loadApp(options({ secretsFile }))).not.toThrow("secret}");
  }
  expect(() => loadApp(options({ secretsFile: join(directory, "none.json") }))).toThrow("ENOENT");
});

test("what is wrong has its file as it is reached from here, its line and its column", () => {
  const file = join(directory, "sync", "config.json");
  writeFileSync(file, '{\n  "type": "flexible",\n  "state": "on"\n}');
  const { findings, errors } = loadApp(options());
  expect(errors).toBe(1);
  expect(findings.find((one) => one.includes(": error: "))).toMatch(`${file}:3:3: error: `);
  expect(() => loadApp(options({ directory: join(directory, "none") }))).toThrow("is not a directory");
});

test("the fingerprint changes with every file of the app, and with nothing else", () => {
  const before = fingerprint(options());
  expect(fingerprint(options())).toBe(before);
  writeFileSync(join(directory, ".hidden"), "x");
  expect(fingerprint(options())).toBe(before);
  const rules = join(directory, "data_sources", "mongodb-atlas", "orders", "Order", "rules.json");
  utimesSync(rules, new Date(1000), new Date(1000));
  const touched = fingerprint(options());
  expect(touched).not.toBe(before);
  rmSync(rules);
  expect(fingerprint(options())).not.toBe(touched);
  const secretsFile = join(directory, "..", "secrets.json");
  const without = fingerprint(options({ secretsFile }));
  writeFileSync(secretsFile, "{}");
  expect(fingerprint(options({ secretsFile }))).not.toBe(without);
  rmSync(directory, { recursive: true });
  expect(fingerprint(options())).toMatch(/^unreadable/);
  mkdirSync(directory);
});
