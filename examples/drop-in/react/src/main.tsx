import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import Realm from "realm";
import { Page } from "./page.js";

// The main process opens the window with the address of the app's server and the folder for the user's data.
const settings = new URLSearchParams(window.location.search);
const app = new Realm.App({
  id: settings.get("app") ?? "notes",
  baseUrl: settings.get("server") ?? undefined,
  baseFilePath: settings.get("folder") ?? undefined,
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Page app={app} />
    </StrictMode>,
  );
}
