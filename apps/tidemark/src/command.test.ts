/** The command as users run it. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const program = fileURLToPath(new URL("../bin/tidemark.js", import.meta.url));
const sample = fileURLToPath(new URL("../sample-apps/personal-data", import.meta.url));
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tidemark-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
}

function run(...commandArguments: readonly string[]): Run {
  const child = spawn(process.execPath, [program, ...commandArguments], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout?.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (text += data.toString()));
  return { child, output: () => text };
}

async function urlOf(process: Run): Promise<string> {
  return until(process, /listening on (http:\/\/\S+)/);
}

/** Waits until a process has printed something; gives what the pattern finds in its first group. */
async function until({ child, output }: Run, pattern: RegExp): Promise<string> {
  for (;;) {
    const match = pattern.exec(output());
    if (match !== null) return match[1] ?? "";
    if (child.exitCode !== null) throw new Error(output());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("dev serves any app on loopback until it is told to end", { timeout: 30_000 }, async () => {
  const server = run("dev", "--port", "0", "--data", directory);
  const url = await urlOf(server);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const location = await fetch(`${url}/api/client/v2.0/app/anything-abcde/location`);
  expect(await location.json()).toMatchObject({ hostname: url });
  expect((await fetch(url)).status).toBe(200);
  const second = run("dev", "--port", "0", "--data", directory);
  const [code] = (await once(second.child, "exit")) as [number];
  expect(code).toBe(1);
  expect(second.output()).toMatch(/^tidemark: cannot open what is stored: .*another process\n$/);
  server.child.kill("SIGTERM");
  expect(await once(server.child, "exit")).toEqual([0, null]);
});

test(
  "dev with an app answers for that one only, by its rules, and follows its files",
  { timeout: 60_000 },
  async () => {
    const app = join(directory, "todo");
    cpSync(sample, app, { recursive: true });
    const providers = join(app, "auth", "providers.json");
    const dataArguments = ["--port", "0", "--data", join(directory, "data")];
    const server = run("dev", ...dataArguments, "--app", app, "--app-id", "mine-abcde");
    const url = await urlOf(server);
    expect(server.output()).toContain(`rules   ${app}: edits take effect as they are saved`);
    expect(server.output()).toContain("Development Mode: clients may extend it");
    expect((await fetch(`${url}/api/client/v2.0/app/mine-abcde/location`)).status).toBe(200);
    expect((await fetch(`${url}/api/client/v2.0/app/other-abcde/location`)).status).toBe(404);
    const logIn = async (): Promise<number> => {
      const path = `${url}/api/client/v2.0/app/mine-abcde/auth/providers/anon-user/login`;
      return (await fetch(path, { method: "POST", body: "{}" })).status;
    };

    const plain = { name: "anon-user", type: "anon-user", disabled: false };
    writeFileSync(providers, JSON.stringify({ "anon-user": plain }));
    await until(server, /todo has changed and is in force\n/);
    expect(await logIn()).toBe(200);
    writeFileSync(providers, '{\n"anon-user": 5\n}');
    await until(server, /providers\.json:2:1: error: .*\n.*1 error in .*todo; what was in force stays in force\n/);
    expect(await logIn()).toBe(200);
    writeFileSync(providers, JSON.stringify({ "anon-user": { ...plain, disabled: true } }));
    await until(server, /stays in force\n[^]*todo has changed and is in force\n/);
    expect(await logIn()).toBe(404);
    server.child.kill("SIGINT");
    expect(await once(server.child, "exit")).toEqual([0, null]);

    const started = run("start", ...dataArguments, "--host", "127.0.0.1", "--app", app, "--app-id", "mine-abcde");
    await urlOf(started);
    expect(started.output()).toContain("schema  fixed");
    started.child.kill("SIGINT");
    await once(started.child, "exit");
  },
);

test("an app directory with errors is not served", { timeout: 30_000 }, async () => {
  const app = join(directory, "todo");
  cpSync(sample, app, { recursive: true });
  writeFileSync(join(app, "data_sources", "mongodb-atlas", "default_rule.json"), '{\n"roles": [{ "name": "x" }]\n}');
  const failed = run("dev", "--port", "0", "--data", join(directory, "data"), "--app", app);
  expect(await once(failed.child, "exit")).toEqual([1, null]);
  expect(failed.output()).toContain('default_rule.json:2:11: error: "apply_when" is missing\n');
  expect(failed.output()).toMatch(/tidemark: 1 error in .*todo\n$/);
});

test("what is wrong is said in one line", { timeout: 30_000 }, async () => {
  for (const [commandArguments, text] of [
    [["dev", "--port", "x"], /not a port/],
    [["dev", "--data", directory, "--log", "loud"], /--log must be one of/],
    [["dev", "--data", directory, "--app", join(directory, "none")], /is not a directory/],
    [["start", "--data", directory], /give --app or --app-id/],
    [
      ["dev", "--data", directory, "--secrets", "x.json"],
      /--environment, --secrets, --allow-schema-versions and --schema-version go with --app/,
    ],
    [["start", "--data", directory, "--app", sample, "--app-id", "a", "b"], /one --app-id at most/],
    [["dev", "--data", directory, "--app", sample, "--secrets", join(directory, "x.json")], /cannot be read/],
    [["start", "--data", directory, "--max-offline-days", "0"], /not a number of days/],
  ] as const) {
    const failed = run(...commandArguments);
    expect(await once(failed.child, "exit")).toEqual([1, null]);
    expect(failed.output()).toMatch(text);
    expect(failed.output().trim().split("\n")).toHaveLength(1);
  }
});

test(
  "start begins with rescue mode closed; open and close change it, with the server or without",
  { timeout: 60_000 },
  async () => {
    const done = async (commandArguments: readonly string[]): Promise<readonly [code: unknown, output: string]> => {
      const command = run(...commandArguments, "--data", directory);
      const [code] = (await once(command.child, "exit")) as [number];
      return [code, command.output()];
    };
    const server = run("start", "--port", "0", "--host", "127.0.0.1", "--data", directory, "--app-id", "moved-abcde");
    await until(server, /Rescue mode is closed for moved-abcde/);
    const closed = "moved-abcde  closed: who would have to reset is told to try again";
    expect(await done(["rescue"])).toEqual([0, `${closed}; objects: none\n`]);
    const [code, output] = await done(["open"]);
    expect([code, output]).toEqual([1, expect.stringContaining("tidemark: say how many objects you have loaded")]);
    expect(await done(["open", "--objects", "3"])).toEqual([
      1,
      expect.stringContaining("tidemark: nothing was loaded"),
    ]);
    expect(await done(["open", "--app-id", "other", "--empty"])).toEqual([1, expect.stringContaining("no app other")]);
    expect(await done(["open", "--empty"])).toEqual([0, expect.stringContaining("moved-abcde  open: ")]);
    server.child.kill("SIGKILL");
    await once(server.child, "exit");
    expect(await done(["open", "--empty"])).toEqual([1, expect.stringContaining("no server runs on")]);
    expect(await done(["close", "--app-id", "moved-abcde"])).toEqual([0, `${closed}\n`]);
  },
);

test(
  "the Admin API is for this machine on dev, and for others only if they are meant",
  { timeout: 30_000 },
  async () => {
    const logIn = (url: string): Promise<Response> =>
      fetch(`${url}/api/admin/v3.0/auth/providers/local-userpass/login`, {
        method: "POST",
        body: JSON.stringify({ username: "unique_user@domain.com", password: "password" }),
      });
    const server = run("dev", "--port", "0", "--data", directory);
    expect((await logIn(await urlOf(server))).status).toBe(200);
    server.child.kill("SIGTERM");
    await once(server.child, "exit");
    const without = run("dev", "--port", "0", "--data", directory, "--no-admin");
    expect((await logIn(await urlOf(without))).status).toBe(404);
    without.child.kill("SIGTERM");
    await once(without.child, "exit");
    const passwordFile = join(directory, "password");
    writeFileSync(passwordFile, "a password of some length\n");
    const account = ["--admin-user", "me", "--admin-password-file", passwordFile];
    const refused = run("start", "--port", "0", "--data", directory, ...account);
    expect(await once(refused.child, "exit")).toEqual([1, null]);
    expect(refused.output()).toContain("the Admin API is offered on a loopback address only");
    const remote = run("start", "--port", "0", "--data", directory, ...account, "--admin-remote");
    const url = (await urlOf(remote)).replace("0.0.0.0", "127.0.0.1");
    expect((await logIn(url)).status).toBe(401);
    remote.child.kill("SIGTERM");
    expect(await once(remote.child, "exit")).toEqual([0, null]);
  },
);
