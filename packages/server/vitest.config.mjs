import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts"],
    // Servers, sockets and processes of their own: slow on a busy machine, and then still right.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
