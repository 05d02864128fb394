/**
 * What one change costs a server with many sessions of which it concerns one: processor time of the ledger and of what
 * calls it, without sockets and disk.
 *
 * @module
 */

import { writeUploadEntries } from "@tidemark/protocol";
import { defaultServerLimits, type Ledger, type LedgerSession, openNativeLedger, type Role } from "@tidemark/server";
import { editNote, newNote, noteQuery, noteSchema } from "./changesets.js";
import { type Benchmark, figure, interleaved } from "./figures.js";

const everything = "TRUEPREDICATE";
const allFields = "[true,[]]";
const role: Role = {
  default: {
    read: everything,
    write: everything,
    insert: everything,
    delete: everything,
    readableFields: allFields,
    writableFields: allFields,
  },
  classes: {},
};

/** Notes that are changed: each owner's subscription sees one. */
const notesMax = 10;

/** A ledger with sessions that each subscribe to the notes of an owner of their own, and one that writes. */
class Crowd {
  readonly #ledger: Ledger;
  readonly #noteCount: number;
  readonly #stride: number;
  #writer: LedgerSession = 0;
  #clientVersion = 1;
  /** Up to here the writer was served. */
  #serverVersion = 0;
  #changes = 0;

  private constructor(ledger: Ledger, count: number) {
    this.#ledger = ledger;
    this.#noteCount = Math.min(notesMax, count);
    this.#stride = Math.floor(count / this.#noteCount);
  }

  static async open(count: number): Promise<Crowd> {
    const ledger = await openNativeLedger({ path: null, epochSalt: "77", developmentMode: true });
    const crowd = new Crowd(ledger, count);
    const maker = await crowd.#identify("{}");
    crowd.#writer = maker;
    await crowd.#drain(maker);
    await crowd.#upload(noteSchema());
    await ledger.query(maker, 1, noteQuery());
    await crowd.#drain(maker);
    for (let note = 0; note < crowd.#noteCount; note += 1) {
      await crowd.#upload(newNote(note, note * crowd.#stride, "first"));
      await crowd.#drain(maker);
    }
    for (let owner = 0; owner < count; owner += 1) {
      const session = await crowd.#identify(noteQuery(owner));
      await crowd.#drain(session);
    }
    ledger.takeTouched();
    return crowd;
  }

  async #identify(query: string): Promise<LedgerSession> {
    const fileIdent = await this.#ledger.allocateFileIdent("user", "5", 0);
    const answer = await this.#ledger.identify(
      {
        fileIdent,
        fileIdentSalt: "5",
        userId: "user",
        downloadServerVersion: 0,
        downloadClientVersion: 0,
        latestServerVersion: 0,
        latestServerVersionSalt: "0",
        queryVersion: 0,
        query,
        role,
        isOwnClient: true,
        protocolVersion: 14,
      },
      0,
    );
    if ("refusal" in answer) throw new Error(answer.refusal.message);
    return answer.session;
  }

  async #upload(changeset: Uint8Array): Promise<void> {
    this.#clientVersion += 1;
    const [clientVersion, serverVersion] = [this.#clientVersion, this.#serverVersion];
    const entry = { clientVersion, serverVersion, originTimestamp: clientVersion, originFileIdent: 0n, changeset };
    const upload = {
      session: this.#writer,
      progressClientVersion: clientVersion,
      progressServerVersion: serverVersion,
      lockedServerVersion: serverVersion,
      body: writeUploadEntries([entry]),
    };
    const [answer] = await this.#ledger.integrate([upload], 0);
    const problem = answer?.refusal?.message ?? answer?.compensations[0]?.rejectedUpdates[0]?.reason;
    if (problem !== undefined) throw new Error(problem);
  }

  /** Takes everything that a session is owed; returns how many messages that is. */
  async #drain(session: LedgerSession): Promise<number> {
    let messages = 0;
    for (;;) {
      const part = await this.#ledger.nextDownload(session, defaultServerLimits);
      if (part === null) return messages;
      messages += 1;
      if (session === this.#writer) this.#serverVersion = part.downloadServerVersion;
    }
  }

  /** Processor time in milliseconds of changes, each of which one session is sent. */
  async change(count: number): Promise<number> {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i += 1) {
      this.#changes += 1;
      await this.#upload(editNote(this.#changes % this.#noteCount, `edit ${this.#changes}`));
      let reached = 0;
      for (const session of this.#ledger.takeTouched()) {
        const messages = await this.#drain(session);
        if (session !== this.#writer && messages > 0) reached += 1;
      }
      if (reached < 1) throw new Error("a change reached nobody");
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  async close(): Promise<void> {
    await this.#ledger.close();
  }
}

/** What a change costs beside ten sessions, and how much more beside many. */
export const matchCost: Benchmark = {
  name: "match-cost",
  run: async function* (options) {
    const counts = options.quick ? [10, 100] : [10, 1_000, 100_000];
    const changes = options.quick ? 20 : 2_000;
    const crowds: Crowd[] = [];
    try {
      for (const count of counts) crowds.push(await Crowd.open(count));
      const tookMs = await interleaved(
        options,
        crowds.map((crowd) => () => crowd.change(changes)),
      );
      const perChange = tookMs.map((ms) => ms / changes);
      const [least = Number.NaN] = perChange;
      for (const [index, value] of perChange.entries()) {
        const peer = index === 0 ? undefined : { name: `${counts[0]} sessions`, value: least };
        yield figure(`match-cost-${counts[index]}`, "ms", value, peer);
      }
    } finally {
      for (const crowd of crowds) await crowd.close();
    }
  },
};
