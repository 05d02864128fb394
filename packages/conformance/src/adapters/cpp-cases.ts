/**
 * Cases that are about what the cpp facade alone has, or has in its own way.
 *
 * @module
 */

import * as realm from "@tidemark/cpp";
import type { OwnCase, TestRealm } from "../adapter.js";
import { dog, dogModel, type Stage } from "../harness/stage.js";

/** The members of a dog that conditions look at. */
interface Dog {
  _id: number;
  name: string;
  age: number;
}

type DogClass = realm.model<Dog, object>;

function dbOf({ native }: TestRealm): realm.db {
  if (native instanceof realm.db) return native;
  throw new Error("not a database of this facade");
}

function sessionOf(given: TestRealm): realm.sync_session {
  const session = dbOf(given).get_sync_session();
  if (session) return session;
  throw new Error("the database has no session");
}

/** The class of dogs, declared as the databases of the suite have it. */
function dogClass(): DogClass {
  const members = {
    _id: realm.primary_key(realm.int64),
    name: realm.string,
    age: realm.int64,
    tags: realm.vector(realm.string),
  };
  return realm.schema("Dog", members) as unknown as DogClass;
}

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "nothing was thrown";
}

const sessions: Readonly<Record<string, OwnCase>> = {
  "S-06": async (stage) => {
    const { realm: opened } = await stage.readyDevice();
    const session = sessionOf(opened);
    opened.close();
    const text = "Realm: Error accessing sync_session which has been destroyed.";
    await stage.eventually(() => textOf(thrown(() => session.state())) === text, "the session is destroyed");
    const calls = [
      () => session.state(),
      () => session.connection_state(),
      () => session.pause(),
      () => session.resume(),
      () => session.reconnect(),
    ];
    for (const call of calls) {
      const error = thrown(call);
      stage.check(error instanceof realm.runtime_error, `a runtime_error: ${String(error)}`);
      stage.equal(textOf(error), text, "message");
    }
    const error = await session.wait_for_upload_completion().catch((reason: unknown) => reason);
    stage.equal(textOf(error), text, "what the future rejects with");
  },
};

const waits: Readonly<Record<string, OwnCase>> = {
  "W-12": async (stage) => {
    const { realm: opened } = await stage.readyDevice();
    const session = sessionOf(opened);
    const results: realm.status[] = [];
    opened.write(() => opened.create("Dog", dog(1)));
    const answers: unknown[] = [
      session.wait_for_upload_completion((result) => void results.push(result)),
      session.wait_for_download_completion((result) => void results.push(result)),
    ];
    stage.equal(
      answers.map((answer) => answer === undefined),
      [true, true],
      "whether nothing is answered",
    );
    await stage.eventually(() => results.length === 2, "both are called");
    await stage.sleep(100);
    stage.equal(
      results.map((result) => [result.is_ok(), result.code_string(), result.reason()]),
      [
        [true, "OK", ""],
        [true, "OK", ""],
      ],
      "results",
    );
  },
  "W-13": async (stage) => {
    const { realm: opened, proxy } = await stage.readyDevice();
    const session = sessionOf(opened);
    proxy.blackhole();
    opened.write(() => opened.create("Dog", dog(1)));
    const futures = [session.wait_for_upload_completion(), session.wait_for_download_completion()];
    session.pause();
    for (const one of futures) {
      const error = await one.get().catch((reason: unknown) => reason);
      stage.check(error instanceof realm.exception, `an exception: ${String(error)}`);
      stage.equal((error as realm.exception).code_string(), "OperationAborted", "code");
    }
  },
};

const connections: Readonly<Record<string, OwnCase>> = {
  "C-07": async (stage) => {
    const { realm: opened } = await stage.readyDevice();
    const calls: unknown[] = [];
    sessionOf(opened).observe_connection_change((old_state, new_state) => void calls.push([old_state, new_state]));
    sessionOf(opened).pause();
    await stage.eventually(() => calls.length > 0, "the observer is called");
    stage.equal(calls, [["connected", "disconnected"]], "old state, then new state");
  },
  "C-08": async (stage) => {
    const { realm: opened } = await stage.readyDevice();
    const calls: unknown[] = [];
    sessionOf(opened).observe_connection_change((old_state, new_state) => void calls.push([old_state, new_state]));
    opened.close();
    await stage.eventually(() => calls.length > 0, "the last change is delivered");
    stage.equal(calls, [["connected", "disconnected"]], "changes");
  },
  "C-10": async (stage) => {
    const session = sessionOf((await stage.readyDevice()).realm);
    const token = session.observe_connection_change(() => undefined);
    session.unregister_connection_change_observer(token);
    session.unregister_connection_change_observer(token);
    session.unregister_connection_change_observer(-1);
  },
};

async function emptySet(stage: Stage): Promise<realm.sync_subscription_set> {
  return dbOf(await (await stage.device()).open({ subscriptions: [] })).subscriptions();
}

const subscriptions: Readonly<Record<string, OwnCase>> = {
  "B-08": async (stage) => {
    const set = await emptySet(stage);
    const model = dogClass();
    const isDone = await set.update((mutable) => {
      for (const name of ["a", "b", "c"]) mutable.add(model, name);
      stage.check((mutable.remove("a") as unknown) === undefined, "removing answers nothing");
      stage.equal([mutable.size(), mutable.find("a")], [2, undefined], "by name");
      mutable.clear();
      stage.equal(mutable.size(), 0, "all");
    });
    stage.equal([isDone, set.size()], [true, 0], "update, and what is left");
  },
  "B-09": async (stage) => {
    const set = await emptySet(stage);
    for (const call of ["remove", "update_subscription"] as const) {
      const error = thrown(() => {
        void set.update((mutable) => {
          if (call === "remove") mutable.remove("none");
          else mutable.update_subscription(dogClass(), "none");
        });
      });
      stage.check(error instanceof realm.logic_error, `a logic_error: ${String(error)}`);
      stage.equal(textOf(error), "Subscription cannot be found", "message");
    }
  },
  "B-14b": async (stage) => {
    const set = await emptySet(stage);
    const bad = set.update((mutable) => mutable.add(dogClass(), "bad", (one) => one.age.eq(one._id)));
    stage.equal(await bad.get(), false, "a comparison of two fields");
    const good = set.update((mutable) => mutable.update_subscription(dogClass(), "bad", (one) => one.age.gt(3)));
    stage.equal(await good.get(), true, "a comparison with a constant");
  },
  "B-29": async (stage) => {
    const local = await stage.adapter.openLocal({ directory: await stage.directory(), models: [dogModel] });
    const error = thrown(() => dbOf(local).subscriptions());
    stage.check(error instanceof realm.logic_error, `a logic_error: ${String(error)}`);
    local.close();
  },
};

/** The cases by their ids. */
export const cppCases: Readonly<Record<string, OwnCase>> = {
  ...sessions,
  ...waits,
  ...connections,
  ...subscriptions,
};
