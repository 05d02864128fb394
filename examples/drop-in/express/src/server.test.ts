// That a web service in TypeScript runs unchanged: two instances share one app, and each shows what the other was told.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AnnouncedProcess, startProcess, startServer, type TestServer } from "@tidemark/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const program = fileURLToPath(new URL("../dist/server.js", import.meta.url));

interface TaskOnTheWire {
  readonly _id: string;
  readonly title: string;
  readonly isDone: boolean;
  readonly due: string | null;
  readonly labels: readonly string[];
  readonly steps: readonly { readonly text: string }[];
}

let sync: TestServer;
const instances: AnnouncedProcess[] = [];
beforeAll(async () => {
  sync = await startServer();
}, 60_000);
afterAll(async () => {
  for (const instance of instances) await instance.stop();
  await sync.stop();
});

/** Starts an instance in a folder of its own. */
async function start(name: string): Promise<AnnouncedProcess> {
  const cwd = join(sync.directory, name);
  mkdirSync(cwd, { recursive: true });
  const env = { ...process.env, APP_ID: "tasks", BASE_URL: sync.url, PORT: "0" };
  const instance = await startProcess([program], /listening on (http:\S+)/, { cwd, env });
  instances.push(instance);
  return instance;
}

async function call<T>(
  instance: AnnouncedProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: T }> {
  const response = await fetch(`${instance.value}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as T };
}

async function titles(instance: AnnouncedProcess, query = ""): Promise<readonly string[]> {
  const { body } = await call<{ tasks: readonly TaskOnTheWire[] }>(instance, "GET", `/tasks${query}`);
  return body.tasks.map(({ title }) => title);
}

/** Collects what an instance tells of changes, until the connection ends. */
async function listen(instance: AnnouncedProcess): Promise<{ readonly events: unknown[]; end(): void }> {
  const ending = new AbortController();
  const response = await fetch(`${instance.value}/events`, { signal: ending.signal });
  const events: unknown[] = [];
  const read = async (): Promise<void> => {
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        events.push(JSON.parse(text.slice("data: ".length, end)));
        text = text.slice(end + 2);
      }
    }
  };
  read().catch(() => undefined);
  return { events, end: () => ending.abort() };
}

test("two instances of the service share their tasks", { timeout: 120_000 }, async () => {
  const [a, b] = [await start("a"), await start("b")];
  const health = await call(b, "GET", "/health");
  const names = ["tasks", "projects"];
  expect(health.body).toEqual({ state: "active", isConnected: true, subscriptions: "complete", names });
  const heard = await listen(b);
  await expect.poll(() => heard.events).toEqual([{ total: 0, titles: [], deleted: 0 }]);

  const due = "2024-05-01T10:00:00.000Z";
  const paint = { title: "Paint the fence", priority: 2, due, labels: ["garden"], project: "Home" };
  const created = await call<TaskOnTheWire>(a, "POST", "/tasks", paint);
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({ title: "Paint the fence", isDone: false, due, labels: ["garden"], steps: [] });
  expect(created.body._id).toMatch(/^[\da-f]{24}$/);
  await call(a, "POST", "/tasks", { title: "Buy paint", priority: 5, project: "Home" });
  await expect.poll(() => titles(b)).toEqual(["Buy paint", "Paint the fence"]);
  expect(await titles(b, "?label=garden")).toEqual(["Paint the fence"]);
  expect(await titles(b, "?text=buy")).toEqual(["Buy paint"]);
  expect(await titles(b, "?project=Home&done=true")).toEqual([]);
  await expect.poll(() => heard.events.at(-1)).toMatchObject({ total: 2 });

  const path = `/tasks/${created.body._id}`;
  expect((await call(b, "GET", path)).body).toMatchObject({ title: "Paint the fence", projects: ["Home"] });
  expect(await titles(b, `?ids=${created.body._id}`)).toEqual(["Paint the fence"]);
  const changed = await call<TaskOnTheWire>(b, "PATCH", path, { isDone: true, labels: ["wood"] });
  expect(changed.body).toMatchObject({ isDone: true, labels: ["garden", "wood"], steps: [{ text: "finished" }] });
  await expect.poll(() => titles(a, "?done=true")).toEqual(["Paint the fence"]);
  await expect
    .poll(async () => (await call(a, "GET", "/projects/Home")).body)
    .toEqual({ _id: "Home", open: 1, highest: 5 });

  expect((await call(a, "DELETE", path)).status).toBe(204);
  await expect.poll(() => titles(b)).toEqual(["Buy paint"]);
  await expect.poll(() => heard.events.at(-1)).toEqual({ total: 1, titles: [], deleted: 1 });
  heard.end();

  expect((await call(a, "POST", "/tasks", {})).status).toBe(400);
  for (const unknown of [path, "/tasks/nonsense"]) expect((await call(b, "PATCH", unknown, {})).status).toBe(404);

  // It ends by itself when it is told to, what was just written is on the server, and its file is opened again.
  await call(a, "POST", "/tasks", { title: "Rest" });
  await a.stop();
  expect([a.child.exitCode, a.child.signalCode]).toEqual([0, null]);
  await expect.poll(() => titles(b)).toEqual(["Buy paint", "Rest"]);
  expect(await titles(await start("a"))).toEqual(["Buy paint", "Rest"]);
});
