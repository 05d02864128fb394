/**
 * Answers of a `fetch`, taken in up to a limit.
 *
 * @module
 */

import { type HttpRequest, type HttpResponse, timerMsOf } from "../host.js";

/** Longest text that is taken from a server: more than any answer of the API has. */
export const answerBytesMax: number = 32 * 1024 * 1024;

/** What ends a request: its time, or that nobody wants the answer any more. */
export function endOf({ timeoutMs, signal }: HttpRequest): AbortSignal {
  const timeout = AbortSignal.timeout(timerMsOf(timeoutMs));
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}

/** @throws if the answer is longer than {@link answerBytesMax}; the rest of it is not read. */
export async function readAnswer(response: Response): Promise<HttpResponse> {
  return {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    body: await readText(response),
  };
}

async function readText(response: Response): Promise<string> {
  const { body } = response;
  // An application's own fetch may have no streams.
  if (typeof body?.getReader !== "function") return response.text();
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > answerBytesMax) {
      void reader.cancel().catch(() => undefined);
      throw new Error("The server's answer is too long");
    }
    text += decoder.decode(value, { stream: true });
  }
}
