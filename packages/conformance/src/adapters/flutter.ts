/**
 * The flutter facade, driven by the suite.
 *
 * @module
 */
import type { Adapter } from "../adapter.js";

/** `@tidemark/flutter`. */
export const flutterAdapter: Adapter = {} as Adapter;
