import { expect, test } from "vitest";
import { SharedRequest } from "./shared-request.js";

function makeRequest(): { request: SharedRequest<string>; answer: (text: string) => void; signal: () => AbortSignal } {
  let given: AbortSignal | undefined;
  let answer: (text: string) => void = () => undefined;
  const request = new SharedRequest<string>((signal) => {
    given = signal;
    return new Promise((resolve, reject) => {
      answer = resolve;
      signal.addEventListener("abort", () => reject(new Error("given up")));
    });
  });
  return { request, answer: (text) => answer(text), signal: () => given ?? AbortSignal.abort() };
}

test("a request is given up when the last who wants its answer has gone", async () => {
  const { request, signal } = makeRequest();
  const callers = [new AbortController(), new AbortController()];
  const answers = callers.map((caller) => request.join(caller.signal).catch((error: unknown) => String(error)));
  callers[0]?.abort();
  expect(signal().aborted).toBe(false);
  callers[1]?.abort();
  expect(signal().aborted).toBe(true);
  expect(await Promise.all(answers)).toEqual(["Error: given up", "Error: given up"]);
});

test("who cannot go keeps it", async () => {
  const { request, answer, signal } = makeRequest();
  const caller = new AbortController();
  const answers = [request.join(caller.signal), request.join()];
  caller.abort();
  expect(signal().aborted).toBe(false);
  answer("token");
  expect(await Promise.all(answers)).toEqual(["token", "token"]);
});
