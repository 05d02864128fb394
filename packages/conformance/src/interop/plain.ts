/**
 * Objects of both clients in one plain form, so that they can be compared.
 *
 * @module
 */

import { Counter, Dictionary, Object as RealmObject, Realm, Set as RealmSet } from "@tidemark/node";

/** Text that sorts values of sets: their order is the database's business. */
function sorted(values: readonly unknown[]): unknown[] {
  return [...values].sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}

function byKey(entries: Iterable<[string, unknown]>): Record<string, unknown> {
  return Object.fromEntries([...entries].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** A value of the node facade as the real client writes it. */
export function plainOfNode(value: unknown, depth = 0): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Realm.BSON.ObjectId) return { $oid: value.toHexString() };
  if (value instanceof Realm.BSON.UUID) return { $uuid: value.toHexString() };
  if (value instanceof Realm.BSON.Decimal128) return { $numberDecimal: value.toString() };
  if (value instanceof Date) return { $date: value.getTime() };
  if (value instanceof ArrayBuffer) return { $binary: Buffer.from(value).toString("base64") };
  if (value instanceof Counter) return value.value;
  if (value instanceof RealmSet) return sorted([...value].map((item) => plainOfNode(item, depth + 1)));
  if (value instanceof Dictionary) {
    return byKey(Object.entries(value).map(([key, item]) => [key, plainOfNode(item, depth + 1)]));
  }
  if (value instanceof Realm.Collection) return [...value].map((item) => plainOfNode(item, depth + 1));
  if (value instanceof RealmObject) return plainObject(value, depth);
  throw new TypeError(`no plain form of ${Object.prototype.toString.call(value)}`);
}

function plainObject(value: RealmObject, depth: number): unknown {
  const { name, embedded, properties } = value.objectSchema();
  const fields = value as unknown as Readonly<Record<string, unknown>>;
  if (embedded !== true && depth > 0) return { $link: { class: name, _id: plainOfNode(fields["_id"], depth + 1) } };
  return byKey(Object.keys(properties).map((key) => [key, plainOfNode(fields[key], depth + 1)]));
}

/** A reply of the real client with what the node facade cannot tell apart left out, and fields in order. */
export function plainOfKotlin(value: unknown, fieldName = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => plainOfKotlin(item));
    return fieldName === "labels" ? sorted(items) : items;
  }
  if (value === null || typeof value !== "object") return value;
  const { $float, $double } = value as { readonly $float?: number; readonly $double?: number };
  if ($float !== undefined) return $float;
  if ($double !== undefined) return $double;
  return byKey(Object.entries(value).map(([key, item]) => [key, plainOfKotlin(item, key)]));
}
