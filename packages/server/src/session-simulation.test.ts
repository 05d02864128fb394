/**
 * Random histories of several clients that upload, subscribe, mark, break off, come back, end and rebind: whatever the
 * order, every changeset is integrated once and reaches everybody else once, in order.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import { logInAnonymously, type ScriptedClient, ScriptedFile, within } from "./testing/scripted-client.js";

type Action =
  | { readonly do: "upload"; readonly client: number; readonly count: number }
  | { readonly do: "query"; readonly client: number; readonly parts: number }
  | { readonly do: "mark"; readonly client: number }
  | { readonly do: "wait"; readonly client: number }
  | { readonly do: "drop"; readonly client: number }
  | { readonly do: "rebind"; readonly client: number }
  | { readonly do: "takeOver"; readonly client: number };

const clientCount = 3;
const client = fc.nat(clientCount - 1);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("upload" as const), client, count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("query" as const), client, parts: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("mark" as const), client }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rebind" as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("takeOver" as const), client }) },
);

/** A client that remembers what it has made until it is acknowledged, and reads all the time. */
class SimulatedClient {
  readonly name: number;
  readonly #fixture: Fixture;
  #token = "";
  #file: ScriptedFile | null = null;
  #reading: Promise<void> = Promise.resolve();
  /** Changesets by client version. */
  readonly #made: string[] = [];
  #uploadedTo = 1;
  #queryVersion = 0;
  #markWanted = 0;
  #markSeen = 0;
  #unbounds = 0;
  #changed = (): void => undefined;
  readonly errors: string[] = [];

  constructor(fixture: Fixture, name: number) {
    this.#fixture = fixture;
    this.name = name;
  }

  get file(): ScriptedFile {
    if (this.#file === null) throw new Error("not connected yet");
    return this.#file;
  }

  get received(): readonly string[] {
    return this.file.received;
  }

  async connect(): Promise<void> {
    if (this.#token === "") this.#token = (await logInAnonymously(this.#fixture.url, appId)).access_token;
    const connection = await this.#fixture.connect(this.#token);
    if (this.#file === null) this.#file = new ScriptedFile(connection);
    this.file.client = connection;
    await this.#open(connection);
  }

  async #open(connection: ScriptedClient): Promise<void> {
    await this.file.open();
    this.#uploadedTo = this.file.uploadClientVersion === 0 ? 1 : this.file.uploadClientVersion;
    this.#queryVersion = this.file.queryVersion;
    this.#markSeen = 0;
    this.#markWanted = 0;
    this.#reading = this.#read(connection);
    this.upload(0);
  }

  async #read(connection: ScriptedClient): Promise<void> {
    for (;;) {
      const message = await connection.receive().catch(() => null);
      if (message === null || this.file.client !== connection) return;
      if (message.type === "download") await this.file.take(message);
      else if (message.type === "mark") this.#markSeen = Math.max(this.#markSeen, message.request);
      else if (message.type === "unbound") {
        this.#unbounds += 1;
        this.#changed();
        return;
      } else this.errors.push(JSON.stringify(message));
      this.#changed();
    }
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const loop = async (): Promise<void> => {
      while (!condition()) await new Promise<void>((resolve) => (this.#changed = resolve));
    };
    await within(loop(), `${what} of client ${this.name}`);
  }

  /** Makes changesets and uploads everything that was not sent on this connection. */
  upload(count: number): void {
    for (let made = 0; made < count; made += 1) this.#made.push(`${this.name}:${this.#made.length}`);
    const first = this.#uploadedTo - 1;
    if (first >= this.#made.length) return;
    this.file.clientVersion = this.#uploadedTo;
    this.file.upload(...this.#made.slice(first));
    this.#uploadedTo = this.file.clientVersion;
  }

  query(parts: number): void {
    this.#queryVersion += 1;
    this.file.sendQuery(this.#queryVersion, `{"Item":"parts:${parts}"}`);
  }

  mark(): void {
    this.#markWanted += 1;
    this.file.mark(this.#markWanted);
  }

  waitForMarks(): Promise<void> {
    return this.#until(() => this.#markSeen >= this.#markWanted, `mark ${this.#markWanted}`);
  }

  async drop(): Promise<void> {
    this.file.client.close();
    await this.#reading;
    await this.connect();
  }

  /** Comes back while the server still holds the old connection for alive. */
  async takeOver(): Promise<void> {
    await this.connect();
  }

  async rebind(): Promise<void> {
    const before = this.#unbounds;
    this.file.unbind();
    await this.#until(() => this.#unbounds > before, "unbound");
    await this.#reading;
    await this.#open(this.file.client);
  }

  /** Uploads the rest and waits until everything went both ways. */
  async settle(): Promise<void> {
    this.upload(0);
    const last = this.#uploadedTo;
    await this.#until(() => this.file.uploadClientVersion >= last || last === 1, `acknowledgement of ${last}`);
  }

  async catchUp(): Promise<void> {
    this.mark();
    await this.waitForMarks();
  }

  made(): readonly string[] {
    return this.#made;
  }
}

async function perform(clients: readonly SimulatedClient[], step: Action): Promise<void> {
  const one = clients[step.client];
  if (one === undefined) throw new Error("no such client");
  if (step.do === "upload") one.upload(step.count);
  if (step.do === "query") one.query(step.parts);
  if (step.do === "mark") one.mark();
  if (step.do === "wait") await one.waitForMarks();
  if (step.do === "drop") await one.drop();
  if (step.do === "rebind") await one.rebind();
  if (step.do === "takeOver") await one.takeOver();
}

test("random histories", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const fixture = await startFixture();
      const clients = Array.from({ length: clientCount }, (_, name) => new SimulatedClient(fixture, name));
      for (const one of clients) await one.connect();
      for (const step of actions) await perform(clients, step);
      for (const one of clients) await one.settle();
      for (const one of clients) await one.catchUp();
      const { integrated } = fixture.ledger();
      for (const one of clients) {
        expect(one.errors).toEqual([]);
        const own = `${one.name}:`;
        expect(integrated.filter((text) => text.startsWith(own))).toEqual(one.made());
        expect(one.received).toEqual(integrated.filter((text) => !text.startsWith(own)));
      }
      await fixture.stop();
    }),
    { numRuns: 25 },
  );
});
