/**
 * Properties whose names mean something else in the query language, and queries over what a dictionary leads to.
 */
import { expect, test } from "vitest";
import { IllegalArgumentException } from "../errors.js";
import type { Realm } from "../realm.js";
import { any, backlinks, dictionary, instant, int, list, nullable, object, primaryKey } from "../schema/property.js";
import { useFolder } from "../testing/folder.js";
import { RealmAny } from "./any.js";
import { RealmInstant } from "./instant.js";
import { realmObject } from "./object.js";

class Row extends realmObject("Row", {
  id: primaryKey(int()),
  any: any(),
  all: nullable(int()),
  none: nullable(instant()),
  not: object<Row>("Row"),
  some: list<Row>("Row"),
  or: dictionary<Row>("Row"),
  scores: dictionary(int()),
  linked: backlinks<Row>("Row", "not"),
  listed: backlinks<Row>("Row", "some"),
}) {}

const folder = useFolder();

function filled(): Realm {
  const realm = folder.open(Row);
  realm.writeBlocking((tx) => {
    const rows = [1, 2, 3].map((id) =>
      tx.copyToRealm(
        new Row().apply((row) =>
          Object.assign(row, { id, any: RealmAny.create(10 - id), all: id % 2, none: RealmInstant.from(100 - id, 0) }),
        ),
      ),
    );
    const [one, two, three] = rows;
    if (one === undefined || two === undefined || three === undefined) throw new Error("they were made");
    one.not = two;
    three.not = one;
    one.some.addAll([two, three]);
    one.or.putAll([
      ["a", three],
      ["b", null],
      ["c", two],
    ]);
  });
  return realm;
}

test("aggregates and links of properties named as the language's words", () => {
  const realm = filled();
  const all = realm.query(Row);
  expect([all.min("any").find()?.asInt(), all.max("any").find()?.asInt(), String(all.sum("any").find())]).toEqual([
    7,
    9,
    "24",
  ]);
  expect([all.max("none").find()?.epochSeconds, all.min("all").find(), all.sum("all").find()]).toEqual([99, 0, 2]);
  const two = realm.query(Row, "id == 2").find().first();
  expect([[...two.linked].map(({ id }) => id), [...two.listed].map(({ id }) => id)]).toEqual([[1], [1]]);
});

test("a path that is an argument follows what changes behind it", async () => {
  const realm = filled();
  const told: number[] = [];
  const following = realm
    .query(Row, "$K0 > $1", "not.all", 5)
    .asFlow()
    .collect(({ list: rows }) => void told.push(rows.size));
  await expect.poll(() => told).toEqual([0]);
  realm.writeBlocking((tx) => {
    tx.query(Row, "id == 1").find().first().all = 6;
  });
  await expect.poll(() => told).toEqual([0, 1]);
  realm.close();
  await following;
});

test("the objects of a dictionary are queried", () => {
  const realm = filled();
  const one = realm.query(Row, "id == 1").find().first();
  expect([...one.or.query().find()].map(({ id }) => id)).toEqual([3, 2]);
  expect(one.or.query("id > $0", 2).count().find()).toBe(1);
  expect(() => one.scores.query()).toThrow("Only lists, sets and dictionaries of objects can be queried");
  expect(() => new Row().or.query()).toThrow(IllegalArgumentException);
});
