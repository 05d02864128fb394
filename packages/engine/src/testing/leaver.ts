/**
 * A process that opens a synced realm, closes it when it is told to, and has nothing else to do but, if it is told so,
 * to pause the session before, or to resume it while it goes on uploading.
 *
 * @module
 */

import { join } from "node:path";
import { anonymous } from "../app/credentials.js";
import { createObject } from "../data/create.js";
import { Results } from "../data/results.js";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { StopPolicy } from "../sync/sync-options.js";
import { item } from "./models.js";

const [url = "", directory = "", stopPolicy = "after-upload", last = ""] = process.argv.slice(2);
const engine = createNodeEngine();
const app = engine.createApp({
  id: "leaver",
  baseUrl: url,
  timeoutMs: 60_000,
  isMultiplexed: true,
  baseDirectory: directory,
  keepsUsers: false,
});
const user = await app.logIn(anonymous(false));
const file = engine.open({
  path: join(directory, "items.realm"),
  isInMemory: false,
  isReadOnly: false,
  classes: [item],
  sync: {
    user,
    schemaVersion: 0,
    headers: {},
    stopPolicy: stopPolicy as StopPolicy,
    cancelsWaitsOnNonFatalError: false,
  },
});
const { database } = file;
const layout = must(database.layout("Item"), "the class is declared");
must(file.sync, "the file is synced").subscriptions.update((draft) => {
  draft.add(new Results(database, layout, { kind: "class" }, []));
});
database.beginWrite();
createObject(database, layout, { _id: 1, name: "one", tags: [] }, "never");
database.commitWrite();

process.stdin.once("data", () => {
  process.stdin.destroy();
  const session = file.sync?.session;
  if (last === "pause") session?.pause();
  file.close();
  if (last === "resume") session?.resume();
  process.stdout.write("closed\n");
});
process.stdout.write("leaver is ready\n");
