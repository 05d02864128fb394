/**
 * A configuration that cannot be put in force.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";

/** The classes of a configuration contradict those that the app's data has. */
export class ConfigurationError extends TidemarkError {
  /** Each names class, property, expected and found. */
  readonly conflicts: readonly string[];

  constructor(conflicts: readonly string[]) {
    super("schema-conflict", `the schema contradicts that of the data: ${conflicts.join("; ")}`);
    this.conflicts = conflicts;
  }
}
