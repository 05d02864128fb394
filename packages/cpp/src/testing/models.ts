/**
 * Classes of the tests, with structs that are written down: as applications do whose classes link to each other.
 *
 * @module
 */

import type { Decimal128, ObjectId, UUID } from "@tidemark/engine/bson";
import { type asymmetric_model, asymmetric_schema, embedded_schema, type model_of, schema } from "../schema/model.js";
import * as types from "../schema/types.js";

/** Lives in people. */
export interface Address {
  street: string;
  zip: types.int64_value | undefined;
}
export const Address: model_of<Address> = embedded_schema("Address", {
  street: types.string,
  zip: types.optional(types.int64),
});

export interface Person {
  _id: ObjectId;
  name: string;
  address: types.pointer<Address>;
  readonly dogs?: types.linking<Dog>;
}
export const Person: model_of<Person, "_id"> = schema("Person", {
  _id: types.primary_key(types.object_id),
  name: types.string,
  address: types.link(Address),
  dogs: types.linking_objects<Dog>("Dog", "owner"),
});

type DogLink = Exclude<types.pointer<Dog>, null>;

export interface Dog {
  _id: types.int64_value;
  name: string;
  age: types.int64_value | undefined;
  owner: types.pointer<Person>;
  friend_: types.pointer<Dog>;
  pack: DogLink[];
  tags: string[];
  toys: ReadonlySet<string>;
  marks: ReadonlyMap<string, types.mixed_value>;
}
export const Dog: model_of<Dog, "_id"> = schema("Dog", {
  _id: types.primary_key(types.int64),
  name: types.string,
  age: types.optional(types.int64),
  owner: types.link(Person),
  friend_: types.link<Dog>("Dog"),
  pack: types.vector(types.link<Dog>("Dog")),
  tags: types.vector(types.string),
  toys: types.set(types.string),
  marks: types.map(types.mixed),
});

/** A property of every type. */
export interface AllTypes {
  _id: UUID;
  int_col: types.int64_value;
  double_col: number;
  float_col: number;
  bool_col: boolean;
  str_col: string;
  enum_col: 1 | 2;
  date_col: Date;
  binary_col: Uint8Array;
  object_id_col: ObjectId;
  decimal_col: Decimal128;
  mixed_col: types.mixed_value;
  opt_int_col: types.int64_value | undefined;
  opt_str_col: string | undefined;
}
export const AllTypes: model_of<AllTypes, "_id"> = schema("AllTypes", {
  _id: types.primary_key(types.uuid),
  int_col: types.int64,
  double_col: types.double,
  float_col: types.float,
  bool_col: types.bool,
  str_col: types.with_default(types.string, "unset"),
  enum_col: types.enumeration<1 | 2>(1),
  date_col: types.time_point,
  binary_col: types.binary,
  object_id_col: types.object_id,
  decimal_col: types.decimal128,
  mixed_col: types.mixed,
  opt_int_col: types.optional(types.int64),
  opt_str_col: types.optional(types.string),
});

/** Only sent. */
export interface Reading {
  _id: ObjectId;
  value: number;
}
export const Reading: asymmetric_model<Reading, Reading> = asymmetric_schema("Reading", {
  _id: types.primary_key(types.object_id),
  value: types.double,
});
