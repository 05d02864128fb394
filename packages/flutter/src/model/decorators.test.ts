import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, expect, test } from "vitest";
import type { useDecorated } from "../testing/decorated.js";

/** The compiler's output: only that can run, since decorators are not part of JavaScript yet. */
const compiled = join(dirname(fileURLToPath(import.meta.url)), "../../dist/testing/decorated.js");
let module: { readonly useDecorated: typeof useDecorated };

// With it comes a second engine, which takes a while to load.
beforeAll(async () => {
  module = (await import(pathToFileURL(compiled).href)) as typeof module;
}, 60_000);

test("classes with decorators have the schema that these write down", () => {
  expect(module.useDecorated("/decorated")).toEqual(["1 Ada null [] here true", "2 nobody new [1] undefined true"]);
});
