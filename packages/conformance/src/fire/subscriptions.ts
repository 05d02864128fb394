/**
 * Random subscriptions, in a form whose meaning the checks know without asking a query engine.
 *
 * @module
 */

import type { Dice } from "../harness/dice.js";
import { type Belonging, type ClassName, numbersMax } from "./schema.js";

/** One subscription: every condition given must hold. */
export interface Selection {
  readonly className: ClassName;
  readonly owner?: string;
  readonly groups?: readonly number[];
  /** Notes with a smaller number. */
  readonly below?: number;
}

/** What a selection is judged by. */
export interface Candidate extends Belonging {
  readonly number: number;
}

/** The query that is sent. */
export function queryOf({ owner, groups, below }: Selection): string {
  const parts: string[] = [];
  if (owner !== undefined) parts.push(`owner == "${owner}"`);
  if (groups !== undefined) parts.push(`group IN {${groups.join(", ")}}`);
  if (below !== undefined) parts.push(`number < ${below}`);
  return parts.length === 0 ? "TRUEPREDICATE" : parts.join(" AND ");
}

/** Whether an object is selected. */
export function selects(selection: Selection, candidate: Candidate): boolean {
  return admits(selection, candidate) && (selection.below === undefined || candidate.number < selection.below);
}

/** Whether an object of this belonging could be selected at any time: numbers change, groups and owners do not. */
export function admits({ className, owner, groups }: Selection, belonging: Belonging): boolean {
  if (className !== belonging.className) return false;
  if (owner !== undefined && owner !== belonging.owner) return false;
  return groups === undefined || groups.includes(belonging.group);
}

/** A device, as far as its subscriptions depend on it. */
export interface Subscriber {
  readonly owner: string;
  readonly homeGroup: number;
  readonly groupCount: number;
  /** Rules of the app keep other users' private objects away; otherwise the subscription does. */
  readonly hasRules: boolean;
}

/** What a device always sees: its own log, its group's tally, its private objects. */
function lasting({ owner, homeGroup, hasRules }: Subscriber): Selection[] {
  return [
    { className: "Event", owner },
    { className: "Tally", groups: [homeGroup] },
    hasRules ? { className: "Private" } : { className: "Private", owner },
  ];
}

/** A random set. */
export function randomSelections(subscriber: Subscriber, dice: Dice): Selection[] {
  const { owner, homeGroup, groupCount } = subscriber;
  const chosen = lasting(subscriber);
  const other = (): number => dice.below(groupCount);
  const below = (): number => Math.floor(numbersMax / 4) + dice.below(numbersMax);
  switch (dice.below(6)) {
    case 0:
      chosen.push({ className: "Note", groups: [homeGroup] });
      break;
    case 1:
      chosen.push({ className: "Note", groups: [homeGroup], below: below() });
      break;
    case 2:
      chosen.push({ className: "Note", groups: [homeGroup, other()] });
      break;
    case 3:
      chosen.push({ className: "Note", groups: [homeGroup, other()], below: below() });
      break;
    case 4:
      chosen.push({ className: "Note", owner }, { className: "Note", groups: [other()], below: below() });
      break;
    default:
      chosen.push({ className: "Note", owner });
  }
  if (dice.below(4) === 0) chosen.push({ className: "Event", groups: [dice.choose([homeGroup, other()])] });
  return chosen;
}

/** Everything there is. */
export const everything: readonly Selection[] = [
  { className: "Event" },
  { className: "Tally" },
  { className: "Note" },
  { className: "Private" },
];
