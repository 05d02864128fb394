/**
 * Which fields an app's rules look at. Our own clients are told: what they fold out of their unsent history must not
 * be a value that a rule asks for.
 *
 * @module
 */

import type { RuleSet } from "./effective-role.js";
import { visitExpression } from "./expression.js";
import type { RoleDocument } from "./parse-roles.js";

/** Names of fields, sorted, by class; classes of which none is looked at are left out. */
export type RuleFields = Readonly<Record<string, readonly string[]>>;

/** The fields that any role of these classes looks at, whoever it is for. */
export function ruleFields(rules: RuleSet, classNames: readonly string[]): RuleFields {
  const defaults = fieldsOf(rules.defaults);
  const names = [...new Set([...classNames, ...rules.classes.keys()])].sort();
  const classes = names.map((name) => {
    const own = rules.classes.get(name) ?? [];
    return [name, own.length === 0 ? defaults : fieldsOf(own)] as const;
  });
  return Object.fromEntries(classes.filter(([, fields]) => fields.length > 0));
}

function fieldsOf(roles: readonly RoleDocument[]): readonly string[] {
  const fields = new Set<string>();
  for (const { documentFilters, insert, delete: erase } of roles) {
    for (const expression of [documentFilters.read, documentFilters.write, insert, erase]) {
      if (expression === undefined) continue;
      visitExpression(expression, (part) => {
        if (part.kind === "field") fields.add(part.name);
      });
    }
  }
  return [...fields].sort();
}
