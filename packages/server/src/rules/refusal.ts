/**
 * Why a role gives no access.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";

/** A role that cannot be used with synchronisation; never leaves this room. */
export class RuleRefusal extends TidemarkError {
  /** @param reason goes on after the name of the part: "uses %function". */
  constructor(reason: string) {
    super("rule-refusal", reason);
  }
}
