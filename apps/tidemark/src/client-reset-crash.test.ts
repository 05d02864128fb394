/** A process that dies at any commit of a client reset: after the next start all ends as it would have without. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import type { ResetPolicy, ResetReport } from "@tidemark/engine";
import { loadCore } from "@tidemark/engine/node";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EngineDevice } from "./testing/engine-device.js";
import { Rig } from "./testing/reset-rig.js";

vi.setConfig({ testTimeout: 300_000 });

const run = promisify(execFile);
const program = fileURLToPath(new URL("../dist/testing/mortal-process.js", import.meta.url));
/** Processes at the same time. */
const processes = 3;

let rig: Rig;
beforeAll(async () => {
  rig = new Rig();
  await rig.start();
});
afterAll(async () => rig.end());

/** A device in a folder of its own whose file the server no longer takes. */
class Patient {
  readonly #policy: ResetPolicy;
  readonly #appId: string;
  readonly #directory: string;

  constructor(policy: ResetPolicy, lifetime: number | string) {
    this.#policy = policy;
    this.#appId = `${policy}-${lifetime}`;
    this.#directory = join(rig.directory, this.#appId);
  }

  open(onReport?: (report: ResetReport) => void, directory = this.#directory): Promise<EngineDevice> {
    const options = { url: rig.url, appId: this.#appId, directory, policy: this.#policy };
    return EngineDevice.open(loadCore(), { ...options, ...(onReport === undefined ? {} : { onReport }) });
  }

  /** Items 1 and 2 are everybody's, 3 and 4 are written offline, 5 meanwhile. */
  async fallIll(): Promise<void> {
    const device = await this.open();
    await device.subscribe();
    device.write(1, 2);
    await device.sync();
    device.session.pause();
    device.write(3, 4);
    const peer = await this.open(undefined, join(this.#directory, "peer"));
    await peer.subscribe();
    peer.write(5);
    await peer.sync();
    peer.close();
    rig.refuse(device.userId, { code: 208, fileIdent: device.fileIdent });
    device.close();
  }

  /** Starts the process; the answer is what it said. */
  async start(lifetime: number): Promise<string> {
    const given = [program, rig.url, this.#appId, this.#directory, this.#policy, String(lifetime)];
    return run(process.execPath, given, { timeout: 60_000 }).then(
      ({ stdout }) => stdout,
      (error: { readonly signal?: string; readonly stdout: string }) => {
        expect(error.signal).toBe("SIGKILL");
        return error.stdout;
      },
    );
  }

  /** Starts again, and compares with what would have become of it. */
  async recover(said: string): Promise<void> {
    const reports: ResetReport[] = [];
    const device = await this.open((report) => reports.push(report));
    await expect.poll(() => device.hasPendingReset, { timeout: 20_000 }).toBe(false);
    await device.sync();
    const wanted = this.#policy === "discard" ? [1, 2, 5] : [1, 2, 3, 4, 5];
    expect(device.keys(), this.#appId).toEqual(wanted);
    expect(existsSync(`${device.file.path}.fresh`), this.#appId).toBe(false);
    if (!said.includes("report")) await expect.poll(() => reports.length).toBe(1);
    const mode = this.#policy === "discard" ? "discard" : "recover";
    for (const report of reports) expect(report).toMatchObject({ mode, transactionCount: 2 });
    const fresh = await this.open(undefined, join(this.#directory, "fresh"));
    await fresh.subscribe();
    expect(fresh.keys(), this.#appId).toEqual(wanted);
    fresh.close();
    device.close();
  }
}

const policies = [
  "recover",
  ...(process.env["TIDEMARK_SLOW"] === "1" ? (["recover-or-discard", "discard"] as const) : []),
] as const;

test.each(policies)("%s, killed before every commit", async (policy) => {
  const healthy = new Patient(policy, "all");
  await healthy.fallIll();
  const said = await healthy.start(-1);
  const commits = Number(/done (\d+)/.exec(said)?.[1]);
  expect(commits).toBeGreaterThan(12);
  await healthy.recover(said);
  const lifetimes = Array.from({ length: commits }, (_, lifetime) => lifetime);
  const work = async (): Promise<void> => {
    for (let next = lifetimes.shift(); next !== undefined; next = lifetimes.shift()) {
      const patient = new Patient(policy, next);
      await patient.fallIll();
      await patient.recover(await patient.start(next));
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
});
