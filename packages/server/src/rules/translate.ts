/**
 * From rule expressions to predicates, for one session: expansions become constants, and whatever is decided by
 * constants alone is decided here.
 *
 * What an expansion does not find is undefined. App Services' documentation says that it matches nothing; that `$ne`
 * and `$nin` are false of it too is our reading, the one that gives less access. Only `$exists: false` is true of it. A
 * negation around such a comparison is true, as around any other that is false.
 *
 * @module
 */

import { type ConstantOperand, expand, type ExpansionContext } from "./expansions.js";
import type { ComparisonOperator, Expression, Operand, Ordering } from "./expression.js";
import { fieldText } from "./field-names.js";
import { equalsAny, exists, isOrdered, type TestedField } from "./field-test.js";
import { and, decided, not, or, type Predicate } from "./predicate.js";
import { RuleRefusal } from "./refusal.js";
import type { RuleSchema } from "./schema.js";
import { compareScalars, countOf, isSame, isScalar, type Value } from "./values.js";

/** Most pairs of elements that a comparison of two expanded lists looks at; users may have a hand in their length. */
export const constantPairsMax = 1_000_000;

/** For whom and for which class an expression is translated. */
export interface TranslationScope {
  readonly context: ExpansionContext;
  readonly schema: RuleSchema;
  /** `null` for any class that is not known yet. */
  readonly className: string | null;
}

/**
 * Translates an expression.
 *
 * @throws RuleRefusal where a part of it is not supported or cannot be written.
 */
export function translate(expression: Expression, scope: TranslationScope): Predicate {
  switch (expression.kind) {
    case "constant":
      return decided(expression.value);
    case "and":
      return and(expression.operands.map((operand) => translate(operand, scope)));
    case "or":
      return or(expression.operands.map((operand) => translate(operand, scope)));
    case "not":
      return not(translate(expression.operand, scope));
    case "comparison":
      return compare(expression.operator, expression.left, expression.right, scope);
    case "exists":
      return existence(expression.operand, expression.expected, scope);
    case "agrees": {
      const truth = truthOf(constant(expression.operand, scope));
      const inner = translate(expression.expression, scope);
      if (truth === undefined) return decided(false);
      return truth ? inner : not(inner);
    }
    case "unsupported":
      throw new RuleRefusal(`uses ${expression.reason}`);
  }
}

function compare(operator: ComparisonOperator, left: Operand, right: Operand, scope: TranslationScope): Predicate {
  const value = constant(right, scope);
  if (left.kind === "field") {
    const field = testedField(left.name, scope);
    return value === undefined ? decided(false) : compareField(operator, field, value);
  }
  const found = constant(left, scope);
  if (found === undefined || value === undefined) return decided(false);
  if (countOf(found) * countOf(value) > constantPairsMax) throw new RuleRefusal("compares lists that are too long");
  return decided(compareConstants(operator, found, value));
}

function compareField(operator: ComparisonOperator, field: TestedField, value: Value): Predicate {
  switch (operator) {
    case "eq":
      return equalsAny(field, [value]);
    case "ne":
      return not(equalsAny(field, [value]));
    case "in":
      return value.type === "array" ? equalsAny(field, value.items) : decided(false);
    case "nin":
      return value.type === "array" ? not(equalsAny(field, value.items)) : decided(false);
    default:
      return isOrdered(field, operator, value);
  }
}

function compareConstants(operator: ComparisonOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case "eq":
      return matches(left, right);
    case "ne":
      return !matches(left, right);
    case "in":
      return right.type === "array" && right.items.some((item) => matches(left, item));
    case "nin":
      return right.type === "array" && !right.items.some((item) => matches(left, item));
    default:
      return left.type === "array"
        ? left.items.some((item) => isInOrder(operator, item, right))
        : isInOrder(operator, left, right);
  }
}

/** Equality, where a scalar and an array mean membership. */
function matches(left: Value, right: Value): boolean {
  if (left.type === "array" && right.type !== "array") return left.items.some((item) => isSame(item, right));
  if (right.type === "array" && left.type !== "array") return right.items.some((item) => isSame(left, item));
  return isSame(left, right);
}

function isInOrder(ordering: Ordering, left: Value, right: Value): boolean {
  const order = isScalar(left) && isScalar(right) ? compareScalars(left, right) : null;
  if (order === null) return false;
  switch (ordering) {
    case "gt":
      return order > 0;
    case "gte":
      return order >= 0;
    case "lt":
      return order < 0;
    case "lte":
      return order <= 0;
  }
}

function existence(operand: Operand, expected: Operand, scope: TranslationScope): Predicate {
  const truth = truthOf(constant(expected, scope));
  if (operand.kind === "field") {
    const found = exists(testedField(operand.name, scope));
    if (truth === undefined) return decided(false);
    return truth ? found : not(found);
  }
  return decided(truth !== undefined && (constant(operand, scope) !== undefined) === truth);
}

function truthOf(value: Value | undefined): boolean | undefined {
  return value?.type === "bool" ? value.value : undefined;
}

/** An operand without a field, expanded. */
function constant(operand: Operand, scope: TranslationScope): Value | undefined {
  refuseUnsupported(operand);
  if (operand.kind === "field") throw new RuleRefusal(`compares with the field "${operand.name}"`);
  return expand(operand as ConstantOperand, scope.context);
}

function refuseUnsupported(operand: Operand): void {
  if (operand.kind === "unsupported") throw new RuleRefusal(`uses ${operand.reason}`);
  if (operand.kind === "array") operand.items.forEach(refuseUnsupported);
  if (operand.kind === "conversion") refuseUnsupported(operand.argument);
}

function testedField(name: string, scope: TranslationScope): TestedField {
  const text = fieldText(name);
  if (text === null) throw new RuleRefusal(`uses the field "${name}", whose name cannot stand in a query`);
  return { text, shape: scope.schema.field(scope.className, name) };
}
