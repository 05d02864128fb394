/**
 * What the two devices do while they are offline: the same cities and other ones, in ways that conflict.
 *
 * Every edit looks first whether it was already made, so that a device that was killed half-way repeats nothing.
 *
 * @module
 */
import type { Realm } from "@tidemark/node";
import type { City } from "./cities.js";

/** Which of the two editing devices. */
export type Editor = "A" | "B";

/** Keys of new cities start here: far above the positions of the data set. */
const newKeys: Readonly<Record<Editor | "shared", number>> = { A: 1_000_000, B: 2_000_000, shared: 3_000_000 };

/** Number of cities in each kind of edit. */
const groupSize = 20;

/** Cities that both devices see, cut into groups: one for each kind of conflict. */
function groups(keys: readonly number[]): (group: number) => readonly number[] {
  return (group) => keys.slice(group * groupSize, (group + 1) * groupSize);
}

/** Writes to those of the cities that are still there. */
function each(realm: Realm, keys: readonly number[], change: (city: City) => void): void {
  realm.write(() => {
    for (const key of keys) {
      const city = realm.objectForPrimaryKey<City>("City", key);
      if (city) change(city);
    }
  });
}

/** Adds a tag once, at the front or at the end. */
function tag(city: City, text: string, where: "front" | "end"): void {
  if (city.tags.includes(text)) return;
  if (where === "front") city.tags.unshift(text);
  else city.tags.push(text);
}

/** Links cities to others, at the end of their lists. */
function link(realm: Realm, keys: readonly number[], targets: readonly number[]): void {
  realm.write(() => {
    keys.forEach((key, position) => {
      const [city, target] = [key, targets[position] ?? -1].map((one) => realm.objectForPrimaryKey<City>("City", one));
      if (!city || !target) return;
      if (city.neighbours.every((neighbour) => neighbour._id !== target._id)) city.neighbours.push(target);
    });
  });
}

/** Creates cities that do not exist yet. */
function create(realm: Realm, firstKey: number, country: string, label: string): void {
  realm.write(() => {
    for (let i = 0; i < groupSize; i += 1) {
      if (realm.objectForPrimaryKey("City", firstKey + i)) continue;
      realm.create("City", {
        _id: firstKey + i,
        name: `${label} ${i}`,
        country,
        lat: i,
        lng: -i,
        tags: [label],
        neighbours: [],
      });
    }
  });
}

/** Erases those of the cities that are still there. */
function erase(realm: Realm, keys: readonly number[]): void {
  realm.write(() => {
    for (const key of keys) {
      const city = realm.objectForPrimaryKey("City", key);
      if (city) realm.delete(city);
    }
  });
}

/**
 * Makes one device's offline edits.
 *
 * @param keys keys of the cities of `country` in ascending order, as both devices know them.
 * @param otherKeys keys of cities elsewhere, which only device A sees.
 */
export function makeEdits(
  realm: Realm,
  editor: Editor,
  country: string,
  keys: readonly number[],
  otherKeys: readonly number[],
): void {
  const group = groups(keys);
  const label = `edited by ${editor}`;
  // Both rename the same cities: the later rename wins everywhere.
  each(realm, group(0), (city) => {
    if (!city.name.endsWith(`(${editor})`)) city.name = `${city.name} (${editor})`;
  });
  // Both put tags on the same cities: both tags stay, in one order.
  each(realm, group(1), (city) => tag(city, label, editor === "A" ? "front" : "end"));
  create(realm, newKeys[editor], country, `New from ${editor}`);
  create(realm, newKeys.shared, country, "New from both");
  // Both link the same cities to others; A erases what B links to, whose slots stay, hidden.
  link(realm, group(6), group(editor === "A" ? 7 : 2));
  // Each erases cities that the other edits: the erasure wins.
  erase(realm, group(editor === "A" ? 2 : 3));
  each(realm, group(editor === "A" ? 3 : 2), (city) => tag(city, label, "end"));
  if (editor === "B") {
    each(realm, [...group(4), ...group(5)], (city) => tag(city, "kept while away", "end"));
    return;
  }
  moveOutAndBack(realm, country, group(4), group(5));
  each(realm, otherKeys, (city) => tag(city, label, "end"));
}

/** A moves cities out of B's view, and some of them back, while B has edits of them pending. */
function moveOutAndBack(realm: Realm, country: string, returning: readonly number[], staying: readonly number[]): void {
  const away = "XX";
  each(realm, [...returning, ...staying], (city) => {
    if (city.country === country) city.country = away;
    tag(city, "moved by A", "front");
  });
  each(realm, returning, (city) => {
    city.country = country;
  });
}
