/**
 * Paths of typed queries, looked up in the classes of a file.
 *
 * @module
 */

import type { ClassLayout, Database } from "@tidemark/engine";
import { invalid_argument } from "../errors.js";
import type { Describe, Place } from "./expression.js";

const kinds = { single: "value", list: "collection", set: "collection", dictionary: "map" } as const;

/** @internal How a class's names are looked up. */
export function describing(database: Database, layout: ClassLayout): Describe {
  return (names) => {
    let at: ClassLayout | undefined = layout;
    let kind: Place["kind"] = "value";
    const texts: string[] = [];
    for (const name of names) {
      const found: Step = stepOf(at, name);
      kind = found.kind;
      texts.push(found.text);
      at = found.target === undefined ? undefined : database.storedLayout(found.target);
    }
    return { kind, path: texts.join(".") };
  };
}

interface Step {
  readonly kind: Place["kind"];
  readonly text: string;
  readonly target: string | undefined;
}

function stepOf(layout: ClassLayout | undefined, name: string): Step {
  const column = layout?.columnByPublicName(name);
  if (column !== undefined) {
    const isLink = column.type === "link" && column.collection === "single";
    return { kind: isLink ? "link" : kinds[column.collection], text: column.name, target: column.target };
  }
  const backlink = layout?.declaration.backlinks.find(({ publicName }) => publicName === name);
  if (backlink !== undefined) {
    const { originClass, originProperty } = backlink;
    return { kind: "collection", text: `@links.${originClass}.${originProperty}`, target: originClass };
  }
  throw new invalid_argument("InvalidQuery", `'${layout?.name ?? ""}' has no property '${name}'.`);
}
