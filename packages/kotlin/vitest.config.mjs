import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{src,samples}/**/*.test.ts"],
    // The shared suite has its cores for itself.
    fileParallelism: false,
    // Some tests wait for a server in another process, on machines that do other things too.
    testTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
