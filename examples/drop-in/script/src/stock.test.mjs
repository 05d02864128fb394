// That a script in CommonJS, with models as a class and as plain schemas, does its work and then ends by itself.

import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "@tidemark/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const script = fileURLToPath(new URL("stock.js", import.meta.url));

let server;
beforeAll(async () => {
  server = await startServer();
}, 60_000);
afterAll(async () => server?.stop());

/** Runs the script in a folder of its own, as on a machine of its own; gives the lines that it prints. */
async function book(machine, bookings) {
  const cwd = join(server.directory, machine);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, "bookings.json"), JSON.stringify(bookings));
  const account = { EMAIL: "shop@example.com", PASSWORD: "a long password" };
  const env = { ...process.env, APP_ID: "shop", BASE_URL: server.url, ...account };
  const { stdout } = await run(process.execPath, [script, "bookings.json"], { cwd, env, timeout: 60_000 });
  return stdout.trim().split("\n");
}

test("the script books, uploads, prints and ends, on two machines in turn", { timeout: 200_000 }, async () => {
  const delivery = { at: "2024-01-05T08:00:00Z", supplier: "Alpha", city: "Delft" };
  const first = await book("counter", [
    { ...delivery, sku: "A1", name: "Anvil", count: 4, price: "120.50", tags: ["iron", "heavy"] },
    { ...delivery, sku: "B2", name: "Bolt", count: 500, note: "by lorry" },
    { at: "2024-01-06T08:00:00Z", sku: "C3", name: "Chain", count: 12 },
  ]);
  expect(first).toEqual([
    "registering, for unauthorized",
    "this is shop@example.com",
    "everything is uploaded",
    "3 products, 516 pieces",
    "A1 Anvil: 4 at 120.50 from Alpha (2) [heavy iron], booked 1 times",
    "B2 Bolt: 500 at ? from Alpha (2) [], booked 1 times",
    "C3 Chain: 12 at ? [], booked 1 times",
    "low: A1 (true)",
    "booked since February: 0",
  ]);

  // Another machine, the same account; C3 is sold out there.
  const second = await book("office", [
    { at: "2024-02-03T08:00:00Z", sku: "C3", count: -12 },
    { at: "2024-02-03T09:00:00Z", sku: "B2", count: -493 },
  ]);
  expect(second).toEqual([
    "this is shop@example.com",
    "everything is uploaded",
    "2 products, 11 pieces",
    "A1 Anvil: 4 at 120.50 from Alpha (2) [heavy iron], booked 1 times",
    "B2 Bolt: 7 at ? from Alpha (2) [], booked 2 times",
    "low: A1 (true), B2 (true)",
    "booked since February: 1",
  ]);

  // The first one again, which has its file and its user still.
  const third = await book("counter", []);
  expect(third.filter((line) => !line.startsWith("downloading"))).toEqual(
    second.filter((line) => !line.includes("upload")),
  );
});
