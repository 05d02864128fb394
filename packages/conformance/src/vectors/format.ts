/**
 * Which format a line of a vector file has. A line says so by its members: files may have any name.
 *
 * @module
 */

/** Formats that the core replays. */
export type Format = "codec" | "merge" | "apply" | "convergence";

/** What a line is: a format that is replayed, or the name of one that is not. */
export type Recognition =
  | { readonly kind: "replayed"; readonly format: Format }
  | { readonly kind: "unsupported"; readonly name: string };

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Recognises a parsed line. */
export function recogniseFormat(line: unknown): Recognition {
  if (!isRecord(line)) return { kind: "unsupported", name: "something else than a JSON object" };
  const input = isRecord(line["input"]) ? line["input"] : {};
  if ("ours" in input && "theirs" in input) return { kind: "replayed", format: "merge" };
  if ("setup" in input && "changesets" in input) return { kind: "replayed", format: "apply" };
  if ("peers" in input && "steps" in input) return { kind: "replayed", format: "convergence" };
  if ("hex" in line && ("inlineHex" in line || "accepted" in line)) return { kind: "replayed", format: "codec" };
  if ("query" in line) return { kind: "unsupported", name: "rql" };
  const members = Object.keys(line).join(", ");
  return { kind: "unsupported", name: `unknown format with members ${members}` };
}
