/**
 * Reading rule expressions from JSON. Whatever is wrong is reported with its path and becomes an unsupported part, so
 * that a role with an error in it gives nobody access.
 *
 * An object is the conjunction of its keys. A key is a logical operator, a field of the document, or an expansion; its
 * value a literal, an expansion, or an object of operators. Operators are written with `$` or with `%`.
 *
 * @module
 */

import {
  type ComparisonOperator,
  type ConversionOperator,
  type Expression,
  type ExpansionRoot,
  expressionDepthMax,
  expressionNodesMax,
  type Operand,
  pathNamesMax,
  type Report,
  type Unsupported,
} from "./expression.js";
import { isExtendedLiteral, readExtendedLiteral, readNumber, type Value } from "./values.js";

type Path = readonly (string | number)[];

const comparisons: ReadonlyMap<string, ComparisonOperator> = new Map(
  (["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"] as const).map((name) => [name, name]),
);
const conversions: ReadonlyMap<string, ConversionOperator> = new Map(
  (["stringToOid", "oidToString", "stringToUuid", "uuidToString"] as const).map((name) => [name, name]),
);
const logical: ReadonlySet<string> = new Set(["and", "or", "nor", "not"]);
const roots: ReadonlyMap<string, ExpansionRoot> = new Map(
  (["user", "values", "environment", "true", "false"] as const).map((name) => [name, name]),
);
/** What may follow the beginning of an expansion; `null` for names that the app chooses. */
const rootMembers: Readonly<Record<ExpansionRoot, readonly string[] | null>> = {
  user: ["id", "type", "data", "custom_data", "identities"],
  values: null,
  environment: ["tag", "values"],
  true: [],
  false: [],
};
/** Expansions that need a document or a request: known, and not usable with synchronisation. */
const documentRoots: ReadonlySet<string> = new Set(["root", "this", "prev", "prevRoot", "request", "partition"]);

/** Where an expression stands: `apply_when` is judged before there is a document. */
export type ExpressionPlace = "session" | "document";

/** Reads one expression. */
export function parseExpression(value: unknown, place: ExpressionPlace, path: Path, report: Report): Expression {
  return new ExpressionParser(place, report).expression(value, path, 0);
}

class ExpressionParser {
  readonly #place: ExpressionPlace;
  readonly #report: Report;
  #nodes = 0;

  constructor(place: ExpressionPlace, report: Report) {
    this.#place = place;
    this.#report = report;
  }

  expression(value: unknown, path: Path, depth: number): Expression {
    const excess = this.#excess(path, depth);
    if (excess !== null) return excess;
    if (typeof value === "boolean") return { kind: "constant", value };
    if (!isObject(value)) return this.#wrong(path, "an expression must be a boolean or an object");
    return this.#all(value, path, (key, part, at) => this.#keyed(key, part, at, depth + 1));
  }

