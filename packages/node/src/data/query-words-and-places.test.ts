/** Queries for words of a full-text property, and for points within a shape. */

import { expect, test } from "vitest";
import type { ObjectSchema } from "../schema/types.js";
import { useFolder } from "../testing/folder.js";

const schema: ObjectSchema[] = [
  {
    name: "GeoPoint",
    embedded: true,
    properties: { type: "string", coordinates: "double[]" },
  },
  {
    name: "Place",
    primaryKey: "_id",
    properties: {
      _id: "int",
      about: { type: "string", mapTo: "text", indexed: "full-text" },
      plain: "string?",
      location: "GeoPoint",
    },
  },
];

const folder = useFolder();

test("words of a full-text property and points within shapes are found", () => {
  const realm = folder.open(schema);
  const point = (longitude: number, latitude: number) => ({ type: "Point", coordinates: [longitude, latitude] });
  realm.write(() => {
    realm.create("Place", { _id: 1, about: "The old café, by the river", location: point(12.57, 55.68) });
    realm.create("Place", { _id: 2, about: "A new cafe", location: point(-0.5, 51.5) });
    realm.create("Place", { _id: 3, about: "River walk", location: null });
  });
  const find = (query: string, ...values: unknown[]) =>
    realm
      .objects("Place")
      .filtered(query, ...values)
      .map((place) => place["_id"] as unknown);
  expect(find("about TEXT $0", "CAFÉ")).toEqual([1, 2]);
  expect(find("about TEXT 'riv* -cafe'")).toEqual([3]);
  expect(() => find("plain TEXT 'river'")).toThrow("Column has no fulltext index");
  expect(() => find("about TEXT ''")).toThrow("Missing search token");
  expect(find("location GEOWITHIN geoCircle([12.5, 55.7], 0.001)")).toEqual([1]);
  expect(find("location GEOWITHIN $0", "geoPolygon({[-2.0, 50], [2, 50], [2, 53], [-2.0, 53], [-2.0, 50]})")).toEqual([
    2,
  ]);
  expect(() => find("about GEOWITHIN geoCircle([0, 0], 1)")).toThrow("must be a link to geoJSON formatted data");
});
