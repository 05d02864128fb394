/**
 * The classes that clients under fire write, and the marks by which foreign data is known.
 *
 * **Invariant**: every text in an object begins with the object's mark, which names its class, group and owner, and
 * nothing else contains one. So whoever finds a mark knows whose object it came from, in a file or on the wire.
 *
 * @module
 */

import type { ClassDeclaration, PropertyDeclaration } from "@tidemark/engine";

function property(
  name: string,
  type: PropertyDeclaration["type"],
  change: Partial<PropertyDeclaration> = {},
): PropertyDeclaration {
  return { name, publicName: name, type, collection: "single", isNullable: false, isIndexed: false, ...change };
}

function topClass(name: ClassName, ...properties: readonly PropertyDeclaration[]): ClassDeclaration {
  return {
    name,
    kind: "top",
    primaryKey: "_id",
    properties: [property("_id", "string"), ...properties],
    backlinks: [],
  };
}

/** The classes. */
export type ClassName = "Event" | "Tally" | "Note" | "Private";

export const classNames: readonly ClassName[] = ["Event", "Tally", "Note", "Private"];

const owner = property("owner", "string");
const group = property("group", "int");

export const classes: readonly ClassDeclaration[] = [
  /** A log of each writer that only grows: what is missing in the end was lost. */
  topClass("Event", owner, group, property("n", "int"), property("text", "string")),
  /** One of each group, never deleted: what was integrated twice counts double. */
  topClass("Tally", owner, group, property("sum", "int"), property("log", "string", { collection: "list" })),
  /** Everybody in the group edits, links and deletes these. */
  topClass(
    "Note",
    owner,
    group,
    property("number", "int"),
    property("title", "string"),
    property("text", "string", { isNullable: true }),
    property("count", "int"),
    property("tags", "string", { collection: "list" }),
    property("attributes", "string", { collection: "dictionary" }),
    property("next", "link", { isNullable: true, target: "Note" }),
    property("related", "link", { collection: "list", target: "Note" }),
  ),
  /** Seen by nobody but its owner. */
  topClass("Private", owner, property("text", "string"), property("count", "int")),
];

/** Numbers of notes are below this. */
export const numbersMax = 1000;
/** The group of objects that no subscription ever selects: writing one is compensated. */
export const nobodysGroup = -1;

/** Whose an object is. */
export interface Belonging {
  readonly className: ClassName;
  /** 0 for classes without groups. */
  readonly group: number;
  readonly owner: string;
}

/** What every text of an object begins with. */
export function markOf({ className, group: number, owner: user }: Belonging): string {
  return `~${className}.${number}.${user}~`;
}

const markPattern = /~(Event|Tally|Note|Private)\.(-?\d+)\.([0-9a-f]{24}|all)~/g;

/** Whose objects a text holds parts of. */
export function belongingsIn(text: string): Belonging[] {
  const found = new Map<string, Belonging>();
  for (const [mark, className, number, user] of text.matchAll(markPattern)) {
    found.set(mark, { className: className as ClassName, group: Number(number), owner: user ?? "" });
  }
  return [...found.values()];
}

/** The owner of what no subscription ever selects. */
export const nobody: string = "0".repeat(24);
/** The owner of what belongs to a group. */
export const everybody = "all";
