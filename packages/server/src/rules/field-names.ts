/**
 * Names of fields that predicates can use.
 *
 * @module
 */

/** Words that no queryable field may be called, in any mix of case. */
const reservedInAnyCase: ReadonlySet<string> = new Set(
  (
    "and asc ascending beginswith between contains desc descending distinct endswith falsepredicate inf infinity like " +
    "limit nan nil null or sort subquery truepredicate"
  ).split(" "),
);

/** Words that no queryable field may be called, spelled exactly so. */
const reserved: ReadonlySet<string> = new Set(
  "ALL ANY B64 FALSE IN NONE NOT SOME TRUE all any false in none not oid some true uuid".split(" "),
);

/** Further words that Realm Query Language reads as something else than a name, in any mix of case. */
const unwritableInAnyCase: ReadonlySet<string> = new Set("obj geowithin geobox geopolygon geocircle".split(" "));
/** Names that read as an internal key or as an argument. */
const unwritable = /^(O\d+|\$K?\d+)$/;
const identifier = /^[A-Za-z_$\u{80}-\u{d7ff}\u{e000}-\u{10ffff}][\w$\- \t\n\r\u{80}-\u{d7ff}\u{e000}-\u{10ffff}]*$/u;

/** Whether a name is one of those that App Services reserves: a queryable field cannot have it. */
export function isReservedFieldName(name: string): boolean {
  return reserved.has(name) || reservedInAnyCase.has(name.toLowerCase());
}

/** A field as Realm Query Language writes it; `null` for names that it cannot. */
export function fieldText(name: string): string | null {
  if (isReservedFieldName(name) || unwritableInAnyCase.has(name.toLowerCase())) return null;
  if (unwritable.test(name) || !identifier.test(name)) return null;
  return name.replace(/[ \t\n\r]/g, (space) => `\\${escapes[space] ?? " "}`);
}

const escapes: Readonly<Record<string, string>> = { "\t": "t", "\n": "n", "\r": "r" };
