import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { db } from "../db.js";
import { db_config } from "../db-config.js";
import { exception, logic_error, runtime_error, type status } from "../errors.js";
import { future, future_status } from "../future.js";
import { turn } from "../testing/folder.js";
import { Dog } from "../testing/models.js";
import { useServer } from "../testing/synced.js";
import { session_stop_policy } from "./sync-config.js";
import { sync_session } from "./sync-session.js";

const synced = useServer();
const destroyed = "Realm: Error accessing sync_session which has been destroyed.";

function sessionOf(database: db): sync_session {
  const session = database.get_sync_session();
  if (session === undefined) throw new Error("the database has no session");
  return session;
}

async function connected(session: sync_session): Promise<void> {
  await expect.poll(() => session.connection_state(), { timeout: 10_000 }).toBe("connected");
}

/** Opens, closes at once, and answers a handle of the session that was. */
async function closedSession(): Promise<sync_session> {
  const database = (await synced.device("gone")).open((config) => {
    config.sync_config().set_stop_policy(session_stop_policy.immediately);
  });
  const session = sessionOf(database);
  database.close();
  return session;
}

describe("handles", () => {
  test("two calls give equal handles, those of other files differ", async () => {
    const device = await synced.device("handles");
    const [first, second] = [device.open(), device.open((config) => config.set_path(`${config.path()}.other`))];
    expect(sessionOf(first)).not.toBe(sessionOf(first));
    expect(sessionOf(first).equals(sessionOf(first))).toBe(true);
    expect(sessionOf(first).equals(sessionOf(second))).toBe(false);
    expect(
      existsSync(
        first.get_sync_session() === undefined
          ? ""
          : device.app.path_for_realm(device.user.flexible_sync_configuration().sync_config()),
      ),
    ).toBe(true);
  });

  test("of a session that is gone, every method throws", async () => {
    const session = await closedSession();
    const calls = [
      () => session.state(),
      () => session.connection_state(),
      () => session.pause(),
      () => session.resume(),
      () => session.reconnect(),
      () => session.observe_connection_change(() => undefined),
      () => session.unregister_connection_change_observer(1),
      () => session.wait_for_upload_completion(() => undefined),
    ];
    for (const call of calls) expect(call).toThrow(new runtime_error("RuntimeError", destroyed));
    await expect(session.wait_for_upload_completion().get()).rejects.toThrow(destroyed);
    await expect(session.wait_for_download_completion()).rejects.toThrow(destroyed);
    expect(session.equals(session)).toBe(true);
  });

  test("a closed database uploads what is left while its session is dying", async () => {
    const device = await synced.device("dying");
    const database = await device.openSubscribed();
    const session = sessionOf(database);
    database.write(() => database.add(Dog({ _id: 1 })));
    database.close();
    expect(session.state()).toBe(sync_session.state.dying);
    await expect(session.wait_for_upload_completion().get()).rejects.toThrow(destroyed);
    await expect.poll(() => catchText(() => session.state()), { timeout: 10_000 }).toBe(destroyed);
  });
});

function catchText(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return (error as Error).message;
  }
}

describe("pause and resume", () => {
  // As pause_resume_sync of realm-cpp's own suite.
  test("both are seen in the states and by observers, which get the old state first", async () => {
    const session = sessionOf(await (await synced.device("pause")).openSubscribed());
    await connected(session);
    const seen: string[] = [];
    const token = session.observe_connection_change((old_state, new_state) => seen.push(`${old_state} ${new_state}`));
    session.pause();
    expect([session.state(), session.connection_state()]).toEqual(["paused", "disconnected"]);
    session.resume();
    expect(session.state()).toBe(sync_session.state.active);
    await connected(session);
    await turn();
    expect(seen).toEqual(["connected disconnected", "disconnected connecting", "connecting connected"]);
    session.unregister_connection_change_observer(token);
    session.unregister_connection_change_observer(token);
    session.unregister_connection_change_observer(-1);
    session.pause();
    await turn();
    expect(seen).toHaveLength(3);
  });

  test("tokens are of the session, whichever handle they come from", async () => {
    const database = await (await synced.device("tokens")).openSubscribed();
    let calls = 0;
    const token = sessionOf(database).observe_connection_change(() => (calls += 1));
    sessionOf(database).unregister_connection_change_observer(token);
    sessionOf(database).pause();
    await turn();
    expect(calls).toBe(0);
  });
});

