/**
 * Attacks by being somebody else, and by being too many.
 *
 * @module
 */

import { loginPath } from "@tidemark/protocol";
import {
  Assault,
  assault,
  type Battle,
  bindOf,
  expectClose,
  expectError,
  identOf,
  ownToken,
  Unexpected,
} from "./attacker.js";

/** Takes files that are not there, or somebody else's. */
export async function forgedFiles(battle: Battle): Promise<void> {
  const { dice, victims } = battle;
  const one = await assault(battle);
  if (one === undefined) return;
  const victim = dice.choose(victims);
  const [ident, salt] = [BigInt(victim.fileIdent), BigInt(victim.fileIdentSalt)];
  const [fileIdent, fileIdentSalt, code, what] = dice.choose([
    [999_999_999n, 1n, 208, "a file that never was"],
    [1n, 1n, 208, "the server's own file"],
    [ident, salt === 1n ? 2n : 1n, 211, "another's file with a wrong salt"],
    [ident, salt, 223, "another's file with its salt"],
  ] as const);
  one.say(bindOf(1, false));
  one.say(identOf(fileIdent, fileIdentSalt));
  await expectError(one, [code], what);
  const taken = one.messages.some(({ type }) => type === "download");
  if (taken) throw new Unexpected(`${what} was given data`);
  one.leave();
}

/** Tokens that are forged, of another app, of a user who is gone, or meant for something else. */
export async function badTokens(battle: Battle): Promise<void> {
  const { name, token, codes } = battle.dice.choose(battle.badTokens);
  const one = new Assault(battle, token);
  one.socket.once("open", () => one.say(bindOf(1, true)));
  const answer = await one.answer(({ type }) => type === "ident" || type === "download", name);
  if ("type" in answer) throw new Unexpected(`${name} was let in`);
  await expectClose(one, codes, name);
}

const crowdSize = 220;
/** Connections that one user may have. */
const connectionsPerUserMax = 200;

/** More connections of one user than there may be. */
export async function crowd(battle: Battle): Promise<void> {
  const token = ownToken({ ...battle, logins: battle.logins.slice(-1) });
  const all = Array.from({ length: crowdSize }, () => new Assault(battle, token));
  const open = await Promise.all(all.map((one) => one.opened));
  const letIn = open.filter(Boolean).length;
  for (const one of all) one.leave();
  if (letIn > connectionsPerUserMax) throw new Unexpected(`${letIn} connections of one user`);
}

const guesses = 30;

/** Guesses passwords, and sends bodies that are none. */
export async function loginFlood({ url, appId }: Battle): Promise<void> {
  const target = url + loginPath(appId, "local-userpass");
  const bodies = [
    ...Array.from({ length: guesses }, (_, n) =>
      JSON.stringify({ username: `nobody${n}@example.com`, password: `guess ${n}` }),
    ),
    "{",
    "[".repeat(100_000),
    JSON.stringify({ username: "x".repeat(2 * 1024 * 1024), password: "y" }),
  ];
  await Promise.all(
    bodies.map(async (body) => {
      const answer = await fetch(target, { method: "POST", body }).catch(() => null);
      await answer?.arrayBuffer().catch(() => undefined);
      const isRefused = answer === null || (answer.status >= 400 && answer.status < 500) || answer.status === 503;
      if (!isRefused) throw new Unexpected(`a log-in that must fail is answered with ${answer.status}`);
    }),
  );
}
