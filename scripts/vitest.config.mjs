import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  test: { include: ["checks/**/*.test.mjs"], testTimeout: 60_000 },
});
