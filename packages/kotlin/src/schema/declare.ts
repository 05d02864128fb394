/**
 * From models to the engine's declarations.
 *
 * @module
 */

import type { BacklinkDeclaration, ClassDeclaration, PropertyDeclaration } from "@tidemark/engine";
import { AsymmetricRealmObject, EmbeddedRealmObject } from "../data/object.js";
import { IllegalArgumentException } from "../errors.js";
import type { ModelClass } from "./model.js";
import type { PropertyDefinition, Target } from "./property.js";

/** Name of the model that a property refers to. */
export function targetName(target: Target<unknown> | undefined): string {
  if (typeof target === "string") return target;
  const model = target?.() as Partial<ModelClass> | undefined;
  if (model?.schema === undefined) throw new IllegalArgumentException("A property refers to a class that is no model");
  return model.schema.name;
}

function kindOf(model: ModelClass): ClassDeclaration["kind"] {
  if (model.prototype instanceof EmbeddedRealmObject) return "embedded";
  return model.prototype instanceof AsymmetricRealmObject ? "asymmetric" : "top";
}

function declareProperty(publicName: string, definition: PropertyDefinition): PropertyDeclaration {
  const { persistedName, type, collection, isNullable, isIndexed, isCounter, target } = definition;
  return {
    name: persistedName ?? publicName,
    publicName,
    type,
    collection,
    isNullable,
    isIndexed,
    ...(target === undefined ? {} : { target: targetName(target) }),
    ...(isCounter ? { isCounter: true } : {}),
  };
}

function declareBacklink(publicName: string, { target, origin }: PropertyDefinition): BacklinkDeclaration {
  return { publicName, originClass: targetName(target), originProperty: origin ?? "" };
}

/** The engine's declaration of a model. */
export function declareModel(model: ModelClass): ClassDeclaration {
  const { name, properties } = model.schema;
  const all = Object.entries(properties).map(([publicName, { definition }]) => [publicName, definition] as const);
  const keys = all.filter(([, { isPrimaryKey }]) => isPrimaryKey);
  if (keys.length > 1) throw new IllegalArgumentException(`Class ${name} has more than one primary key`);
  const [key] = keys;
  return {
    name,
    kind: kindOf(model),
    ...(key === undefined ? {} : { primaryKey: key[1].persistedName ?? key[0] }),
    properties: all.filter(([, { kind }]) => kind === "stored").map((one) => declareProperty(...one)),
    backlinks: all.filter(([, { kind }]) => kind === "backlinks").map((one) => declareBacklink(...one)),
  };
}
