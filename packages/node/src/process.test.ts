import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { useServer } from "./testing/synced.js";

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "tidemark-process-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const synced = useServer();

/** Runs a script that sees this package by its name. */
function node(kind: "module" | "commonjs", script: string): Promise<{ stdout: string }> {
  return run(process.execPath, [`--input-type=${kind}`, "--eval", script], { timeout: 20_000 });
}

function appConfiguration(id: string, baseFilePath: string): string {
  return JSON.stringify({ id, baseUrl: synced.server.url, baseFilePath });
}

const schema = `[{ name: "Item", primaryKey: "_id", properties: { _id: "int" } }]`;

test("require gives the class, import gives it as default and by name", async () => {
  const required = await node(
    "commonjs",
    `const Realm = require("@tidemark/node"); console.log(typeof Realm, Realm.name, typeof Realm.App, typeof Realm.BSON.ObjectId)`,
  );
  expect(required.stdout.trim()).toBe("function Realm function function");
  const imported = await node(
    "module",
    `import Realm, { App, BSON, Realm as named, Object as Base } from "@tidemark/node";
     console.log(Realm === named, Realm.App === App, Realm.BSON === BSON, Realm.Object === Base)`,
  );
  expect(imported.stdout.trim()).toBe("true true true true");
});

test("the class carries every name that can be imported, since require gives nothing else", async () => {
  const { stdout } = await node(
    "module",
    `import * as names from "@tidemark/node";
     const Realm = names.default;
     const missing = Object.keys(names).filter((name) => name !== "module.exports" && Realm[name] !== names[name]);
     console.log(JSON.stringify(missing));`,
  );
  expect(JSON.parse(stdout)).toEqual([]);
});

test("a process ends by itself once its realms are closed, uploads of the last moment included", async () => {
  const script = `
    import Realm from "@tidemark/node";
    const app = new Realm.App(${appConfiguration("process", directory)});
    const user = await app.logIn(Realm.Credentials.anonymous());
    const realm = new Realm({ schema: ${schema}, sync: { user, flexible: true,
      initialSubscriptions: { update: (set, realm) => { set.add(realm.objects("Item")); } } } });
    await realm.subscriptions.waitForSynchronization();
    realm.write(() => realm.create("Item", { _id: 5 }));
    realm.close();
    console.log("closed");
  `;
  const { stdout } = await node("module", script);
  expect(stdout.trim()).toBe("closed");
  const device = await synced.device("process");
  const { Realm } = await import("./realm.js");
  const realm = synced.keep(
    new Realm({
      schema: [{ name: "Item", primaryKey: "_id", properties: { _id: "int" } }],
      sync: {
        user: device.user,
        flexible: true,
        initialSubscriptions: { update: (set, given) => void set.add(given.objects("Item")) },
      },
    }),
  );
  await realm.subscriptions.waitForSynchronization();
  expect(realm.objects("Item").length).toBe(1);
});

test("process.exit with a realm open leaves a file that opens again", async () => {
  const path = join(directory, "exit.realm");
  const script = (end: string): string => `
    import Realm from "@tidemark/node";
    const realm = new Realm({ path: ${JSON.stringify(path)}, schema: ${schema} });
    realm.write(() => realm.create("Item", { _id: realm.objects("Item").length }));
    realm.beginTransaction();
    realm.create("Item", { _id: 99 });
    console.log(realm.objects("Item").length);
    ${end}
  `;
  expect((await node("module", script("process.exit(0)"))).stdout.trim()).toBe("2");
  await expect(
    node("module", script("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})")),
  ).rejects.toThrow();
  expect((await node("module", script("process.exit(0)"))).stdout.trim()).toBe("4");
});

test("a process that is killed loses nothing it had committed, and uploads it when it comes back", async () => {
  const folder = join(directory, "killed");
  const script = (body: string): string => `
    import Realm from "@tidemark/node";
    const app = new Realm.App(${appConfiguration("killed", folder)});
    const user = app.currentUser ?? await app.logIn(Realm.Credentials.anonymous());
    const realm = new Realm({ schema: ${schema}, sync: { user, flexible: true,
      initialSubscriptions: { update: (set, realm) => { set.add(realm.objects("Item")); } } } });
    ${body}
  `;
  const first = script(`
    await realm.subscriptions.waitForSynchronization();
    realm.syncSession.pause();
    for (let id = 0; id < 10; id += 1) realm.write(() => realm.create("Item", { _id: id }));
    process.kill(process.pid, "SIGKILL"); await new Promise(() => {});
  `);
  await expect(node("module", first)).rejects.toThrow();
  const second = script(`
    await realm.syncSession.uploadAllLocalChanges();
    console.log(realm.objects("Item").length);
    realm.close();
  `);
  expect((await node("module", second)).stdout.trim()).toBe("10");
});
