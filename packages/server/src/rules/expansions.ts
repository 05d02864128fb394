/**
 * Expansions: what `%%user` and its like stand for in one session.
 *
 * All of them are expanded once, when a session starts. What they expand to is data and never read again as an
 * expression, whatever characters it holds.
 *
 * @module
 */

import type { ConversionOperator, Operand } from "./expression.js";
import { objectId, readValue, uuid, type Value } from "./values.js";

/** What expansions stand for. Data is JSON, with Extended JSON for what JSON cannot say. */
export interface ExpansionContext {
  readonly user: {
    readonly id: string;
    readonly type: "normal" | "server" | "system";
    readonly data: unknown;
    /** The custom user data; `undefined` where there is none. */
    readonly customData: unknown;
    readonly identities: readonly { readonly id: string; readonly providerType: string }[];
  };
  /** The app's values by name, without secrets. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly environment: {
    /** `""`, `development`, `testing`, `qa` or `production`. */
    readonly tag: string;
    readonly values: Readonly<Record<string, unknown>>;
  };
}

/** A side of a comparison without a field in it. */
export type ConstantOperand = Exclude<Operand, { readonly kind: "field" | "unsupported" }>;

/** What a constant operand stands for; `undefined` where a path leads nowhere or a value cannot be converted. */
export function expand(operand: ConstantOperand, context: ExpansionContext): Value | undefined {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "expansion":
      return expansion(operand.root, operand.path, context);
    case "array": {
      // What leads nowhere matches nothing, so it is as good as absent from a list.
      const items = operand.items.map((item) => expandAny(item, context));
      return { type: "array", items: items.filter((item) => item !== undefined) };
    }
    case "conversion": {
      const value = expandAny(operand.argument, context);
      return value === undefined ? undefined : convert(operand.operator, value);
    }
  }
}

function expandAny(operand: Operand, context: ExpansionContext): Value | undefined {
  return operand.kind === "field" || operand.kind === "unsupported" ? undefined : expand(operand, context);
}

function expansion(root: string, path: readonly string[], context: ExpansionContext): Value | undefined {
  if (root === "true" || root === "false") return { type: "bool", value: root === "true" };
  const { id, type, data, customData, identities } = context.user;
  const user = { id, type, data, custom_data: customData, identities };
  let found: unknown = root === "user" ? user : root === "values" ? context.values : context.environment;
  for (const name of path) found = member(found, name);
  return found === undefined ? undefined : readValue(found);
}

/** A member of a document, or an element of an array by its index; only own ones, as data has no others. */
function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return /^(0|[1-9]\d{0,8})$/.test(name) ? (value as unknown[])[Number(name)] : undefined;
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function convert(operator: ConversionOperator, value: Value): Value | undefined {
  switch (operator) {
    case "stringToOid":
      return value.type === "string" ? (objectId(value.value) ?? undefined) : undefined;
    case "stringToUuid":
      return value.type === "string" ? (uuid(value.value) ?? undefined) : undefined;
    case "oidToString":
      return value.type === "objectId" ? { type: "string", value: value.hex } : undefined;
    case "uuidToString":
      return value.type === "uuid" ? { type: "string", value: value.hex } : undefined;
  }
}
