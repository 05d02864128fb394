/**
 * The kotlin facade, driven by the suite.
 *
 * @module
 */
import type { Adapter } from "../adapter.js";

/** `@tidemark/kotlin`. */
export const kotlinAdapter: Adapter = {} as Adapter;
