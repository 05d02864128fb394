/**
 * Paths of properties as the query language takes them.
 *
 * @module
 */

/** Names that the language reads as something else at the beginning of a path. */
const reserved: ReadonlySet<string> = new Set(
  (
    "any some all none and or not true false null nil inf infinity nan truepredicate falsepredicate " +
    "subquery obj geowithin geobox geopolygon geocircle"
  ).split(" "),
);

/** How a link to an object is written. */
const linkName = /^O\d+$/;

const plainName = /^[a-z_][a-z0-9_]*$/i;

function isFree(name: string): boolean {
  return plainName.test(name) && !linkName.test(name) && !reserved.has(name.toLowerCase());
}

/** Whether a path can be written as it is. An order can be by no other: there an argument cannot stand for it. */
export function isPlainPath(path: string): boolean {
  return path.split(".").every((name) => isFree(name));
}

/**
 * A path, or the argument that stands for it where a name in it could be read as something else.
 *
 * @param values arguments of the query, to which the path is added if it must be one.
 */
export function pathText(path: string, values: unknown[]): string {
  if (isPlainPath(path)) return path;
  values.push(path);
  return `$K${values.length - 1}`;
}
