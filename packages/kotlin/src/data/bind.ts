/**
 * From handles of the engine to objects of models: a property of an object reads and writes a column.
 *
 * @module
 */

import {
  bindingKey,
  type ClassLayout,
  type Column,
  type EmbeddedHandle,
  Dictionary,
  handleKey,
  isNested,
  List,
  ObjectHandle,
} from "@tidemark/engine";
import { type Binding, type BoundModel, requireUsable, requireWritable, wrappers } from "../binding.js";
import { call, IllegalArgumentException } from "../errors.js";
import type { ModelClass } from "../schema/model.js";
import { targetName } from "../schema/declare.js";
import type { PropertyDefinition } from "../schema/property.js";
import { type AnyValue, RealmAny } from "./any.js";
import { MutableRealmInt, StoredCounter } from "./counter.js";
import { Importer } from "./importer.js";
import { RealmObject } from "./object.js";

interface Stored {
  readonly [handleKey]: ObjectHandle | EmbeddedHandle;
  readonly [bindingKey]: Binding;
}

/** A value of the engine as the application sees it. */
export function toPublic(binding: Binding, column: Column, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return isInMixed(column, value) ? RealmAny.create(binding.wrap(value) as AnyValue) : binding.wrap(value);
}

/** Whether a handle stands for what a mixed value holds. */
function isInMixed(column: Column, value: object): boolean {
  if (column.type !== "mixed") return false;
  return value instanceof List || value instanceof Dictionary ? isNested(value) : value instanceof ObjectHandle;
}

/** Finds a column by its name in the application; remembers the last layout, which is that of the next object too. */
function columnFinder(publicName: string): (layout: ClassLayout) => Column {
  let known: ClassLayout | undefined;
  let found: Column | undefined;
  return (layout) => {
    if (layout !== known || found === undefined) {
      known = layout;
      found = layout.columnByPublicName(publicName);
      if (found === undefined) {
        throw new IllegalArgumentException(`Property '${publicName}' does not exist on '${layout.name}'`);
      }
    }
    return found;
  };
}

function storedProperty(publicName: string): PropertyDescriptor {
  const columnOf = columnFinder(publicName);
  return {
    enumerable: true,
    configurable: true,
    get(this: Stored) {
      const { [handleKey]: handle, [bindingKey]: binding } = this;
      requireUsable(binding);
      const column = columnOf(handle.layout);
      return toPublic(
        binding,
        column,
        call(() => handle.get(column)),
      );
    },
    set(this: Stored, value: unknown) {
      const { [handleKey]: handle, [bindingKey]: binding } = this;
      requireWritable(binding);
      const column = columnOf(handle.layout);
      call(() => handle.set(column, new Importer(binding).value(column, value)));
    },
  };
}

function counterProperty(publicName: string): PropertyDescriptor {
  const columnOf = columnFinder(publicName);
  return {
    enumerable: true,
    configurable: true,
    get(this: Stored) {
      const { [handleKey]: handle, [bindingKey]: binding } = this;
      requireUsable(binding);
      const column = columnOf(handle.layout);
      const value = call(() => handle.get(column));
      if (value === null || !(handle instanceof ObjectHandle)) return null;
      return new MutableRealmInt(new StoredCounter(handle, column, () => requireWritable(binding)));
    },
    set(this: Stored, value: MutableRealmInt | null) {
      const { [handleKey]: handle, [bindingKey]: binding } = this;
      requireWritable(binding);
      call(() => handle.set(columnOf(handle.layout), value === null ? null : value.get()));
    },
  };
}

function backlinksProperty({ target, origin }: PropertyDefinition): PropertyDescriptor {
  return {
    enumerable: false,
    configurable: true,
    get(this: Stored) {
      const { [handleKey]: handle, [bindingKey]: binding } = this;
      requireUsable(binding);
      const layout = binding.file.database.layout(targetName(target));
      const column = layout?.columnByPublicName(origin ?? "");
      if (layout === undefined || column === undefined || column.target !== handle.layout.name) {
        const place = `${targetName(target)}.${origin ?? ""}`;
        throw new IllegalArgumentException(`'${place}' is not a link to '${handle.layout.name}'`);
      }
      return call(() => binding.linking(layout, column, handle));
    },
  };
}

function descriptorOf(publicName: string, definition: PropertyDefinition): PropertyDescriptor {
  if (definition.kind === "backlinks") return backlinksProperty(definition);
  return definition.isCounter ? counterProperty(publicName) : storedProperty(publicName);
}

const known = new WeakMap<ModelClass, Omit<BoundModel, "layout">>();

/** The prototype of a model's stored objects; the same for all realms and versions. */
function prototypeOf(model: ModelClass): Omit<BoundModel, "layout"> {
  const before = known.get(model);
  if (before !== undefined) return before;
  const prototype = Object.create(model.prototype as object) as object;
  const ignored: [string, () => unknown][] = [];
  for (const [name, { definition }] of Object.entries(model.schema.properties)) {
    if (definition.kind === "ignored") ignored.push([name, definition.makeDefault]);
    else Object.defineProperty(prototype, name, descriptorOf(name, definition));
  }
  const made = { prototype, ignored };
  known.set(model, made);
  return made;
}

/** A class of a realm, of a model or, for classes that only other devices declare, without one. */
export function bindModel(layout: ClassLayout, model: ModelClass | undefined): BoundModel {
  if (model !== undefined) return { layout, ...prototypeOf(model) };
  const prototype = Object.create(RealmObject.prototype) as object;
  const columns = layout.primaryKey === undefined ? layout.columns : [layout.primaryKey, ...layout.columns];
  for (const { publicName } of columns) Object.defineProperty(prototype, publicName, storedProperty(publicName));
  return { layout, prototype, ignored: [] };
}

wrappers.object = (binding, handle) => {
  const { prototype, ignored } = binding.classOf(handle.layout);
  const object = Object.create(prototype) as RealmObject & Record<string, unknown>;
  object[handleKey] = handle;
  object[bindingKey] = binding;
  for (const [name, makeDefault] of ignored) object[name] = makeDefault();
  return object;
};
