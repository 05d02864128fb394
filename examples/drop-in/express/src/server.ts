import type { AddressInfo } from "node:net";
import { createApp } from "./app.js";
import { openRealm } from "./realm.js";

const { APP_ID = "tasks", BASE_URL = "https://services.cloud.mongodb.com", PORT = "3000" } = process.env;

const realm = await openRealm(APP_ID, BASE_URL);
const server = createApp(realm).listen(Number(PORT), () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

async function stop(): Promise<void> {
  server.close();
  server.closeAllConnections();
  await realm.syncSession?.uploadAllLocalChanges(5_000);
  realm.close();
}

process.once("SIGTERM", () => {
  stop().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
