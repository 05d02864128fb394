import { defineConfig } from "vitest/config";

export default defineConfig({
  // The shared suite has its cores for itself.
  test: { include: ["{src,samples}/**/*.test.ts"], fileParallelism: false },
});
