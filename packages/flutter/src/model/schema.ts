/**
 * Classes of realms: their schemas, and from them the engine's declarations.
 *
 * @module
 */

import type { BacklinkDeclaration, ClassDeclaration, PropertyDeclaration } from "@tidemark/engine";
import { RealmError } from "../errors.js";
import { type ModelFields, type ModelKey, type Properties, Property, type PropertyDefinition } from "./property.js";

/**
 * What objects of a class are.
 *
 * @enum
 */
export const ObjectType = {
  /** They have a life of their own, and are found by their key. */
  realmObject: "realmObject",
  /** They live inside another object, and die with it. */
  embeddedObject: "embeddedObject",
  /** They are only sent: the server keeps them. */
  asymmetricObject: "asymmetricObject",
} as const;
export type ObjectType = (typeof ObjectType)[keyof typeof ObjectType];

/** A class, or the name of one, as links say where they lead. */
export type ModelReference = string | (() => ModelClass);

/** A class of an application, with its schema. */
export interface ModelClass {
  /** Makes an object that belongs to no realm yet. */
  new (...values: never[]): object;
  /** The schema. */
  readonly schema: SchemaObject;
}

/** The objects of a class: what the class declares, and the properties of its schema. */
export type ModelObject<C extends ModelClass> = C extends {
  /** The schema. */
  readonly schema: SchemaObject<infer P>;
}
  ? string extends keyof P
    ? InstanceType<C>
    : InstanceType<C> extends ModelFields<P>
      ? InstanceType<C>
      : InstanceType<C> & ModelFields<P>
  : InstanceType<C>;

/** The primary keys of a class. */
export type PrimaryKeyOf<C extends ModelClass> = C extends {
  /** The schema. */
  readonly schema: SchemaObject<infer P>;
}
  ? string extends keyof P
    ? unknown
    : ModelKey<P>
  : unknown;

/** The schema of a class. */
export interface SchemaObject<P extends Properties = Properties> extends Iterable<SchemaProperty> {
  /** Name in the file and on the wire. */
  readonly name: string;
  /** What its objects are. */
  readonly baseType: ObjectType;
  /** Its properties by their names in the application. */
  readonly properties: P;
  /** The property that is the primary key. */
  readonly primaryKey: SchemaProperty | null;
}

/** A property of a schema. */
export interface SchemaProperty extends PropertyDefinition {
  /** Name in the application. */
  readonly name: string;
}

/** A schema as given. */
class ObjectSchema<P extends Properties> implements SchemaObject<P> {
  readonly name: string;
  readonly baseType: ObjectType;
  readonly properties: P;
  readonly primaryKey: SchemaProperty | null;

  constructor(name: string, properties: P, baseType: ObjectType) {
    this.name = name;
    this.baseType = baseType;
    this.properties = properties;
    const [key, second] = [...this].filter(({ isPrimaryKey }) => isPrimaryKey);
    if (second !== undefined) throw new RealmError(`Class '${name}' has more than one primary key`);
    this.primaryKey = key ?? null;
  }

  *[Symbol.iterator](): Iterator<SchemaProperty> {
    for (const [name, property] of Object.entries(this.properties)) yield { name, ...property.definition };
  }
}

/** How a schema is made. */
export interface SchemaOptions {
  /** What its objects are; `realmObject` by default. */
  readonly baseType?: ObjectType;
}

/**
 * Makes the schema of a class.
 *
 * @param name in the file and on the wire.
 * @param properties by their names in the application.
 */
// The interface of the same name is what it makes, as a class of Dart would have both.
// oxlint-disable-next-line no-redeclare
export function SchemaObject<P extends Properties>(
  name: string,
  properties: P,
  { baseType = ObjectType.realmObject }: SchemaOptions = {},
): SchemaObject<P> {
  for (const [key, property] of Object.entries(properties)) {
    if (!(property instanceof Property)) throw new RealmError(`'${name}.${key}' is not a property: write string(), …`);
  }
  return new ObjectSchema(name, properties, baseType);
}

const classes = new WeakMap<SchemaObject, ModelClass>();

