import { pathToFileURL } from "node:url";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { useDecorated } from "../testing/decorated.js";

/** The compiler's output: only that can run, since decorators are not part of JavaScript yet. */
const compiled = join(dirname(fileURLToPath(import.meta.url)), "../../dist/testing/decorated.js");

test("classes with decorators have the schema that these write down", async () => {
  const module = (await import(pathToFileURL(compiled).href)) as { useDecorated: typeof useDecorated };
  expect(module.useDecorated("/decorated")).toEqual(["1 Ada null [] here true", "2 nobody new [1] undefined true"]);
});