describe("waits", () => {
  test("futures: get, wait_for, and both forms of the waits", async () => {
    const device = await synced.device("waits");
    const database = await device.openSubscribed();
    const session = sessionOf(database);
    database.write(() => database.add(Dog({ _id: 1, name: "Rex" })));
    const upload = session.wait_for_upload_completion();
    expect(upload).toBeInstanceOf(future);
    expect(await upload.get()).toBeUndefined();
    expect(await upload.wait_for(1)).toBe(future_status.ready);
    const results: status[] = [];
    expect(session.wait_for_download_completion((result) => results.push(result))).toBeUndefined();
    await expect.poll(() => results.length).toBe(1);
    expect([results[0]?.is_ok(), results[0]?.reason(), results[0]?.code_string()]).toEqual([true, "", "OK"]);
    const other = await (await synced.device("waits")).openSubscribed();
    await sessionOf(other).wait_for_download_completion().get();
    other.refresh();
    expect(other.objects(Dog)[0]?.name).toBe("Rex");
  });

  test("a pause ends pending waits; futures nobody asks are nobody's concern", async () => {
    const database = await (await synced.device("aborted")).openSubscribed();
    const session = sessionOf(database);
    const results: status[] = [];
    session.pause();
    database.write(() => database.add(Dog({ _id: 1 })));
    session.resume();
    session.wait_for_upload_completion((result) => results.push(result));
    const wait = session.wait_for_upload_completion();
    void session.wait_for_download_completion();
    session.pause();
    const error: unknown = await wait.get().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(exception);
    expect((error as exception).code_string()).toBe("OperationAborted");
    await expect.poll(() => results.length).toBe(1);
    expect([results[0]?.is_ok(), results[0]?.code_string(), results[0]?.reason()]).toEqual([
      false,
      "OperationAborted",
      "Sync session became inactive",
    ]);
  });

  test("a wait that begins in a pause lasts until it is over; wait_for says that it is not", async () => {
    const database = await (await synced.device("paused")).openSubscribed();
    const session = sessionOf(database);
    session.pause();
    database.write(() => database.add(Dog({ _id: 1 })));
    const wait = session.wait_for_upload_completion();
    expect(await wait.wait_for(50)).toBe("timeout");
    session.resume();
    await wait.wait();
    expect(await wait.wait_for(0)).toBe("ready");
  });
});

describe("configurations", () => {
  test("headers and proxies are for synced databases", async () => {
    const local = new db_config();
    expect(() => local.set_custom_http_headers({ a: "b" })).toThrow(
      new logic_error("IllegalOperation", "HTTP headers can only be set on a config for a synced Realm."),
    );
    expect(() => local.set_proxy_config({ address: "127.0.0.1", port: 1 })).toThrow(
      "Proxy configuration can only be set on a config for a synced Realm.",
    );
    expect(() => local.sync_config()).toThrow(logic_error);
    const config = (await synced.device("headers")).user.flexible_sync_configuration();
    config.set_custom_http_headers(new Map([["x-mine", "1"]]));
    expect(() => config.set_proxy_config({ address: "127.0.0.1", port: 1 })).toThrow(runtime_error);
  });

  test("what is not offered says so", () => {
    const config = new db_config();
    expect(config.path().endsWith("default.realm")).toBe(true);
    expect(config.get_client_reset_mode()).toBe("manual");
    expect(() => config.set_encryption_key(new Uint8Array(63))).toThrow(
      "The encryption key must be 64 bytes long, not 63",
    );
  });

  test("reconnect reaches all sessions of the app and leaves paused ones alone", async () => {
    const device = await synced.device("reconnect");
    const session = sessionOf(await device.openSubscribed());
    await connected(session);
    let changes = 0;
    session.observe_connection_change(() => (changes += 1));
    session.reconnect();
    await turn(50);
    expect([session.connection_state(), changes]).toEqual(["connected", 0]);
    session.pause();
    session.reconnect();
    expect(session.state()).toBe("paused");
  });
});
