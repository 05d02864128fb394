/**
 * The suite must be able to fail: an adapter that lies in one respect makes the cases fail that look there, and the
 * honest one makes them pass.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type {
  Adapter,
  OpenOptions,
  TestApp,
  TestList,
  TestObject,
  TestRealm,
  TestSession,
  TestSubscriptions,
  TestUser,
  Value,
} from "./adapter.js";
import { nodeAdapter } from "./adapters/node.js";
import { ServerProcess } from "./harness/server-process.js";
import type { Outcome } from "./scenario.js";
import { allScenarios, runScenario } from "./suite.js";

const testTimeoutMs = 240_000;

/** An object with some of its members replaced. */
function overlay<T extends object>(honest: T, replaced: Partial<T>): T {
  return new Proxy(honest, {
    get(target, name) {
      if (name in replaced) return Reflect.get(replaced, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** What is replaced of each part, given the honest one. */
interface Lies {
  readonly adapter?: (honest: Adapter) => Partial<Adapter>;
  readonly app?: (honest: TestApp) => Partial<TestApp>;
  readonly user?: (honest: TestUser) => Partial<TestUser>;
  readonly realm?: (honest: TestRealm) => Partial<TestRealm>;
  readonly session?: (honest: TestSession) => Partial<TestSession>;
  readonly subscriptions?: (honest: TestSubscriptions) => Partial<TestSubscriptions>;
  readonly list?: (honest: TestList) => Partial<TestList>;
}

function lyingObject(honest: TestObject, { list }: Lies): TestObject {
  return overlay(honest, {
    list: (field) => {
      const found = honest.list(field);
      return list ? overlay(found, list(found)) : found;
    },
  });
}

function lyingRealm(honest: TestRealm, lies: Lies): TestRealm {
  return overlay(honest, {
    session: () => {
      const session = honest.session();
      return session && lies.session ? overlay(session, lies.session(session)) : session;
    },
    subscriptions: () => {
      const set = honest.subscriptions();
      return lies.subscriptions ? overlay(set, lies.subscriptions(set)) : set;
    },
    find: (className, key) => {
      const object = honest.find(className, key);
      return object && lyingObject(object, lies);
    },
    ...lies.realm?.(honest),
  });
}

function lyingAdapter(honest: Adapter, lies: Lies): Adapter {
  return overlay(honest, {
    makeApp: async (options) => {
      const app = await honest.makeApp(options);
      return overlay(app, {
        logIn: async () => {
          const user = await app.logIn();
          return overlay(user, {
            openSynced: async (opening) => lyingRealm(await user.openSynced(opening), lies),
            ...lies.user?.(user),
          });
        },
        ...lies.app?.(app),
      });
    },
    ...lies.adapter?.(honest),
  });
}

/** A lie, and the cases that must find it. */
const lies: readonly (readonly [string, readonly string[], Lies])[] = [
  ["a local realm has a session", ["S-01"], { adapter: () => ({ openLocal: async () => withSession }) }],
  ["pausing does nothing", ["P-01", "P-03", "P-06"], { session: () => ({ pause: () => undefined }) }],
  ["the connection is always there", ["P-01"], { session: () => ({ connection: () => "connected" }) }],
  ["uploads are done at once", ["W-16", "W-25"], { session: () => ({ waitUp: async () => "done" }) }],
  [
    "waits that are rejected are done",
    ["W-14"],
    { session: (honest) => ({ waitUp: async () => honest.waitUp().catch(() => "done" as const) }) },
  ],
  [
    "listeners are told the present state",
    ["C-02", "C-05"],
    {
      session: (honest) => ({
        onConnection: (callback) => {
          callback("connecting", honest.connection());
          return honest.onConnection(callback);
        },
      }),
    },
  ],
  [
    "listeners are told everything twice",
    ["C-03", "P-03"],
    {
      session: (honest) => ({
        onConnection: (callback) =>
          honest.onConnection((oldState, newState) => {
            callback(oldState, newState);
            callback(oldState, newState);
          }),
      }),
    },
  ],
  [
    "listeners stay",
    ["C-05"],
    {
      session: (honest) => ({
        onConnection: (callback) => {
          honest.onConnection(callback);
          return () => undefined;
        },
      }),
    },
  ],
  [
    "reconnecting drops a healthy connection",
    ["M-02"],
    {
      session: (honest) => ({
        reconnect: () => {
          honest.pause();
          honest.resume();
        },
      }),
    },
  ],
  [
    "some objects are lost",
    ["W-03", "P-07"],
    {
      realm: (honest) => ({
        create: (className, values) => (Number(values["_id"]) % 7 === 1 ? undefined : honest.create(className, values)),
      }),
    },
  ],
  ["nothing is erased", ["D-08"], { realm: () => ({ delete: () => undefined }) }],
  ["lists only grow at their end", ["D-02"], { list: (honest) => ({ insert: (_, value) => honest.push(value) }) }],
  ["sets are always complete", ["B-14"], { subscriptions: () => ({ state: () => "complete" }) }],
  ["filters let everything through", ["B-13"], { realm: () => ({ keys: () => [1, 2] }) }],
  [
    "progress that is known is told before the registration returns",
    ["G-07", "G-08"],
    {
      session: (honest) => ({
        onProgress: (direction, mode, callback, onEnd) => {
          callback(1);
          return honest.onProgress(direction, mode, () => undefined, onEnd);
        },
      }),
    },
  ],
  [
    "a changed subscription is a new one",
    ["B-05"],
    {
      subscriptions: (honest) => ({
        find: (name) => {
          const found = honest.find(name);
          return found && { ...found, id: `${found.id} ${found.query}` };
        },
      }),
    },
  ],
  ["links lead nowhere", ["B-23"], { realm: () => ({ link: () => undefined }) }],
  ["sessions outlive their realms", ["S-10"], { app: () => ({ sessionCount: () => 1 }) }],
  [
    "errors are kept back",
    ["E-02", "E-04", "X-07", "T-02"],
    { user: (honest) => ({ openSynced: (options) => honest.openSynced(withoutHandlers(options)) }) },
  ],
  ["tokens never change", ["T-01"], { user: () => ({ accessToken: () => "the same" }) }],
  ["users are logged in for ever", ["T-02"], { user: () => ({ isLoggedIn: () => true }) }],
  ["everybody is the current user", ["A-05"], { app: () => ({ currentUserId: () => "somebody" }) }],
  ["nothing is logged", ["L-01"], { adapter: () => ({ captureLog: () => () => undefined }) }],
  ["everything is logged", ["L-02"], { adapter: (honest) => ({ setLogLevel: () => honest.setLogLevel("all") }) }],
  ["nothing is less than nothing", ["D-01"], { realm: (honest) => reading(honest, withoutMinus) }],
  ["nothing adds up", ["D-05"], { realm: (honest) => reading(honest, (value) => (value === 17 ? 14 : value)) }],
];

function withoutHandlers(options: OpenOptions): OpenOptions {
  const { onError: _, reset: __, ...others } = options;
  return others;
}

/** Objects whose values are read in another way. */
function reading(honest: TestRealm, change: (value: Value) => Value): Partial<TestRealm> {
  return {
    find: (className, key) => {
      const object = honest.find(className, key);
      return object && overlay(object, { get: (field) => change(object.get(field)) });
    },
  };
}

function withoutMinus(value: Value): Value {
  return JSON.stringify(value) === '{"type":"double","text":"-0"}' ? 0 : value;
}

/** A realm of a facade that is wrong about local realms. */
const withSession = { hasNoSession: () => false, close: () => undefined } as unknown as TestRealm;

let server: ServerProcess;
let runs = 0;

beforeAll(async () => {
  server = await ServerProcess.start({ hasMovableClock: true });
}, testTimeoutMs);

afterAll(async () => {
  await server.stop();
});

async function outcomeOf(adapter: Adapter, id: string): Promise<Outcome> {
  const scenario = allScenarios.find((candidate) => candidate.id === id);
  if (!scenario) throw new Error(`no scenario ${id}`);
  runs += 1;
  return runScenario(adapter, server, scenario, `run-${runs}-${id.toLowerCase()}`);
}

test.each([...new Set(lies.flatMap(([, ids]) => ids))])(
  "the honest adapter passes %s",
  { timeout: testTimeoutMs },
  async (id) => {
    expect(await outcomeOf(nodeAdapter, id)).toEqual({ kind: "passed" });
  },
);

test.each(lies)("%s: %j fail", { timeout: testTimeoutMs }, async (_, ids, replaced) => {
  for (const id of ids) {
    const outcome = await outcomeOf(lyingAdapter(nodeAdapter, replaced), id);
    expect(outcome.kind, id).toBe("failed");
  }
});

/** Takes the runner's own listeners away while something goes wrong on purpose. */
async function withoutListeners<T>(
  event: "unhandledRejection" | "uncaughtException",
  work: () => Promise<T>,
): Promise<T> {
  const listeners = process.rawListeners(event) as ((...values: unknown[]) => void)[];
  process.removeAllListeners(event);
  try {
    return await work();
  } finally {
    for (const listener of listeners) process.on(event, listener);
  }
}

/** A client whose shape is none of the four, with the capabilities of one. */
const outsider = overlay(nodeAdapter, { facade: "mine", ownCases: {} });

test.each(["A-02", "B-26", "P-01", "T-04", "W-06", "X-06", "X-07"])(
  "a client with a shape of its own passes %s",
  { timeout: testTimeoutMs },
  async (id) => {
    expect(await outcomeOf(outsider, id)).toEqual({ kind: "passed" });
  },
);

test("a client with a shape of its own needs no cases of its own, and runs those that it has", async () => {
  const reason = "mine has no case S-06 of its own";
  expect(await outcomeOf(outsider, "S-06")).toEqual({ kind: "skipped", reason, applies: true });
  const withOwn = overlay(outsider, { ownCases: { "W-08": async () => undefined } });
  expect(await outcomeOf(withOwn, "W-08")).toEqual({ kind: "passed" });
  // What is about one of the four alone is not for others.
  const other = { kind: "skipped", reason: "for node alone: P-09 is the same for the others", applies: false };
  expect(await outcomeOf(outsider, "P-10")).toEqual(other);
  // Of the four, each has the words of its SDK.
  expect(await outcomeOf(overlay(nodeAdapter, { ownCases: {} }), "S-06")).toMatchObject({ kind: "failed" });
});

test("a rejection that nobody handles fails the case", async () => {
  const stray: Lies = {
    session: (honest) => ({
      waitUp: async () => {
        void Promise.reject(new Error("stray"));
        return honest.waitUp();
      },
    }),
  };
  const outcome = await withoutListeners("unhandledRejection", async () =>
    outcomeOf(lyingAdapter(nodeAdapter, stray), "W-01"),
  );
  expect(outcome).toMatchObject({
    kind: "failed",
    message: expect.stringContaining("unhandled rejection: Error: stray"),
  });
});

test("an exception that nobody catches fails the case", async () => {
  const stray: Lies = {
    session: (honest) => ({
      waitUp: async () => {
        setImmediate(() => {
          throw new Error("stray");
        });
        return honest.waitUp();
      },
    }),
  };
  const outcome = await withoutListeners("uncaughtException", async () =>
    outcomeOf(lyingAdapter(nodeAdapter, stray), "W-01"),
  );
  expect(outcome).toMatchObject({
    kind: "failed",
    message: expect.stringContaining("uncaught exception: Error: stray"),
  });
});

test("a case that waits for something is skipped, and says for what", async () => {
  const outcome = await outcomeOf(nodeAdapter, "D-07");
  expect(outcome).toEqual({
    kind: "skipped",
    reason: expect.stringContaining("not yet: the server has no way"),
    applies: true,
  });
});

test("a case whose facade lacks something is skipped, and says what", async () => {
  const lacking = overlay(nodeAdapter, { capabilities: new Set() });
  expect(await outcomeOf(lacking, "W-06")).toEqual({
    kind: "skipped",
    reason: "node has no waitTimeout",
    applies: true,
  });
});
