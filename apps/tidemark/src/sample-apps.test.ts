import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openAppFiles, readAppDirectory } from "@tidemark/server";
import { describe, expect, test } from "vitest";

const folder = fileURLToPath(new URL("../sample-apps/", import.meta.url));

const read = (name: string) => readAppDirectory(openAppFiles(`${folder}${name}`));

describe("the sample apps", () => {
  test.each(readdirSync(folder))("%s is read without findings, and is ready for clients", (name) => {
    const { configuration, findings } = read(name);
    expect(findings).toEqual([]);
    expect(configuration).toMatchObject({ name, sync: { type: "flexible", state: "enabled" } });
    expect(configuration.classes.length).toBeGreaterThan(0);
    for (const { roles, service } of configuration.collections) {
      expect(roles ?? configuration.defaultRoles[service]).toBeDefined();
    }
  });

  test("personal data: one default role, a link, embedded objects and a set", () => {
    const { classes, defaultRoles } = read("personal-data").configuration;
    expect(classes.map((one) => one.name)).toEqual(["Folder", "Task", "Step"]);
    const types = classes[1]?.columns.map(({ name, type, collection }) => `${name} ${collection} ${type}`);
    expect(types).toEqual([
      "owner_id single string",
      "summary single string",
      "is_done single bool",
      "due single timestamp",
      "folder single link",
      "labels set string",
      "steps list link",
    ]);
    expect(defaultRoles["mongodb-atlas"]?.value).toMatchObject([{ name: "owner" }]);
  });

  test("shared lists: only the owner deletes", () => {
    const { collections } = read("shared-lists").configuration;
    expect(collections.map((one) => one.className)).toEqual(["Item", "List"]);
    for (const { roles } of collections) {
      expect(roles?.value).toMatchObject([{ name: "member", delete: { owner_id: "%%user.id" } }]);
    }
  });

  test("tiered roles: custom user data chooses, the lowest tier has permissions by field", () => {
    const { collections, customUserData, values } = read("tiered-roles").configuration;
    expect(customUserData).toMatchObject({ collection: "Staff", userIdField: "user_id" });
    expect(values).toEqual({ clerkStatuses: ["open", "packed"] });
    expect(collections[0]?.roles?.value).toMatchObject([
      { apply_when: { "%%user.custom_data.role": "admin" } },
      { apply_when: { "%%user.custom_data.role": "manager" } },
      { apply_when: { "%%user.custom_data.role": "clerk" }, fields: { margin: { read: false, write: false } } },
    ]);
  });
});
