import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { useServer } from "./testing/synced.js";

const directory = mkdtempSync(join(tmpdir(), "tidemark-process-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const synced = useServer();

/** What a process runs on: the addon, and WASM where the module was built. */
const isWasmBuilt = existsSync(new URL("../../wasm/pkg/tidemark_wasm.js", import.meta.url));
const cores = [["native", []] as const, ...(isWasmBuilt ? [["wasm", ["--conditions=tidemark-wasm"]] as const] : [])];

/** Runs a script that sees this package by its name. */
function run(conditions: readonly string[], kind: "module" | "commonjs", script: string): Promise<{ stdout: string }> {
  const own = [...conditions, `--input-type=${kind}`, "--eval", script];
  return promisify(execFile)(process.execPath, own, { timeout: 20_000 });
}

function appConfiguration(id: string, baseFilePath: string): string {
  return JSON.stringify({ id, baseUrl: synced.server.url, baseFilePath });
}

const schema = `[{ name: "Item", primaryKey: "_id", properties: { _id: "int" } }]`;

describe.each(cores)("over the %s core", (core, conditions) => {
  const node = (kind: "module" | "commonjs", script: string): Promise<{ stdout: string }> =>
    run(conditions, kind, script);

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
    const app = new Realm.App(${appConfiguration(`process-${core}`, directory)});
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
    const device = await synced.device(`process-${core}`);
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
    const path = join(directory, `exit-${core}.realm`);
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
    const folder = join(directory, `killed-${core}`);
    const script = (body: string): string => `
    import Realm from "@tidemark/node";
    const app = new Realm.App(${appConfiguration(`killed-${core}`, folder)});
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

  test("a write transaction that lasts for many turns keeps what others do away until it is over", async () => {
    const script = (key: number, body: string): string => `
    import Realm from "@tidemark/node";
    import { setTimeout as pause } from "node:timers/promises";
    const app = new Realm.App(${appConfiguration(`long-${core}`, join(directory, `long-${core}`))});
      const other = new Realm.App(${appConfiguration(`long-${core}`, join(directory, `long-${core}-other`))});
      const initialSubscriptions = { update: (set, realm) => { set.add(realm.objects("Item")); } };
      const open = async (app) => {
        const user = await app.logIn(Realm.Credentials.anonymous());
        return Realm.open({ schema: ${schema}, sync: { user, flexible: true, initialSubscriptions } });
      };
    const [realm, peer] = [await open(app), await open(other)];
    realm.beginTransaction();
    realm.create("Item", { _id: ${key} });
    peer.write(() => peer.create("Item", { _id: ${key + 1} }));
    await peer.syncSession.uploadAllLocalChanges();
    await pause(500);
    const keys = () => Array.from(realm.objects("Item"), ({ _id }) => _id).sort();
    const during = keys();
    ${body}
    await realm.syncSession.uploadAllLocalChanges();
    await realm.syncSession.downloadAllServerChanges();
    console.log(JSON.stringify([during, keys()]));
    realm.close();
    peer.close();
  `;
    const commits = await node("module", script(1, "realm.commitTransaction();"));
    expect(JSON.parse(commits.stdout)).toEqual([[1], [1, 2]]);
    const cancels = await node("module", script(3, "realm.cancelTransaction();"));
    expect(JSON.parse(cancels.stdout)).toEqual([
      [1, 2, 3],
      [1, 2, 4],
    ]);
  });
});
