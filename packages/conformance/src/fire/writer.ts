/**
 * Random transactions of one device.
 *
 * @module
 */

import {
  type ClassLayout,
  createObject,
  type Database,
  type Dictionary,
  findObject,
  type List,
  type ObjectHandle,
  Results,
} from "@tidemark/engine";
import type { Dice } from "../harness/dice.js";
import { type ClassName, everybody, markOf, nobodysGroup, nobody, numbersMax } from "./schema.js";

/** Lists and dictionaries are kept short, so that an hour of edits does not become a test of long lists alone. */
const elementsMax = 12;
/** Notes of one device. */
const notesMax = 8;
/** Entries of a tally's log that one device adds in all. */
const logEntriesMax = 60;

/** What a device must find again in the end. */
export interface Ledger {
  /** Events written: their numbers are 0 to below this. */
  events: number;
  /** Added to the tally of the group. */
  sum: number;
  /** Put into the log of the group's tally. */
  readonly logged: string[];
  /** Counted in the device's private object. */
  privateCount: number;
  /** Keys of objects that no subscription selects: each must be compensated. */
  readonly outside: Set<string>;
}

/** Whose device it is. */
export interface Writing {
  /** Tells devices of one user apart. */
  readonly device: number;
  readonly owner: string;
  readonly homeGroup: number;
}

/** Name of a group's tally. */
export function tallyKey(group: number): string {
  return `tally ${group}`;
}

/** Name of a device's private object. */
export function privateKey({ owner, device }: Writing): string {
  return `private ${owner} ${device}`;
}

/** Name of one of a device's events. */
export function eventKey({ owner, device }: Writing, n: number): string {
  return `event ${owner} ${device} ${n}`;
}

/** Writes at random. */
export class Writer {
  readonly ledger: Ledger = { events: 0, sum: 0, logged: [], privateCount: 0, outside: new Set() };
  readonly #writing: Writing;
  readonly #dice: Dice;
  #marks = 0;
  #notesMade = 0;

  constructor(writing: Writing, dice: Dice) {
    this.#writing = writing;
    this.#dice = dice;
  }

