/**
 * Another device, as a process: writes an item every 100 ms after it is told to, and says which items it sees.
 *
 * @module
 */

import { createNodeEngine } from "../node/index.js";
import { openClient } from "./client.js";

const [url = "", directory = "", firstKey = "0"] = process.argv.slice(2);
const client = await openClient(createNodeEngine(), url, directory);
let key = Number(firstKey);

client.file.database.notifier.onResults(client.all(), () => {
  for (const object of client.all().objects()) {
    const id = object.layout.primaryKey === undefined ? undefined : object.get(object.layout.primaryKey);
    process.stdout.write(`saw ${String(id)} ${Date.now()}\n`);
  }
});

process.stdin.once("data", () => {
  setInterval(() => {
    client.write(key);
    key += 1;
  }, 100);
});

process.stdout.write("peer is ready\n");
