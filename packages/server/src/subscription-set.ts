/**
 * First look at a subscription set, before the ledger reads its queries: its form and the limits.
 *
 * @module
 */

import type { ServerLimits } from "./limits.js";

const utf8 = new TextEncoder();

/**
 * Checks the JSON of IDENT and QUERY.
 *
 * @returns the text of the error for the client, or `null`.
 */
export function checkSubscriptionSet(json: string, limits: ServerLimits): string | null {
  let set: unknown;
  try {
    set = JSON.parse(json);
  } catch {
    return "Invalid query: the subscription set is not JSON";
  }
  if (typeof set !== "object" || set === null || Array.isArray(set)) {
    return "Invalid query: the subscription set is not an object";
  }
  const queries = Object.entries(set);
  if (queries.length > limits.subscriptionsMax) {
    return `Invalid query: more than ${limits.subscriptionsMax} tables in the subscription set`;
  }
  for (const [table, query] of queries) {
    if (typeof query !== "string") return `Invalid query: the query for table "${table}" is not a string`;
    const bytes = query.length > limits.queryBytesMax ? query.length : utf8.encode(query).length;
    if (bytes > limits.queryBytesMax) {
      return `Invalid query: the query for table "${table}" is longer than ${limits.queryBytesMax} bytes`;
    }
  }
  return null;
}