  /** Makes what is there once: the group's tally, if this device is the one to make it. */
  prepare(database: Database, makesTally: boolean): void {
    const { homeGroup, owner } = this.#writing;
    database.beginWrite();
    if (makesTally) {
      const values = { _id: tallyKey(homeGroup), owner: everybody, group: homeGroup, sum: 0, log: [] };
      createObject(database, layoutOf(database, "Tally"), values, "never");
    }
    const text = `${markOf({ className: "Private", group: 0, owner })} secret`;
    const values = { _id: privateKey(this.#writing), owner, text, count: 0 };
    createObject(database, layoutOf(database, "Private"), values, "never");
    database.commitWrite();
  }

  /** One transaction. What it adds to the ledger counts once it is committed. */
  write(database: Database): void {
    database.beginWrite();
    const done: (() => void)[] = [this.#event(database)];
    if (this.#dice.below(3) === 0) done.push(this.#tally(database));
    if (this.#dice.below(5) === 0) done.push(this.#private(database));
    if (this.#dice.below(25) === 0) done.push(this.#outside(database));
    for (let count = this.#dice.below(4); count > 0; count -= 1) this.#note(database);
    database.commitWrite();
    for (const note of done) note();
  }

  #fresh(): string {
    this.#marks += 1;
    return `${this.#writing.device}.${this.#marks}`;
  }

  #event(database: Database): () => void {
    const { owner, homeGroup } = this.#writing;
    const n = this.ledger.events;
    const text = `${markOf({ className: "Event", group: homeGroup, owner })} ${n}`;
    const values = { _id: eventKey(this.#writing, n), owner, group: homeGroup, n, text };
    createObject(database, layoutOf(database, "Event"), values, "never");
    return () => (this.ledger.events += 1);
  }

  #tally(database: Database): () => void {
    const { homeGroup } = this.#writing;
    const layout = layoutOf(database, "Tally");
    const tally = findObject(database, layout, tallyKey(homeGroup));
    if (tally === undefined) return () => undefined;
    const amount = 1 + this.#dice.below(9);
    tally.add(columnOf(layout, "sum"), amount);
    if (this.ledger.logged.length >= logEntriesMax) return () => (this.ledger.sum += amount);
    const mark = markOf({ className: "Tally", group: homeGroup, owner: everybody });
    const entry = `${mark} ${this.#fresh()}`;
    const log = tally.get(columnOf(layout, "log")) as List;
    log.insert(this.#dice.below(log.length + 1), entry);
    return () => {
      this.ledger.sum += amount;
      this.ledger.logged.push(entry);
    };
  }

  #private(database: Database): () => void {
    const layout = layoutOf(database, "Private");
    const found = findObject(database, layout, privateKey(this.#writing));
    if (found === undefined) return () => undefined;
    const mark = markOf({ className: "Private", group: 0, owner: this.#writing.owner });
    found.set(columnOf(layout, "text"), `${mark} ${this.#fresh()}`);
    found.add(columnOf(layout, "count"), 1);
    return () => (this.ledger.privateCount += 1);
  }

  /** A note that nobody may see: the server must undo it and say so. */
  #outside(database: Database): () => void {
    const key = `outside ${this.#writing.owner} ${this.#fresh()}`;
    this.#createNote(database, key, nobody, nobodysGroup);
    return () => this.ledger.outside.add(key);
  }

  #createNote(database: Database, key: string, owner: string, group: number): void {
    const mark = markOf({ className: "Note", group, owner });
    const values = {
      _id: key,
      owner,
      group,
      number: this.#dice.below(numbersMax),
      title: `${mark} ${this.#fresh()}`,
      text: null,
      count: 0,
      tags: [`${mark} first`],
      attributes: { k0: `${mark} ${this.#fresh()}` },
      next: null,
      related: [],
    };
    createObject(database, layoutOf(database, "Note"), values, "never");
  }

  #note(database: Database): void {
    const { owner, homeGroup } = this.#writing;
    const layout = layoutOf(database, "Note");
    const all = new Results(database, layout, { kind: "class" }, []);
    if (all.length === 0 || (this.#notesMade < notesMax && this.#dice.below(8) === 0)) {
      this.#notesMade += 1;
      this.#createNote(database, `note ${owner} ${this.#fresh()}`, owner, homeGroup);
      return;
    }
    const note = all.get(this.#dice.below(all.length));
    if (note === undefined) return;
    if (note.get(columnOf(layout, "group")) === nobodysGroup) return;
    this.#edit(note, layout, all);
  }

  #edit(note: ObjectHandle, layout: ClassLayout, all: Results): void {
    const dice = this.#dice;
    const group = Number(note.get(columnOf(layout, "group")));
    const mark = markOf({ className: "Note", group, owner: String(note.get(columnOf(layout, "owner"))) });
    const text = `${mark} ${this.#fresh()}`;
    switch (dice.below(10)) {
      case 0:
        return note.set(columnOf(layout, "title"), text);
      case 1:
        return note.set(columnOf(layout, "text"), dice.below(3) === 0 ? null : text);
      case 2:
      case 3:
        return note.set(columnOf(layout, "number"), dice.below(numbersMax));
      case 4:
        return note.add(columnOf(layout, "count"), 1 + dice.below(5));
      case 5:
        return this.#editList(note.get(columnOf(layout, "tags")) as List, text);
      case 6:
        return this.#editDictionary(note.get(columnOf(layout, "attributes")) as Dictionary, text);
      case 7:
        return note.set(columnOf(layout, "next"), dice.below(4) === 0 ? null : this.#neighbour(layout, all, group));
      case 8:
        return this.#editList(note.get(columnOf(layout, "related")) as List, this.#neighbour(layout, all, group));
      default:
        // Notes would run out if each tenth edit removed one.
        if (dice.below(3) === 0) note.erase();
    }
  }

  /** Another note of the same group: links do not lead to where a reader of the group could not follow. */
  #neighbour(layout: ClassLayout, all: Results, group: number): ObjectHandle | null {
    const note = all.get(this.#dice.below(all.length));
    return note !== undefined && note.get(columnOf(layout, "group")) === group ? note : null;
  }

  #editList(list: List, value: string | ObjectHandle | null): void {
    const { length } = list;
    const dice = this.#dice;
    const kind = length === 0 ? 0 : dice.below(length >= elementsMax ? 2 : 9);
    if (length > 0 && kind === 0) list.clear();
    else if (length > 0 && kind < 4) list.erase(dice.below(length));
    else if (value === null) return;
    else if (length > 0 && kind < 6) list.set(dice.below(length), value);
    else list.insert(dice.below(length + 1), value);
  }

  #editDictionary(dictionary: Dictionary, text: string): void {
    const key = `k${this.#dice.below(elementsMax)}`;
    if (dictionary.has(key) && this.#dice.below(3) === 0) dictionary.erase(key);
    else dictionary.set(key, text);
  }
}

/** A class of the file. */
export function layoutOf(database: Database, className: ClassName): ClassLayout {
  const layout = database.layout(className);
  if (layout === undefined) throw new Error(`the class ${className} is not declared`);
  return layout;
}

/** A column of a class. */
export function columnOf(layout: ClassLayout, name: string): ClassLayout["columns"][number] {
  const column = layout.columnByName(name);
  if (column === undefined) throw new Error(`${layout.name}.${name} is not declared`);
  return column;
}
