import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "@tidemark/testing";
import { describe, expect, test } from "vitest";
import { compiled } from "../testing/compiled.js";
import { MuteServer, type MuteServerOptions } from "../testing/mute-server.js";

const isWasmBuilt = existsSync(new URL("../../../wasm/pkg/tidemark_wasm.js", import.meta.url));
const cores = [["addon", []] as const, ...(isWasmBuilt ? [["WASM", ["--conditions=tidemark-wasm"]] as const] : [])];

/** How long a process lives after it has closed its only realm. */
async function lifeAfterClose(
  options: readonly string[],
  stopPolicy: string,
  serverOptions: MuteServerOptions = {},
  last: string = "",
): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "tidemark-process-end-"));
  const server = new MuteServer(serverOptions);
  const url = await server.start();
  const program = [compiled("leaver.js"), url, directory, stopPolicy, last];
  const process = await startProcess([...options, ...program], /leaver is (ready)/);
  const ended = new Promise<number>((resolve) => process.child.once("exit", () => resolve(performance.now())));
  const closed = new Promise<number>((resolve) => {
    process.onLine((line) => {
      if (line === "closed") resolve(performance.now());
    });
  });
  try {
    await server.first;
    // The client has what it was sent, too.
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.child.stdin?.end("close\n");
    const closedAt = await closed;
    return (await ended) - closedAt;
  } finally {
    await process.stop("SIGKILL");
    server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

describe.each(cores)("over the %s, with a server that says nothing", { timeout: 60_000 }, (_, options) => {
  test.each(["immediately", "never"])("a session that stops %s does not keep the process", async (stopPolicy) => {
    expect(await lifeAfterClose(options, stopPolicy)).toBeLessThan(5_000);
  });

  test("a connection whose end is not answered does not keep the process", async () => {
    expect(await lifeAfterClose(options, "after-upload", {}, "pause")).toBeLessThan(5_000);
  });

  // Each waits for ten seconds: they do it together.
  test.concurrent.each([
    ["are not acknowledged", ""],
    ["go on in a session that is resumed", "resume"],
  ])("uploads that %s keep it for ten seconds", async (_how, last) => {
    const life = await lifeAfterClose(options, "after-upload", {}, last);
    expect(life).toBeGreaterThan(9_000);
    expect(life).toBeLessThan(13_000);
  });

  test.each([
    ["refused", { refreshStatus: 503 }],
    ["not answered", {}],
  ])("a refresh of the token that is %s does not keep it", async (_how, refresh) => {
    const server = { givesOldTokens: true, ...refresh };
    // With the old token it may have connected, and would finish its upload otherwise.
    expect(await lifeAfterClose(options, "immediately", server)).toBeLessThan(5_000);
  });
});
