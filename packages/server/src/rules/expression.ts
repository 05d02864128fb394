/**
 * Rule expressions as data: what `apply_when`, document filters and permissions of an exported App Services app say.
 *
 * @module
 */

import type { Value } from "./values.js";

/** Deepest nesting of an expression. Its query text must stay within the depth that the core reads. */
export const expressionDepthMax = 20;
/** Most operators, operands and literals of one expression. */
export const expressionNodesMax = 2_000;
/** Most names in a dotted path. */
export const pathNamesMax = 20;

export type Ordering = "gt" | "gte" | "lt" | "lte";
export type ComparisonOperator = "eq" | "ne" | "in" | "nin" | Ordering;
export type ConversionOperator = "stringToOid" | "oidToString" | "stringToUuid" | "uuidToString";

/** What an expansion begins with that the server knows when a session starts. */
export type ExpansionRoot = "user" | "values" | "environment" | "true" | "false";

/** One side of a comparison. */
export type Operand =
  /** A field of the document; embedded ones dotted. */
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "expansion"; readonly root: ExpansionRoot; readonly path: readonly string[] }
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "array"; readonly items: readonly Operand[] }
  | { readonly kind: "conversion"; readonly operator: ConversionOperator; readonly argument: Operand }
  | Unsupported;

/** A part that is part of the language, or wrong, and cannot be evaluated for synchronisation. */
export interface Unsupported {
  readonly kind: "unsupported";
  /** What it is, to go on after "uses". */
  readonly reason: string;
}

export type Expression =
  /** `true` or `false`, written so. */
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "and" | "or"; readonly operands: readonly Expression[] }
  | { readonly kind: "not"; readonly operand: Expression }
  | {
      readonly kind: "comparison";
      readonly operator: ComparisonOperator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: "exists"; readonly operand: Operand; readonly expected: Operand }
  /** An operand that is compared with the truth of an expression. */
  | { readonly kind: "agrees"; readonly operand: Operand; readonly expression: Expression }
  | Unsupported;

/** Says what is wrong with a rule, and where in its JSON. */
export type Report = (path: readonly (string | number)[], message: string) => void;

/** Calls a function with every operand and every expression inside an expression, itself included. */
export function visitExpression(expression: Expression, visit: (part: Expression | Operand) => void): void {
  visit(expression);
  switch (expression.kind) {
    case "and":
    case "or":
      for (const operand of expression.operands) visitExpression(operand, visit);
      return;
    case "not":
      visitExpression(expression.operand, visit);
      return;
    case "comparison":
      visitOperand(expression.left, visit);
      visitOperand(expression.right, visit);
      return;
    case "exists":
      visitOperand(expression.operand, visit);
      visitOperand(expression.expected, visit);
      return;
    case "agrees":
      visitOperand(expression.operand, visit);
      visitExpression(expression.expression, visit);
      return;
    default:
  }
}

function visitOperand(operand: Operand, visit: (part: Expression | Operand) => void): void {
  visit(operand);
  if (operand.kind === "array") for (const item of operand.items) visitOperand(item, visit);
  if (operand.kind === "conversion") visitOperand(operand.argument, visit);
}
