import { expect, test } from "vitest";
import { answerBytesMax } from "../app/fetch-answer.js";
import type { Host, HttpRequest } from "../host.js";
import { withFetch } from "./own-fetch.js";

const request: HttpRequest = { method: "GET", url: "http://server/", headers: {}, timeoutMs: 10_000 };

test("an answer without an end is not read for ever", async () => {
  let sent = 0;
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 1024 * 1024;
      controller.enqueue(new Uint8Array(1024 * 1024).fill(97));
    },
    cancel: () => {
      isCancelled = true;
    },
  });
  const host = withFetch({} as Host, () => Promise.resolve(new Response(endless)));
  await expect(host.fetch(request)).rejects.toThrow("The server's answer is too long");
  expect(isCancelled).toBe(true);
  expect(sent).toBeLessThan(answerBytesMax + 4 * 1024 * 1024);
});

test("an answer in parts is put together, characters that are cut too", async () => {
  const bytes = new TextEncoder().encode('{"name":"Grünkohl"}');
  const parts = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const host = withFetch({} as Host, () => Promise.resolve(new Response(parts, { status: 201 })));
  expect(await host.fetch(request)).toMatchObject({ status: 201, body: '{"name":"Grünkohl"}' });
});

test("who wants the answer no more ends the request", async () => {
  const caller = new AbortController();
  const host = withFetch(
    {} as Host,
    (_, init) =>
      new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("ended")))),
  );
  const answer = host.fetch({ ...request, signal: caller.signal });
  caller.abort();
  await expect(answer).rejects.toThrow("ended");
});
