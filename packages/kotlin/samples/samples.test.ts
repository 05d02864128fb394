import { sampleCases, sampleTimeoutMs, startSampleServer, type TestServer } from "@tidemark/testing";
import { afterAll, beforeAll, test } from "vitest";
import { clientReset } from "./client-reset.js";
import { offlineEdit } from "./offline-edit.js";
import { permissions } from "./permissions.js";
import { progressBar } from "./progress-bar.js";
import { quickStart } from "./quick-start.js";

const samples = { quickStart, offlineEdit, progressBar, permissions, clientReset };
let server: TestServer;

beforeAll(async () => {
  server = await startSampleServer();
}, sampleTimeoutMs);

afterAll(() => server?.stop());

test.each(sampleCases(samples))("$title", { timeout: sampleTimeoutMs }, ({ run }) => run(server));
