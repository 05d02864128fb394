// What is kept of users, in plain text or encrypted.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeHost } from "../node/host.js";
import { type StoredUsers, UserStore } from "./user-store.js";

const directory = mkdtempSync(join(tmpdir(), "tidemark-users-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const key = Uint8Array.from({ length: 64 }, (_, index) => index);
const users: StoredUsers = {
  currentUserId: "ada",
  users: [
    {
      id: "ada",
      accessToken: "secret-access",
      refreshToken: "secret-refresh",
      deviceId: "d",
      identities: [],
      profile: {},
      isLoggedIn: true,
    },
  ],
};

/** Written by a build of the time when this form was new: it is never made again. */
const version1 = JSON.stringify({
  version: 1,
  sealed: [
    "aCHquCoIvhs9oNKfAgP9ouxO8o3kCHJmbAqU37yVWwdRUN1aVrAO86CVy29rR117xqmu9Q6RJY8XGJa8G+x5A8Dt",
    "uz/kHnixUaeMUAvDOJcVxOVS6HSYA8yR7PnleLoZvTYU4+A6p5IJl/t7Y2hxptiCj+gJkIpvgsGCy+wM7RLyA94j",
    "iZnBgdApiBC7OknIRLfnPybtgbtUiK/RME9wRKXV3OcLsPReXM2l2z95REdI7bb6Q0XywPU4oLt19Pxsy/7iivM/",
    "7RPz4p3Pv9SBwaRwpJ0iaA==",
  ].join(""),
});

function code(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return "nothing";
}

test("users are encrypted with a key, and found with it alone", () => {
  const path = join(directory, "sealed.json");
  new UserStore(nodeHost, path, key).save(users);
  const sealed = readFileSync(path, "utf8");
  expect(sealed).not.toMatch(/ada|secret/);
  expect(new UserStore(nodeHost, path, key).load()).toEqual(users);
  expect(
    code(() =>
      new UserStore(
        nodeHost,
        path,
        key.map((byte) => byte + 1),
      ).load(),
    ),
  ).toBe("file-key-wrong");
  expect(code(() => new UserStore(nodeHost, path).load())).toBe("file-key-needed");
  expect(code(() => new UserStore(nodeHost, path, key.slice(1)))).toBe("invalid-key");
  expect(code(() => new UserStore({ files: nodeHost.files }, path, key))).toBe("invalid-argument");
  expect(readFileSync(path, "utf8"), "what was refused is as it was").toBe(sealed);
  new UserStore(nodeHost, path, key).save(users);
  expect(readFileSync(path, "utf8"), "nothing is sealed twice in one way").not.toBe(sealed);
});

test("what was altered, is of a newer version, or is not encrypted, is refused with a key", () => {
  const path = join(directory, "other.json");
  const load = (text: string): unknown => {
    writeFileSync(path, text);
    return code(() => new UserStore(nodeHost, path, key).load());
  };
  new UserStore(nodeHost, path, key).save(users);
  const { sealed } = JSON.parse(readFileSync(path, "utf8")) as { sealed: string };
  const bytes = Buffer.from(sealed, "base64");
  for (let index = 0; index < bytes.length; index += 7) {
    const altered = Buffer.from(bytes);
    altered.writeUInt8(altered.readUInt8(index) ^ 1, index);
    expect(load(JSON.stringify({ version: 1, sealed: altered.toString("base64") }))).toBe("file-key-wrong");
  }
  expect(load(JSON.stringify({ version: 1, sealed: "" }))).toBe("file-key-wrong");
  expect(load(JSON.stringify({ version: 2, sealed }))).toBe("file-damaged");
  expect(load(JSON.stringify(users))).toBe("file-not-encrypted");
  // Everybody logs in again.
  expect(load("{")).toBe("nothing");
});

test("what older builds have written is read", () => {
  const path = join(directory, "old.json");
  writeFileSync(path, version1);
  expect(new UserStore(nodeHost, path, key).load()).toEqual(users);
});