/** Notes which class of the application makes the objects of a schema. */
export function bindClass(schema: SchemaObject, type: ModelClass): void {
  if (!classes.has(schema)) classes.set(schema, type);
}

/** The application's class for a schema, if it has been seen. */
export function classOf(schema: SchemaObject): ModelClass | undefined {
  return classes.get(schema);
}

/** A class or schema as configurations take them. */
export type SchemaEntry = SchemaObject | ModelClass;

/** The schema of what a configuration was given. */
export function schemaOf(entry: SchemaEntry): SchemaObject {
  if (typeof entry !== "function") return entry;
  const { schema } = entry;
  if (schema === undefined) throw new RealmError(`Class '${entry.name}' has no static 'schema'`);
  bindClass(schema, entry);
  return schema;
}

/** The name of a class that a link leads to. */
export function nameOf(reference: ModelReference): string {
  return typeof reference === "string" ? reference : schemaOf(reference()).name;
}

const kinds = {
  realmObject: "top",
  embeddedObject: "embedded",
  asymmetricObject: "asymmetric",
} as const;

const typeOfKind = {
  top: ObjectType.realmObject,
  embedded: ObjectType.embeddedObject,
  asymmetric: ObjectType.asymmetricObject,
} as const;

/** The engine's declaration of a class. */
export function declarationOfSchema(schema: SchemaObject): ClassDeclaration {
  const all = [...schema];
  const { primaryKey } = schema;
  return {
    name: schema.name,
    kind: kinds[schema.baseType],
    ...(primaryKey === null ? {} : { primaryKey: primaryKey.mapTo ?? primaryKey.name }),
    properties: all.filter(({ backlink }) => backlink === undefined).map(declareProperty),
    backlinks: all.flatMap(declareBacklink),
  };
}

const engineIndexes = { regular: true, fullText: "full-text" } as const;

function declareProperty(property: SchemaProperty): PropertyDeclaration {
  const { name, mapTo, type, collection, isNullable, isPrimaryKey, indexed, target } = property;
  return {
    name: mapTo ?? name,
    publicName: name,
    type,
    collection,
    isNullable,
    isIndexed: isPrimaryKey || (indexed !== false && engineIndexes[indexed]),
    ...(target === undefined ? {} : { target: nameOf(target) }),
    ...(property.default === undefined ? {} : { default: property.default }),
  };
}

function declareBacklink({ name, backlink }: SchemaProperty): BacklinkDeclaration[] {
  if (backlink === undefined) return [];
  return [{ publicName: name, originClass: nameOf(backlink.target), originProperty: backlink.property }];
}

/** The schema of a class that only the file knows. */
export function schemaOfDeclaration(declaration: ClassDeclaration): SchemaObject {
  const properties = declaration.properties.map((one) => {
    const definition: PropertyDefinition = {
      type: one.type,
      collection: one.collection,
      isNullable: one.isNullable,
      isPrimaryKey: one.name === declaration.primaryKey,
      indexed: one.isIndexed === false ? false : "regular",
      ...(one.name === one.publicName ? {} : { mapTo: one.name }),
      ...(one.target === undefined ? {} : { target: one.target }),
    };
    return [one.publicName, new Property(definition)] as const;
  });
  return new ObjectSchema(declaration.name, Object.fromEntries(properties), typeOfKind[declaration.kind]);
}

/** The classes of a realm. */
export class RealmSchema implements Iterable<SchemaObject> {
  readonly #schemas: readonly SchemaObject[];

  /** @internal */
  constructor(schemas: readonly SchemaObject[]) {
    this.#schemas = schemas;
  }

  /** How many classes there are. */
  get length(): number {
    return this.#schemas.length;
  }

  /** The schema of a class by its name, `null` if the realm does not have it. */
  find(name: string): SchemaObject | null {
    return this.#schemas.find((schema) => schema.name === name) ?? null;
  }

  /** The schemas of the classes. */
  [Symbol.iterator](): Iterator<SchemaObject> {
    return this.#schemas[Symbol.iterator]();
  }
}
