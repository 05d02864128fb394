import { defineConfig } from "vitest/config";

export default defineConfig({
  // What is waited for is another device's change.
  test: { include: ["src/**/*.test.ts"], expect: { poll: { timeout: 20_000 } } },
});
