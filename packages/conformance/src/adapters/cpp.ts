/**
 * The cpp facade, driven by the suite.
 *
 * @module
 */
import type { Adapter } from "../adapter.js";

/** `@tidemark/cpp`. */
export const cppAdapter: Adapter = {} as Adapter;
