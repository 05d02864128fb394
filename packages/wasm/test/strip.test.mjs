import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withoutSections } from "../strip.mjs";

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** One type, that of a function without parameters and results. */
const types = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
const built = new URL("../pkg/tidemark_wasm_bg.wasm", import.meta.url);

function custom(name, contentLength) {
  const content = [name.length, ...Buffer.from(name), ...Array.from({ length: contentLength }, () => 7)];
  return [0x00, 0x80 | (content.length & 0x7f), content.length >> 7, ...content];
}

test("named sections go, others stay as they are", () => {
  const module = Uint8Array.from([
    ...header,
    ...custom("name", 300),
    ...types,
    ...custom("kept", 3),
    ...custom("name", 0),
  ]);
  const stripped = withoutSections(module, ["name"]);
  expect([...stripped]).toEqual([...header, ...types, ...custom("kept", 3)]);
  expect(WebAssembly.validate(stripped)).toBe(true);
});

test("a module that ends in the middle is refused", () => {
  expect(() => withoutSections(Uint8Array.from([...header, 0x01, 0x04, 0x01]), [])).toThrow("longer than the module");
  expect(() => withoutSections(Uint8Array.from([...header, 0x01]), [])).toThrow("no number at 9");
});

test.runIf(existsSync(built))("the module that is published has no names of functions", () => {
  expect(WebAssembly.Module.customSections(new WebAssembly.Module(readFileSync(built)), "name")).toEqual([]);
});
