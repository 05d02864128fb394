/**
 * The elements of lists and sets as they stand in a row, found once for each row that was read.
 *
 * @module
 */

import { tag } from "../values/tags.js";
import { type Page, readCollectionHead, readLink, skipValue } from "../values/unpack.js";
import type { Database } from "./database.js";
import type { Holder, ObjectHandle } from "./object.js";
import type { ClassLayout, Column } from "./schema.js";

/** Until when something that was read of a collection stands. */
export interface Stamp {
  readonly key: number;
  readonly epoch: number;
  /** Of the class of the targets, in collections of links. */
  readonly removals: number;
  readonly membership: number;
}

/** The stamp of what is read of a collection now. */
export function stampOf(root: ObjectHandle, target: ClassLayout | undefined): Stamp {
  const { removalEpoch: removals = 0, membershipEpoch: membership = 0 } = target ?? {};
  return { key: root.key, epoch: root.layout.epoch, removals, membership };
}

/** Whether a stamp still stands. Objects that come concern only collections with links to absent ones. */
export function isStanding(
  stamp: Stamp,
  root: ObjectHandle,
  target: ClassLayout | undefined,
  hasHidden: boolean,
): boolean {
  if (stamp.key < 0 || stamp.key !== root.key || !root.layout.isFresh(root.key, stamp.epoch)) return false;
  if (target === undefined) return true;
  return stamp.removals === target.removalEpoch && (!hasHidden || stamp.membership === target.membershipEpoch);
}

/** The class of the targets of a collection of links to objects with keys. */
export function targetOf({ database }: Holder, column: Column): ClassLayout | undefined {
  if (column.type !== "link" || column.target === undefined) return undefined;
  const layout = database.storedLayout(column.target);
  return layout?.kind === "embedded" ? undefined : layout;
}

/**
 * Whether the core is asked about a collection: the open write transaction has changed its object, or has deleted what
 * it may have linked to.
 */
export function isAsked(root: ObjectHandle, target: ClassLayout | undefined): boolean {
  return root.isAsked || (root.database.isInWrite && root.key >= 0 && target?.hasRemovalInWrite === true);
}

/** The visible elements of a list or set in a row. */
export interface Elements {
  readonly page: Page | undefined;
  /** Where each visible element begins. */
  readonly offsets: readonly number[];
  /** Keys of the targets, in collections of links. */
  readonly keys: readonly number[] | undefined;
  /** Whether some elements are left out. */
  readonly hasHidden: boolean;
}

/** What stands in no row. */
export const noElements: Elements = { page: undefined, offsets: [], keys: undefined, hasHidden: false };

interface Scan {
  /** All of them. */
  readonly offsets: readonly number[];
  links: { readonly stamp: Stamp; readonly elements: Elements } | undefined;
}

/** By row and place in it. */
const scans = new WeakMap<Page, Map<number, Scan>>();

function scanOf(page: Page, at: number): Scan {
  let ofPage = scans.get(page);
  if (ofPage === undefined) {
    ofPage = new Map();
    scans.set(page, ofPage);
  }
  let scan = ofPage.get(at);
  if (scan === undefined) {
    const { count, first } = readCollectionHead(page, at);
    const offsets: number[] = [];
    let offset = first;
    for (let index = 0; index < count; index += 1) {
      offsets.push(offset);
      offset = skipValue(page, offset);
    }
    scan = { offsets, links: undefined };
    ofPage.set(at, scan);
  }
  return scan;
}

/** Shorter lists are gone through. */
const scannedMin = 16;

/** Where the element at a real index of a list begins, or −1. */
export function elementOffset(page: Page, at: number, index: number): number {
  if (page.bytes[at] !== tag.list) return -1;
  const { count, first } = readCollectionHead(page, at);
  if (index >= count) return -1;
  if (index >= scannedMin) return scanOf(page, at).offsets[index] ?? -1;
  let offset = first;
  for (let position = 0; position < index; position += 1) offset = skipValue(page, offset);
  return offset;
}

/** The visible elements of a list or set that stands in a row of an object. */
export function elementsAt(root: ObjectHandle, column: Column, page: Page, at: number): Elements {
  const scan = scanOf(page, at);
  const { offsets } = scan;
  if (column.type !== "link") return { page, offsets, keys: undefined, hasHidden: false };
  const target = targetOf(root, column);
  const { links } = scan;
  if (links !== undefined && isStanding(links.stamp, root, target, links.elements.hasHidden)) return links.elements;
  const elements = visibleLinks(root.database, page, offsets);
  scan.links = { stamp: stampOf(root, target), elements };
  return elements;
}

function visibleLinks(database: Database, page: Page, offsets: readonly number[]): Elements {
  database.flush();
  const visible: number[] = [];
  const keys: number[] = [];
  for (const offset of offsets) {
    if (page.bytes[offset] !== tag.link) {
      visible.push(offset);
      continue;
    }
    const { className, packedKey } = readLink(page, offset);
    const layout = database.storedLayout(className);
    const key = layout === undefined ? -1 : database.store.find(database.view, layout.index, packedKey);
    if (key < 0) continue;
    visible.push(offset);
    keys.push(key);
  }
  const hasHidden = visible.length < offsets.length;
  return { page, offsets: visible, keys: keys.length > 0 ? keys : undefined, hasHidden };
}
