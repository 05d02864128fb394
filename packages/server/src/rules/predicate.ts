/**
 * Predicates in one canonical form, and their text in Realm Query Language.
 *
 * What is constant is folded away, nested conjunctions and disjunctions are flattened, repetitions dropped, and
 * operands sorted by their text: rules that differ only in their order give the same text. The ledger sends everybody
 * whose text changed a bootstrap, so this is more than cosmetics.
 *
 * @module
 */

/** The text that every object matches. */
export const everything = "TRUEPREDICATE";
/** The text that no object matches. */
export const nothing = "FALSEPREDICATE";

/** A predicate over the objects of a class; made by the functions of this module only. */
export type Predicate =
  | { readonly kind: "everything" | "nothing"; readonly text: string }
  | { readonly kind: "test"; readonly text: string }
  | { readonly kind: "not"; readonly text: string; readonly operand: Predicate }
  | { readonly kind: "and" | "or"; readonly text: string; readonly operands: readonly Predicate[] };

const matchesAll: Predicate = { kind: "everything", text: everything };
const matchesNone: Predicate = { kind: "nothing", text: nothing };

/** A predicate that is decided already. */
export function decided(value: boolean): Predicate {
  return value ? matchesAll : matchesNone;
}

/** A comparison, as text. */
export function test(text: string): Predicate {
  return { kind: "test", text };
}

export function not(operand: Predicate): Predicate {
  if (operand.kind === "everything") return matchesNone;
  if (operand.kind === "nothing") return matchesAll;
  if (operand.kind === "not") return operand.operand;
  const text = operand.kind === "or" ? `!${operand.text}` : `!(${operand.text})`;
  return { kind: "not", operand, text };
}

export function and(operands: readonly Predicate[]): Predicate {
  return combine("and", operands);
}

export function or(operands: readonly Predicate[]): Predicate {
  return combine("or", operands);
}

function combine(kind: "and" | "or", operands: readonly Predicate[]): Predicate {
  // What decides the whole, and what changes nothing.
  const [absorbing, neutral] = kind === "and" ? [matchesNone, matchesAll] : [matchesAll, matchesNone];
  const byText = new Map<string, Predicate>();
  for (const operand of operands) {
    if (operand.kind === absorbing.kind) return absorbing;
    if (operand.kind === neutral.kind) continue;
    const parts = operand.kind === kind ? operand.operands : [operand];
    for (const part of parts) byText.set(part.text, part);
  }
  const [first, ...more] = [...byText.values()].sort(byTextOrder);
  if (first === undefined) return neutral;
  if (more.length === 0) return first;
  const parts = [first, ...more];
  const text = parts.map((part) => part.text).join(` ${kind} `);
  return { kind, operands: parts, text: kind === "or" ? `(${text})` : text };
}

function byTextOrder(left: Predicate, right: Predicate): number {
  return left.text < right.text ? -1 : Number(left.text > right.text);
}
