// Zero's cache, forked with the address of a filled PostgreSQL and an empty folder: says its own address once it has
// copied the rows and answers.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [database = "", folder = ""] = process.argv.slice(2);
const environment = { ...process.env, DO_NOT_TRACK: "1", ZERO_UPSTREAM_DB: database, ZERO_LOG_LEVEL: "error" };

function command(name) {
  return fileURLToPath(new URL(`node_modules/.bin/${name}`, import.meta.url));
}

/** A port that was free a moment ago. */
async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Without permissions that are stored in the database, nobody sees anything. */
async function deployPermissions() {
  const schema = fileURLToPath(new URL("schema.mjs", import.meta.url));
  const child = spawn(command("zero-deploy-permissions"), ["--schema-path", schema], {
    env: environment,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const status = await new Promise((resolve) => child.once("exit", resolve));
  if (status !== 0) throw new Error(`zero-deploy-permissions ended with ${status}`);
}

async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

await deployPermissions();
const port = await freePort();
const cache = spawn(command("zero-cache"), [], {
  env: {
    ...environment,
    ZERO_PORT: String(port),
    ZERO_CHANGE_STREAMER_PORT: String(await freePort()),
    ZERO_NUM_SYNC_WORKERS: "1",
    ZERO_REPLICA_FILE: join(folder, "replica.db"),
  },
  stdio: ["ignore", "ignore", "inherit"],
});
let isOver = false;
const ended = new Promise((resolve) => cache.once("exit", resolve));
process.on("disconnect", () => {
  isOver = true;
  cache.kill("SIGTERM");
  void ended.then(() => process.exit(0));
});
void ended.then((status) => !isOver && process.exit(status ?? 1));
const url = `http://127.0.0.1:${port}`;
while (!(await answers(url))) await new Promise((resolve) => setTimeout(resolve, 50));
process.send?.({ url });
