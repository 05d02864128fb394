/**
 * What the test suites of the original's core ask of a server.
 *
 * @module
 */

import { ProtocolError } from "@tidemark/protocol";

/** Reads the body of a test command. */
export function readTestCommand(body: string): { command: string; args: Record<string, unknown> } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new ProtocolError("bad-syntax", "test_command: body", "not JSON", { cause });
  }
  const { command, args } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return {
    command: typeof command === "string" ? command : "",
    args: typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {},
  };
}
