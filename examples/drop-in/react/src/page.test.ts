// That a React page with hooks over `realm` runs unchanged, as in an Electron window: it is rendered and clicked, and
// another device's changes appear in it.

import { join } from "node:path";
import { startServer, type TestServer } from "@tidemark/testing";
import { Window } from "happy-dom";
import Realm from "realm";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Note } from "./models.js";

let server: TestServer;
let window: Window;
let other: Realm;

beforeAll(async () => {
  server = await startServer();
  const folder = join(server.directory, "page");
  const settings = new URLSearchParams({ app: "notes", server: server.url, folder });
  window = new Window({ url: `http://localhost/?${String(settings)}` });
  window.document.body.innerHTML = '<div id="root"></div>';
  vi.stubGlobal("window", window);
  vi.stubGlobal("document", window.document);
  vi.stubGlobal("navigator", window.navigator);
  other = await openOther();
  await import("./main.js");
}, 60_000);

afterAll(async () => {
  other?.close();
  await window?.happyDOM.close();
  await server?.stop();
});

/** Another device of the same app. */
async function openOther(): Promise<Realm> {
  const app = new Realm.App({ id: "notes", baseUrl: server.url, baseFilePath: join(server.directory, "other") });
  const user = await app.logIn(Realm.Credentials.anonymous());
  return Realm.open({
    schema: [Note],
    sync: {
      user,
      flexible: true,
      initialSubscriptions: { update: (subs, realm) => void subs.add(realm.objects(Note)) },
    },
  });
}

function others(): readonly string[] {
  return other
    .objects(Note)
    .sorted("createdAt")
    .map(({ text, isDone }) => (isDone ? `${text} (done)` : text));
}

/** What stands in the list of the page. */
function lines(): readonly string[] {
  const items = [...window.document.querySelectorAll("li")];
  return items.map(
    (item) => `${item.querySelector("span")?.textContent ?? ""}${item.className === "done" ? " (done)" : ""}`,
  );
}

function textOf(selector: string): string {
  return window.document.querySelector(selector)?.textContent ?? "";
}

async function click(name: string, within: string = ""): Promise<void> {
  const button = await vi.waitUntil(
    () => {
      const scope = [...window.document.querySelectorAll("li")].find((item) => item.textContent?.includes(within));
      const root = within === "" ? window.document : scope;
      return [...(root?.querySelectorAll("button") ?? [])].find(
        ({ textContent, disabled }) => textContent === name && !disabled,
      );
    },
    { timeout: 20_000 },
  );
  button.click();
}

function type(name: string, text: string): void {
  const input = window.document.querySelector(`input[name=${name}]`);
  if (input === null) throw new Error(`there is no input ${name}`);
  // React has put a setter of its own on the element, which would hide the change from it.
  Object.getOwnPropertyDescriptor(window.HTMLInputElement.prototype, "value")?.set?.call(input, text);
  input.dispatchEvent(new window.Event("input", { bubbles: true }));
}

test("the page shows what is written in it and on another device", { timeout: 120_000 }, async () => {
  await click("Log in");
  await expect.poll(() => textOf("#connection")).toBe("connected");
  expect(textOf("#count")).toBe("No notes");

  type("text", "milk");
  await click("Add");
  await expect.poll(lines).toEqual(["milk"]);
  await expect.poll(others).toEqual(["milk"]);

  other.write(() => new Note(other, { text: "eggs" }));
  await expect.poll(lines).toEqual(["milk", "eggs"]);
  other.write(() => {
    for (const note of other.objects(Note).filtered("text == 'milk'")) note.isDone = true;
  });
  await expect.poll(lines).toEqual(["milk (done)", "eggs"]);

  const box = window.document.querySelectorAll("li input")[1] as unknown as HTMLInputElement;
  box.click();
  await expect.poll(lines).toEqual(["milk (done)", "eggs (done)"]);
  await expect.poll(others).toEqual(["milk (done)", "eggs (done)"]);

  type("search", "EGG");
  await expect.poll(lines).toEqual(["eggs (done)"]);
  expect(textOf("#count")).toBe("1 notes");
  type("search", "");
  await click("Delete", "milk");
  await expect.poll(lines).toEqual(["eggs (done)"]);
  await expect.poll(others).toEqual(["eggs (done)"]);
});

test("the page works offline, and after another log-in", { timeout: 120_000 }, async () => {
  await click("Go offline");
  await expect.poll(() => textOf("#connection")).toBe("disconnected");
  type("text", "bread");
  await click("Add");
  await expect.poll(lines).toEqual(["eggs (done)", "bread"]);
  other.write(() => new Note(other, { text: "tea" }));
  await other.syncSession?.uploadAllLocalChanges();
  expect(lines()).toEqual(["eggs (done)", "bread"]);
  await click("Go online");
  await expect.poll(lines).toEqual(["eggs (done)", "bread", "tea"]);
  await expect.poll(others).toEqual(["eggs (done)", "bread", "tea"]);

  await click("Log out");
  await expect.poll(() => textOf("button")).toBe("Log in");
  await click("Log in");
  await expect.poll(lines).toEqual(["eggs (done)", "bread", "tea"]);
  await click("Log out");
  await expect.poll(() => textOf("button")).toBe("Log in");
});
