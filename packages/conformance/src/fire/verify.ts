/**
 * What must be true of the clients' files when everything is quiet.
 *
 * @module
 */

import { findObject, type List } from "@tidemark/engine";
import { Dice } from "../harness/dice.js";
import type { Device } from "./device.js";
import { type Fleet, inParts } from "./fleet.js";
import type { Check } from "./orders.js";
import { ContentIndex, contentOf, differences, strayTexts } from "./rows.js";
import { markOf } from "./schema.js";
import { everything } from "./subscriptions.js";
import { columnOf, eventKey, layoutOf, privateKey, tallyKey } from "./writer.js";

/** Looks at everything. */
export async function verify(fleet: Fleet): Promise<Check[]> {
  const { devices, watch } = fleet;
  const witness = await fleet.fresh("witness", await fleet.logIn(), everything);
  const index = new ContentIndex(contentOf(witness.file.database));
  return [
    check("every client equals a fresh one that sees everything, within its subscriptions", () =>
      devices.flatMap((device) => equality(fleet, device, index)),
    ),
    await freshOnes(fleet),
    check("every event is there, once", () => events(fleet, witness)),
    check("every sum and list of a group holds each addition once", () => tallies(fleet, witness)),
    check("every private count is right", () => devices.flatMap(privateCount)),
    check("writes outside the view are undone and reported, and no others of those that never may be", () =>
      devices.flatMap((device) => compensations(device, witness)),
    ),
    check("no client holds what it never asked for", () => devices.flatMap((device) => foreign(fleet, device))),
    {
      title: `no client is sent what it never asked for (${watch.downloadCount} downloads)`,
      problems: findingsOf(watch),
    },
    check("no client meets an error that no fault explains", () => [
      ...devices.flatMap((device) => device.errors),
      ...fleet.failures,
    ]),
  ];
}

function check(title: string, run: () => string[]): Check {
  return { title, problems: run() };
}

function findingsOf({ findings, findingCount }: Fleet["watch"]): string[] {
  return findingCount > findings.length ? [...findings, `${findingCount} in all`] : findings;
}

function equality({ settings }: Fleet, device: Device, index: ContentIndex): string[] {
  // The witness is another user: rules keep the private objects of this one from it.
  const selections = settings.hasRules
    ? device.selections.filter(({ className }) => className !== "Private")
    : device.selections;
  const held = contentOf(device.file.database);
  if (settings.hasRules) for (const [key, { className }] of held) if (className === "Private") held.delete(key);
  const text = differences(index.select(selections), held);
  return text === undefined ? [] : [`${device.name}: ${text}`];
}

/** Some devices are compared with a new file of the same user and the same subscriptions. */
async function freshOnes(fleet: Fleet): Promise<Check> {
  const { seed, freshCount } = fleet.settings;
  const dice = new Dice(seed);
  const problems: string[] = [];
  await inParts(Math.min(freshCount, fleet.devices.length), async (number) => {
    const device = dice.choose(fleet.devices);
    const fresh = await fleet.fresh(`fresh-${number}`, device.parts.user, device.selections);
    const text = differences(contentOf(fresh.file.database), contentOf(device.file.database));
    if (text !== undefined) problems.push(`${device.name}: ${text}`);
    fresh.file.close();
  });
  return check(`${freshCount} clients equal a fresh one of the same subscriptions`, () => problems);
}

function events({ devices }: Fleet, witness: Device): string[] {
  const { database } = witness.file;
  const layout = layoutOf(database, "Event");
  const problems: string[] = [];
  let expected = 0;
  for (const { parts, writer, name } of devices) {
    const missing: number[] = [];
    for (let n = 0; n < writer.ledger.events; n += 1) {
      if (findObject(database, layout, eventKey(parts, n)) === undefined) missing.push(n);
    }
    expected += writer.ledger.events;
    if (missing.length > 0)
      problems.push(`${name}: of ${writer.ledger.events} events these are lost: ${missing.join()}`);
  }
  const count = database.store.count(database.view, layout.index);
  if (problems.length === 0 && count !== expected) problems.push(`${count} events instead of ${expected}`);
  return problems;
}

function tallies({ devices, groupCount }: Fleet, witness: Device): string[] {
  const { database } = witness.file;
  const layout = layoutOf(database, "Tally");
  const problems: string[] = [];
  for (let group = 0; group < groupCount; group += 1) {
    const members = devices.filter(({ parts }) => parts.homeGroup === group);
    const tally = findObject(database, layout, tallyKey(group));
    if (tally === undefined) {
      problems.push(`group ${group}: the tally is lost`);
      continue;
    }
    const sum = members.reduce((all, { writer }) => all + writer.ledger.sum, 0);
    const stored = Number(tally.get(columnOf(layout, "sum")));
    if (stored !== sum) problems.push(`group ${group}: the sum is ${stored} instead of ${sum}`);
    const wanted = members.flatMap(({ writer }) => writer.ledger.logged).sort();
    const logged = ((tally.get(columnOf(layout, "log")) as List).values() as string[]).sort();
    if (wanted.join("\n") !== logged.join("\n")) {
      const known = new Set(logged);
      const lost = wanted.filter((entry) => !known.has(entry));
      problems.push(`group ${group}: ${logged.length} entries instead of ${wanted.length}; lost: ${lost.join(", ")}`);
    }
  }
  return problems;
}

function privateCount({ file, writer, parts, name }: Device): string[] {
  const { database } = file;
  const layout = layoutOf(database, "Private");
  const found = findObject(database, layout, privateKey(parts));
  const count = Number(found?.get(columnOf(layout, "count")));
  return count === writer.ledger.privateCount ? [] : [`${name}: ${count} instead of ${writer.ledger.privateCount}`];
}

/** Of notes any may be compensated, since another's edit may have moved it out of the view. */
function compensations({ file, writer, reported, restartCount, name }: Device, witness: Device): string[] {
  const keys = new Set(reported.map(({ key }) => key));
  const problems: string[] = [];
  for (const { className, key } of reported) {
    if (className !== "Note") problems.push(`${name}: the write of ${className} ${key} was undone`);
  }
  for (const key of writer.ledger.outside) {
    // An application that ended while the report was on its way has not heard it.
    if (!keys.has(key) && restartCount === 0) problems.push(`${name}: ${key} was never reported`);
    for (const { database } of [file, witness.file]) {
      if (findObject(database, layoutOf(database, "Note"), key) !== undefined) problems.push(`${name}: ${key} is kept`);
    }
  }
  return problems;
}

function foreign({ watch }: Fleet, { file, parts, name }: Device): string[] {
  const problems: string[] = [];
  for (const { belonging, stray } of strayTexts(file.database)) {
    if (!watch.isAllowed(parts.owner, belonging)) problems.push(`${name} holds ${markOf(belonging)}`);
    for (const text of stray) problems.push(`${name}: ${markOf(belonging)} holds ${text}`);
  }
  return problems;
}
