import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAdminAccount } from "./admin-account.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tidemark-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

test("without a name there is no account", () => {
  expect(readAdminAccount({}, { TIDEMARK_ADMIN_PASSWORD: "secret" })).toBeNull();
});

test("the password comes from the environment, or from a file without its line break", () => {
  const environment = { TIDEMARK_ADMIN_PASSWORD: "of the environment" };
  const account = { user: "me", isRemote: false };
  expect(readAdminAccount({ adminUser: "me" }, environment)).toEqual({ ...account, password: "of the environment" });
  const adminPasswordFile = join(directory, "password");
  writeFileSync(adminPasswordFile, " of the file \n");
  const fromFile = readAdminAccount({ adminUser: "me", adminPasswordFile, adminRemote: true }, environment);
  expect(fromFile).toEqual({ user: "me", isRemote: true, password: " of the file " });
});

test("what is missing is said", () => {
  expect(() => readAdminAccount({ adminUser: "me" }, {})).toThrow("TIDEMARK_ADMIN_PASSWORD");
  expect(() => readAdminAccount({ adminRemote: true }, {})).toThrow("go with --admin-user");
  expect(() => readAdminAccount({ adminPasswordFile: "x" }, {})).toThrow("go with --admin-user");
  const adminPasswordFile = join(directory, "nothing");
  expect(() => readAdminAccount({ adminUser: "me", adminPasswordFile }, {})).toThrow("cannot be read");
});
