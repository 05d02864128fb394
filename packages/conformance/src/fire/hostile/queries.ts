/**
 * Attacks by subscriptions that cost as much as they may, or more.
 *
 * @module
 */

import { type Battle, identified, Unexpected } from "./attacker.js";

/** Longest query of a class. */
const queryBytesMax = 256 * 1024;
const depthMax = 100;

function long(part: string, joint: string): string {
  return Array.from({ length: Math.floor(queryBytesMax / (part.length + joint.length)) }, () => part).join(joint);
}

/** Queries, and whether they must be refused. */
const queries: readonly { readonly set: string; readonly isRefused: boolean }[] = [
  { set: note(long("number == 123456789", " OR ")), isRefused: false },
  { set: note(long('title CONTAINS[c] "q"', " OR ")), isRefused: false },
  { set: note(`title LIKE "${"*a".repeat(100_000)}b"`), isRefused: false },
  { set: note(`number IN {${long("1", ",")}}`), isRefused: false },
  { set: note(`${"(".repeat(depthMax - 1)}TRUEPREDICATE${")".repeat(depthMax - 1)}`), isRefused: false },
  { set: note(`${"(".repeat(100_000)}TRUEPREDICATE${")".repeat(100_000)}`), isRefused: true },
  { set: note("NOT ".repeat(60_000) + "TRUEPREDICATE"), isRefused: true },
  {
    set: note(`${long("number == 123456789", " OR ")} OR ${"number == 1 OR ".repeat(20_000)} FALSEPREDICATE`),
    isRefused: true,
  },
  {
    set: JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`Class${n}`, "TRUEPREDICATE"]))),
    isRefused: true,
  },
  { set: "[".repeat(100_000), isRefused: true },
  { set: note("number =="), isRefused: true },
];

function note(query: string): string {
  return JSON.stringify({ Note: query });
}

/** One costly set after another, and then the bill. */
export async function costlyQueries(battle: Battle): Promise<void> {
  const one = await identified(battle);
  if (one === undefined) return;
  for (let queryVersion = 1; queryVersion <= 3 && one.end === undefined; queryVersion += 1) {
    const { set, isRefused } = battle.dice.choose(queries);
    one.say({ type: "query", session: 1, queryVersion, query: set });
    one.say({ type: "mark", session: 1, request: queryVersion });
    const answer = await one.answer(
      (message) => message.type === "mark" && message.request === queryVersion,
      set.slice(0, 60),
    );
    if (!("type" in answer)) return;
    const refused = one.messages.some(
      (message) => message.type === "query_error" && message.queryVersion === queryVersion,
    );
    // What may be is refused all the same where its cost is known to be too high.
    if (isRefused && !refused) throw new Unexpected(`not refused: ${set.slice(0, 60)}`);
  }
  one.leave();
}

const floodCount = 2_000;

/** Thousands of sets, one after the other. */
export async function queryFlood(battle: Battle): Promise<void> {
  const one = await identified(battle);
  if (one === undefined) return;
  for (let queryVersion = 1; queryVersion <= floodCount; queryVersion += 1) {
    one.say({ type: "query", session: 1, queryVersion, query: note(`number < ${queryVersion}`) });
  }
  one.say({ type: "mark", session: 1, request: 1 });
  // It need not wait for the end of what it has asked for; neither must anybody else.
  await new Promise((resolve) => setTimeout(resolve, 2_000 + battle.dice.below(10_000)));
  one.leave();
}
