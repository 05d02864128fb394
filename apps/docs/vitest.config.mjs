import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["guide/**/*.test.ts"],
    // The code waits for a server in another process, on machines that do other things too.
    testTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
