/**
 * The core that replays: the addon or the WebAssembly module.
 *
 * @module
 */
import type { Format } from "./format.js";

/** Cores to choose from, and the packages that hold them. */
const packages = { native: "@tidemark/native", wasm: "@tidemark/wasm" } as const;

/** Name of a core. */
export type CoreName = keyof typeof packages;

/** Replays one line. The answer is why it fails, or `undefined` where it passes. */
export type Replay = (format: Format, line: string) => string | undefined;

/** Whether there is a core of that name. */
export function isCoreName(name: string): name is CoreName {
  return Object.hasOwn(packages, name);
}

function readAnswer(answer: unknown): string | undefined {
  const parsed: unknown = typeof answer === "string" ? JSON.parse(answer) : undefined;
  if (typeof parsed === "object" && parsed !== null && "ok" in parsed) {
    if (parsed.ok === true) return undefined;
    if ("message" in parsed && typeof parsed.message === "string") return parsed.message;
  }
  return `the core answered ${String(answer)}`;
}

/**
 * Loads a core. The packages are named at run time, since the WebAssembly module is built only where it is asked for.
 */
export async function loadCore(name: CoreName): Promise<Replay> {
  const specifier: string = packages[name];
  const module: unknown = await import(specifier);
  if (typeof module !== "object" || module === null || !("replayVector" in module)) {
    throw new Error(`${specifier} was built without the replay of vectors`);
  }
  const { replayVector } = module;
  if (typeof replayVector !== "function") throw new Error(`${specifier}: replayVector is not a function`);
  return (format, line) => readAnswer(replayVector(format, line));
}
