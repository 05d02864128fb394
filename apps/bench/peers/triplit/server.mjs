// Triplit's server, forked with the storage's folder (`-` for memory) and a file of rows: fills itself, then says its
// address.
import { readFile } from "node:fs/promises";
import { createServer as createTcpServer } from "node:net";
import { HttpClient } from "@triplit/client";
import { createServer } from "@triplit/server";
import { schema } from "./schema.mjs";
import { openStorage } from "./storage.mjs";
import { jwtSecret, projectId, serviceToken } from "./token.mjs";

const rowsPerInsert = 1_000;
const [folder = "-", rowsFile = ""] = process.argv.slice(2);

/** A port that was free a moment ago: the server does not say which it took. */
async function freePort() {
  const probe = createTcpServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function fill(serverUrl) {
  const client = new HttpClient({ serverUrl, token: serviceToken(), schema });
  const rows = JSON.parse(await readFile(rowsFile, "utf8"));
  for (let start = 0; start < rows.length; start += rowsPerInsert) {
    const slice = rows.slice(start, start + rowsPerInsert);
    await client.bulkInsert({
      items: slice.map(({ _id, t, ...rest }) => ({ id: String(_id), t: new Date(t), ...rest })),
    });
  }
}

const port = await freePort();
const storage = openStorage(folder);
const start = await createServer({ storage, jwtSecret, projectId, schema: { collections: schema } });
await new Promise((resolve) => start(port, resolve));
const url = `http://127.0.0.1:${port}`;
await fill(url);
process.send({ url });
process.on("disconnect", () => process.exit(0));