  /** The conjunction of an object's keys; a single one stands for itself. */
  #all(
    value: Readonly<Record<string, unknown>>,
    path: Path,
    read: (key: string, part: unknown, at: Path) => Expression,
  ): Expression {
    const operands = Object.entries(value).map(([key, part]) => read(key, part, [...path, key]));
    const [first, ...more] = operands;
    return first !== undefined && more.length === 0 ? first : { kind: "and", operands };
  }

  #keyed(key: string, value: unknown, path: Path, depth: number): Expression {
    const operator = operatorOf(key);
    if (operator === null) return this.#matched(this.#key(key, path), value, path, depth);
    if (logical.has(operator)) {
      return this.#logical(operator, value, path, (part, at) => this.expression(part, at, depth));
    }
    if (operator === "function") return this.#function(path);
    return this.#wrong(path, `unknown operator "${key}"`);
  }

  #logical(operator: string, value: unknown, path: Path, read: (part: unknown, at: Path) => Expression): Expression {
    if (operator === "not") return { kind: "not", operand: read(value, path) };
    if (!Array.isArray(value) || value.length === 0) {
      return this.#wrong(path, "a list of at least one expression is needed");
    }
    const operands = value.map((part, index) => read(part, [...path, index]));
    if (operator === "and") return { kind: "and", operands };
    const either: Expression = { kind: "or", operands };
    return operator === "or" ? either : { kind: "not", operand: either };
  }

  /** What a key's value asks of the key. */
  #matched(left: Operand, value: unknown, path: Path, depth: number): Expression {
    const excess = this.#excess(path, depth);
    if (excess !== null) return excess;
    if (!isObject(value) || isExtendedLiteral(value) || isConversion(value)) {
      return { kind: "comparison", operator: "eq", left, right: this.#operand(value, path, depth) };
    }
    if (isMatch(value, 0)) {
      return this.#all(value, path, (key, part, at) => this.#matchedBy(left, key, part, at, depth + 1));
    }
    // What is compared is the truth of an expression, as in {"%%true": {"%function": …}}.
    if (left.kind === "expansion") {
      return { kind: "agrees", operand: left, expression: this.expression(value, path, depth + 1) };
    }
    if (left.kind === "unsupported") return left;
    return this.#wrong(path, "a field cannot be compared with a document");
  }

  #matchedBy(left: Operand, key: string, value: unknown, path: Path, depth: number): Expression {
    const operator = operatorOf(key) ?? "";
    if (logical.has(operator)) {
      return this.#logical(operator, value, path, (part, at) => this.#matched(left, part, at, depth));
    }
    if (operator === "exists") {
      const expected = this.#operand(value, path, depth);
      const isTruth = expected.kind === "literal" ? expected.value.type === "bool" : expected.kind !== "array";
      return isTruth ? { kind: "exists", operand: left, expected } : this.#wrong(path, "a boolean is needed");
    }
    const comparison = comparisons.get(operator);
    if (comparison === undefined) return this.#wrong(path, `unknown operator "${key}"`);
    const isList = comparison === "in" || comparison === "nin";
    const right = this.#operand(value, path, depth);
    if (isList && right.kind !== "array" && right.kind !== "expansion" && right.kind !== "unsupported") {
      return this.#wrong(path, "a list or an expansion is needed");
    }
    return { kind: "comparison", operator: comparison, left, right };
  }

  /** The left side that a key names. */
  #key(key: string, path: Path): Operand {
    if (key.startsWith("%%")) return this.#expansion(key, path);
    if (this.#place === "session") return this.#wrong(path, "apply_when cannot look at the document's fields");
    if (key === "") return this.#wrong(path, "a field's name must not be empty");
    return { kind: "field", name: key };
  }

  #operand(value: unknown, path: Path, depth: number): Operand {
    const excess = this.#excess(path, depth);
    if (excess !== null) return excess;
    if (typeof value === "string") {
      return value.startsWith("%%") ? this.#expansion(value, path) : literal({ type: "string", value });
    }
    if (typeof value === "boolean") return literal({ type: "bool", value });
    if (typeof value === "number") return literal(readNumber(value));
    if (value === null) return literal({ type: "null" });
    if (Array.isArray(value)) {
      return { kind: "array", items: value.map((item, at) => this.#operand(item, [...path, at], depth + 1)) };
    }
    if (!isObject(value)) return this.#wrong(path, "this is not a value");
    return isConversion(value) ? this.#conversion(value, path, depth) : this.#extended(value, path);
  }

  #extended(value: Readonly<Record<string, unknown>>, path: Path): Operand {
    if (!isExtendedLiteral(value)) return this.#wrong(path, "a document cannot be compared");
    const read = readExtendedLiteral(value);
    if (read === null) return this.#wrong(path, "malformed Extended JSON");
    if (read.type === "other") return this.#wrong(path, "no field can hold a value of this type");
    return literal(read);
  }

  /** `%stringToOid` and its like, and `%function`. */
  #conversion(value: Readonly<Record<string, unknown>>, path: Path, depth: number): Operand {
    const [[key, argument] = ["", null], ...more] = Object.entries(value);
    const at = [...path, key];
    if (more.length > 0) return this.#wrong(path, `nothing can stand beside "${key}"`);
    const operator = conversions.get(operatorOf(key) ?? "");
    if (operator === undefined) return this.#function(at);
    const read = this.#operand(argument, at, depth + 1);
    if (read.kind === "unsupported" || read.kind === "expansion")
      return { kind: "conversion", operator, argument: read };
    const wanted = operator.startsWith("string") ? "string" : operator === "oidToString" ? "objectId" : "uuid";
    if (read.kind !== "literal" || read.value.type !== wanted) {
      return this.#wrong(at, `${operator} takes an expansion or a literal that it can convert`);
    }
    return { kind: "conversion", operator, argument: read };
  }

  #expansion(text: string, path: Path): Operand {
    const [name = "", ...names] = text.slice(2).split(".");
    if (documentRoots.has(name)) {
      if (this.#place === "document") return { kind: "unsupported", reason: `%%${name}` };
      return this.#wrong(path, `apply_when cannot use %%${name}`);
    }
    const root = roots.get(name);
    if (root === undefined) return this.#wrong(path, `unknown expansion "${text}"`);
    if (names.length > pathNamesMax || names.includes("")) return this.#wrong(path, `malformed path "${text}"`);
    const members = rootMembers[root];
    const [member] = names;
    const isKnown = member === undefined ? root !== "values" : members === null || members.includes(member);
    if (!isKnown) return this.#wrong(path, `unknown expansion "${text}"`);
    return { kind: "expansion", root, path: names };
  }

  /** Functions are not run for rules: where one decides, nobody gets access. */
  #function(path: Path): Unsupported {
    this.#report(path, "functions in rules are not supported");
    return { kind: "unsupported", reason: "%function" };
  }

  #excess(path: Path, depth: number): Unsupported | null {
    this.#nodes += 1;
    if (depth > expressionDepthMax) {
      return this.#wrong(path, `an expression may be nested ${expressionDepthMax} levels deep`);
    }
    if (this.#nodes <= expressionNodesMax) return null;
    const reason = "an expression that is too long";
    // Said once, not for each of the parts that are too many.
    if (this.#nodes === expressionNodesMax + 1) {
      this.#report(path, `an expression may have ${expressionNodesMax} parts`);
    }
    return { kind: "unsupported", reason };
  }

  #wrong(path: Path, message: string): Unsupported {
    this.#report(path, message);
    return { kind: "unsupported", reason: "an expression that is wrong" };
  }
}

function literal(value: Value): Operand {
  return { kind: "literal", value };
}

/** The name of an operator, which `$` or `%` begins; `null` for fields and expansions. */
function operatorOf(key: string): string | null {
  return key.startsWith("$") || (key.startsWith("%") && !key.startsWith("%%")) ? key.slice(1) : null;
}

/** Whether an object converts its argument, or calls a function. */
function isConversion(value: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(value).some((key) => {
    const operator = operatorOf(key);
    return operator !== null && (conversions.has(operator) || operator === "function");
  });
}

/** Whether an object asks something of what stands before it, and is not an expression of its own. */
function isMatch(value: unknown, depth: number): boolean {
  if (!isObject(value) || depth > expressionDepthMax) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.every(([key, part]) => {
      const operator = operatorOf(key);
      if (operator === null) return false;
      if (!logical.has(operator)) return operator !== "function";
      return Array.isArray(part) ? part.every((one) => isMatch(one, depth + 1)) : isMatch(part, depth + 1);
    })
  );
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
