/**
 * All attackers: each kind tries again and again during the whole run, on connections of its own.
 *
 * @module
 */

import { deleteUserPath } from "@tidemark/protocol";
import type { Dice } from "../../harness/dice.js";
import type { Check, Victim } from "../orders.js";
import type { Target } from "../server.js";
import { type Battle, logInAnonymously, type Login, renewed, Unexpected } from "./attacker.js";
import { badTokens, crowd, forgedFiles, loginFlood } from "./identities.js";
import { badMessages, bindFlood, bombs, brokenChangesets, deaf, markFlood, oversize, tornFrames } from "./messages.js";
import { costlyQueries, queryFlood } from "./queries.js";

/** A kind of attack. */
interface Kind {
  readonly name: string;
  readonly run: (battle: Battle) => Promise<void>;
  /** Time between two attempts. */
  readonly pauseMs: number;
}

const kinds: readonly Kind[] = [
  { name: "bad messages", run: badMessages, pauseMs: 200 },
  { name: "torn frames", run: tornFrames, pauseMs: 300 },
  { name: "bombs", run: bombs, pauseMs: 2_000 },
  { name: "messages that are too large", run: oversize, pauseMs: 2_000 },
  { name: "broken changesets", run: brokenChangesets, pauseMs: 500 },
  { name: "forged files", run: forgedFiles, pauseMs: 300 },
  { name: "bad tokens", run: badTokens, pauseMs: 300 },
  { name: "a crowd of one user", run: crowd, pauseMs: 10_000 },
  { name: "log-ins that must fail", run: loginFlood, pauseMs: 5_000 },
  { name: "costly queries", run: costlyQueries, pauseMs: 2_000 },
  { name: "a flood of queries", run: queryFlood, pauseMs: 10_000 },
  { name: "a flood of MARKs", run: markFlood, pauseMs: 5_000 },
  { name: "a flood of BINDs", run: bindFlood, pauseMs: 5_000 },
  { name: "readers that do not read", run: deaf, pauseMs: 1_000 },
];

/** How often attackers renew their tokens; while the server is down some are not. */
const tokenPeriodMs = 60_000;

/** Problems of one kind that are kept. */
const problemsMax = 5;

/** What came of the attempts of one kind. */
interface Tally {
  /** Ended as they must. */
  met: number;
  /** Cut off by a kill of the server: they say nothing. */
  cutOff: number;
  readonly problems: string[];
}

/** What a siege needs. */
export interface SiegeSettings {
  readonly target: Target;
  readonly appId: string;
  readonly victims: readonly Victim[];
  readonly dice: Dice;
}

/** The attackers. */
export class Siege {
  readonly #target: Target;
  readonly #battle: Battle;
  readonly #tallies = new Map<string, Tally>();
  #loops: Promise<void>[] = [];
  #isOver = false;
  #stop: () => void = () => undefined;
  readonly #stopped: Promise<void>;

  private constructor(target: Target, battle: Battle) {
    this.#target = target;
    this.#battle = battle;
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  /** Logs the attackers in, while that is still easy. */
  static async start({ target, appId, victims, dice }: SiegeSettings): Promise<Siege> {
    const { url } = target;
    const logins: Login[] = [];
    for (let count = 0; count < 5; count += 1) logins.push(await logInAnonymously(url, appId));
    const gone = await logInAnonymously(url, appId);
    const headers = { Authorization: `Bearer ${gone.access_token}` };
    const answer = await fetch(url + deleteUserPath, { method: "DELETE", headers });
    if (!answer.ok) throw new Error(`an attacker's user cannot be deleted: ${answer.status}`);
    const [first] = logins;
    const bad = [
      { name: "no token", token: "", codes: [4001] },
      { name: "a token of no form", token: "a.b.c", codes: [4001] },
      { name: "a token for refreshing", token: first?.refresh_token ?? "", codes: [4001] },
      { name: "a token with another user in it", token: forged(first?.access_token ?? "", victims), codes: [4001] },
      { name: "the token of a user who is gone", token: gone.access_token, codes: [4002, 4001] },
    ];
    return new Siege(target, { url, appId, dice, logins, badTokens: bad, victims });
  }

  begin(): void {
    this.#loops = [...kinds.map((kind) => this.#tryAgainAndAgain(kind)), this.#renewTokens()];
  }

  /** A token is good for half an hour: attackers with old ones would be turned away at the door. */
  async #renewTokens(): Promise<void> {
    const { url, logins } = this.#battle;
    while (!this.#isOver) {
      for (const [index, login] of logins.entries()) logins[index] = await renewed(url, login);
      await this.#pause(tokenPeriodMs);
    }
  }

  #pause(durationMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, durationMs)));
    return Promise.race([this.#stopped, over]).finally(() => clearTimeout(timer));
  }

  async #tryAgainAndAgain(kind: Kind): Promise<void> {
    const tally: Tally = { met: 0, cutOff: 0, problems: [] };
    this.#tallies.set(kind.name, tally);
    while (!this.#isOver) {
      if (this.#target.isUp) await this.#try(kind, tally);
      await this.#pause(kind.pauseMs);
    }
  }

  async #try(kind: Kind, tally: Tally): Promise<void> {
    const { generation } = this.#target;
    const isCutOff = (): boolean => this.#target.generation !== generation;
    try {
      await kind.run(this.#battle);
      if (isCutOff()) tally.cutOff += 1;
      else tally.met += 1;
    } catch (error) {
      if (isCutOff() && !(error instanceof Unexpected)) tally.cutOff += 1;
      else if (tally.problems.length < problemsMax) tally.problems.push(String(error));
    }
  }

  /** No more attacks; resolves when the last one is over. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#stop();
    await Promise.all(this.#loops);
  }

  summary(): string {
    const all = [...this.#tallies.values()];
    const sum = (of: (tally: Tally) => number): number => all.reduce((total, tally) => total + of(tally), 0);
    return `${sum(({ met }) => met)} attacks met, ${sum(({ cutOff }) => cutOff)} cut off`;
  }

  /** Each kind must have been met, and nothing unexpected may have come of it. */
  checks(): Check[] {
    return kinds.map(({ name }) => {
      const { met, cutOff, problems } = this.#tallies.get(name) ?? { met: 0, cutOff: 0, problems: [] };
      const never = met === 0 ? ["no attempt came to its end"] : [];
      return { title: `attack: ${name} (${met} met, ${cutOff} cut off)`, problems: [...problems, ...never] };
    });
  }
}

/** A good signature over other claims. */
function forged(token: string, victims: readonly Victim[]): string {
  const [head = "", payload = "", signature = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Record<string, unknown>;
  const changed = JSON.stringify({ ...claims, sub: victims[0]?.userId ?? "" });
  return [head, Buffer.from(changed).toString("base64url"), signature].join(".");
}
