/**
 * Names of fields that predicates can use.
 *
 * @module
 */

import { isReservedFieldName } from "../schema/queryable-fields.js";

/** Further words that Realm Query Language reads as something else than a name, in any mix of case. */
const unwritableInAnyCase: ReadonlySet<string> = new Set("obj geowithin geobox geopolygon geocircle".split(" "));
/** Names that read as an internal key or as an argument. */
const unwritable = /^(O\d+|\$K?\d+)$/;
const identifier = /^[A-Za-z_$\u{80}-\u{d7ff}\u{e000}-\u{10ffff}][\w$\- \t\n\r\u{80}-\u{d7ff}\u{e000}-\u{10ffff}]*$/u;

/** A field as Realm Query Language writes it; `null` for names that it cannot. */
export function fieldText(name: string): string | null {
  if (isReservedFieldName(name) || unwritableInAnyCase.has(name.toLowerCase())) return null;
  if (unwritable.test(name) || !identifier.test(name)) return null;
  return name.replace(/[ \t\n\r]/g, (space) => `\\${escapes[space] ?? " "}`);
}

const escapes: Readonly<Record<string, string>> = { "\t": "t", "\n": "n", "\r": "r" };
