/** Every reason for a client reset, in every mode: what the files hold in the end, and what the application is told. */

import { existsSync } from "node:fs";
import { type ClientResetConfig, ClientResetError, type ClientResetReport, Realm } from "@tidemark/node";
import { describe, expect, test, vi } from "vitest";
import {
  type Device,
  eventually,
  type PlainTask,
  type Refusal,
  Rig,
  taskSchema,
  tasksOf,
} from "./testing/reset-rig.js";

type Mode = ClientResetConfig["mode"];

// Most of a test is waiting: for the disk, and for clients that come back.
vi.setConfig({ testTimeout: 60_000, maxConcurrency: 6 });

const dayMs = 24 * 60 * 60_000;

/** What the application was told, in order. */
class Told {
  readonly calls: string[] = [];
  readonly reports: ClientResetReport[] = [];
  readonly errors: unknown[] = [];
  before: readonly PlainTask[] = [];
  beforeAfter: readonly PlainTask[] = [];
  after: readonly PlainTask[] = [];
  path = "";

  config(mode: Mode): ClientResetConfig {
    const onReport = (_: Realm.SyncSession, report: ClientResetReport): void => {
      this.calls.push("report");
      this.reports.push(report);
    };
    if (mode === "manual") {
      return { mode, onReport, onManual: (_, path) => this.#atEnd("manual", path) };
    }
    const callbacks = {
      onReport,
      onBefore: (local: Realm) => {
        this.calls.push("before");
        this.before = tasksOf(local);
      },
      onAfter: (local: Realm, remote: Realm) => {
        this.calls.push("after");
        this.beforeAfter = tasksOf(local);
        this.after = tasksOf(remote);
      },
    };
    if (mode === "discardUnsyncedChanges") return { mode, ...callbacks };
    return { mode, ...callbacks, onFallback: (_, path) => this.#atEnd("fallback", path) };
  }

  #atEnd(call: string, path: string): void {
    this.calls.push(call);
    this.path = path;
  }

  onError = (_: Realm.SyncSession, error: unknown): void => {
    this.calls.push("error");
    this.errors.push(error);
  };
}

interface Trigger {
  readonly title: string;
  /** What the server says to the file. */
  readonly code: number;
  readonly options?: ConstructorParameters<typeof Rig>[0];
  /** How many file idents are given away first. */
  readonly identsWasted?: number;
  /** Before the device goes offline. */
  prepare?(setting: Setting): Promise<void>;
  /** While it is offline: makes the server demand a reset of it. */
  pull(setting: Setting): Promise<void>;
}

interface Setting {
  readonly rig: Rig;
  readonly device: Device;
  readonly peer: Device;
}

/** The other device starts over first. */
async function restoreBackup({ rig, device, peer }: Setting): Promise<void> {
  await rig.restore();
  await eventually(() => expect(rig.identsOf(peer.userId).length).toBe(2));
  await peer.sync();
  expect(rig.identsOf(device.userId)).toHaveLength(1);
}

/**
 * A device that finds a server without anything makes what everybody had; then the other one starts over. Before, its
 * reset would fail: the server would not know its classes.
 */
async function refill(rig: Rig, peer: Device): Promise<void> {
  const first = await rig.device();
  makeTasks(first);
  await first.sync();
  peer.session.resume();
  await eventually(() => expect(rig.identsOf(peer.userId).length).toBe(2));
  await peer.sync();
}

/** Many versions of the server. */
async function writeMuch(peer: Device): Promise<void> {
  for (let count = 0; count < 20; count += 1) {
    peer.edit(3, (task) => (task.priority = count));
    await peer.sync();
  }
}

function refused(refusal: Refusal): Trigger {
  return {
    title: `refused with ${refusal.code}`,
    code: refusal.code,
    pull: ({ rig, device }) => {
      rig.refuse(device.userId, refusal);
      return Promise.resolve();
    },
  };
}

/** What everybody has before, as a device makes it that finds nothing. */
function makeTasks(device: Device): void {
  for (const key of [1, 2, 3, 4]) device.create(key);
  device.edit(1, (task) => task.tags.push("first"));
}

const triggers: readonly Trigger[] = [
  {
    title: "away for longer than the maximum offline time",
    code: 222,
    options: { maxOfflineMs: dayMs },
    pull: async ({ rig, peer }) => {
      // Time counts while the server is up: it comes in steps.
      while (rig.server.metrics.total("clientFilesExpired") === 0) {
        rig.host.pass(dayMs / 24);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await peer.sync();
    },
  },
  {
    title: "a backup is restored, the file is ahead",
    code: 209,
    prepare: async (setting) => {
      await setting.rig.backUp();
      await writeMuch(setting.peer);
      await setting.device.sync();
    },
    pull: restoreBackup,
  },
  {
    title: "a backup is restored, and others went on from it",
    code: 211,
    prepare: async (setting) => {
      await setting.rig.backUp();
      setting.peer.create(30);
      await setting.peer.sync();
      await setting.device.sync();
    },
    pull: async (setting) => {
      await restoreBackup(setting);
      await writeMuch(setting.peer);
      setting.peer.edit(3, (task) => (task.priority = 0));
      await setting.peer.sync();
    },
  },
  {
    title: "another ledger, which does not know the file",
    code: 208,
    identsWasted: 20,
    pull: async ({ rig, peer }) => {
      peer.session.pause();
      await rig.restore();
      await refill(rig, peer);
    },
  },
  {
    title: "the history that it needs is trimmed",
    code: 222,
    pull: ({ rig, device }) => {
      rig.trimFor(device.userId);
      return Promise.resolve();
    },
  },
  {
    title: "the operator resets the file",
    code: 208,
    pull: async ({ rig, device }) => {
      const app = await rig.app();
      expect(await app.forceReset(rig.identsOf(device.userId).at(-1) ?? "")).toBe(true);
    },
  },
  {
    title: "synchronisation is terminated",
    code: 208,
    identsWasted: 20,
    pull: async ({ rig, peer }) => {
      peer.session.pause();
      await (await rig.app()).terminate();
      await refill(rig, peer);
    },
  },
  refused({ code: 210 }),
  refused({ code: 211 }),
  refused({ code: 217 }),
];

/** Runs a test with two devices that hold the same tasks; the first is offline. */
async function onStage(
  mode: Mode,
  told: Told,
  run: (setting: Setting) => Promise<void>,
  trigger?: Trigger,
): Promise<void> {
  const rig = new Rig(trigger?.options);
  try {
    await rig.start();
    if (trigger?.identsWasted !== undefined) await rig.wasteIdents(trigger.identsWasted);
    const peer = await rig.device({ clientReset: { mode: "recoverUnsyncedChanges" } });
    makeTasks(peer);
    await peer.sync();
    const device = await rig.device({ clientReset: told.config(mode), onError: told.onError });
    await device.sync();
    expect(device.tasks()).toEqual(peer.tasks());
    const setting = { rig, device, peer };
    await trigger?.prepare?.(setting);
    device.session.pause();
    await run(setting);
  } finally {
    await rig.end();
  }
}

/** What the device writes offline. */
function writeOffline(device: Device): void {
  device.create(10, "offline");
  device.edit(10, (task) => (task.priority = 7));
  device.edit(1, (task) => task.tags.push("offline"));
  device.edit(4, (task) => (task.name = "of no use"));
  device.delete(2);
}

/** What the other one writes meanwhile. */
async function writeMeanwhile(peer: Device): Promise<void> {
  peer.create(20, "meanwhile");
  peer.edit(1, (task) => (task.name = "renamed"));
  peer.edit(1, (task) => task.tags.push("meanwhile"));
  peer.delete(4);
  await peer.sync();
}

const discarded: readonly PlainTask[] = [
  { _id: 1, name: "renamed", priority: 0, tags: ["first", "meanwhile"] },
  { _id: 2, name: "task 2", priority: 0, tags: [] },
  { _id: 3, name: "task 3", priority: 0, tags: [] },
  { _id: 20, name: "meanwhile", priority: 0, tags: [] },
];

const recovered: readonly PlainTask[] = [
  { _id: 1, name: "renamed", priority: 0, tags: ["first", "offline", "meanwhile"] },
  { _id: 3, name: "task 3", priority: 0, tags: [] },
  { _id: 10, name: "offline", priority: 7, tags: [] },
  { _id: 20, name: "meanwhile", priority: 0, tags: [] },
];

/** A device that never was there sees what the server has. */
async function freshTasks(rig: Rig): Promise<readonly PlainTask[]> {
  const fresh = await rig.device();
  await fresh.sync();
  return fresh.tasks();
}

/** What the device holds, the other one and a new one too. */
async function expectTasks({ rig, device, peer }: Setting, wanted: readonly PlainTask[]): Promise<void> {
  await device.sync();
  await peer.sync();
  expect(device.tasks()).toEqual(wanted);
  expect(peer.tasks()).toEqual(wanted);
  expect(await freshTasks(rig)).toEqual(wanted);
}

const namesOf = (reports: readonly ClientResetReport[]): unknown[] =>
  reports.flatMap(({ dropped }) => dropped.map(({ primaryKey, property, reason }) => [primaryKey, property, reason]));

/** Everything that was written offline, as a discarding reset reports it. */
const allDiscarded = [
  [10, null, "discarded"],
  [10, "priority", "discarded"],
  [1, "tags", "discarded"],
  [4, "name", "discarded"],
  [2, null, "discarded"],
];

describe.each(triggers)("$title ($code)", { concurrent: true }, (trigger) => {
  function reset(
    mode: Mode,
    told: Told,
    check: (setting: Setting, local: readonly PlainTask[]) => Promise<void>,
  ): Promise<void> {
    const run = async (setting: Setting): Promise<void> => {
      writeOffline(setting.device);
      const local = setting.device.tasks();
      await trigger.pull(setting);
      await writeMeanwhile(setting.peer);
      setting.device.session.resume();
      await check(setting, local);
      expect(setting.rig.codesOf(setting.device.userId)).toEqual([trigger.code]);
    };
    return onStage(mode, told, run, trigger);
  }

  test.each(["recoverUnsyncedChanges", "recoverOrDiscardUnsyncedChanges"] as const)("%s", async (mode) => {
    const told = new Told();
    await reset(mode, told, async (setting, local) => {
      await expectTasks(setting, recovered);
      expect(told.calls).toEqual(["before", "after", "report"]);
      expect([told.before, told.beforeAfter]).toEqual([local, local]);
      expect(told.after).toEqual(recovered);
      expect(namesOf(told.reports)).toEqual([[4, "name", "object-missing"]]);
      expect(told.reports).toMatchObject([{ mode: "recover", droppedCount: 1 }]);
    });
  });

  test("discardUnsyncedChanges", async () => {
    const told = new Told();
    await reset("discardUnsyncedChanges", told, async (setting, local) => {
      await expectTasks(setting, discarded);
      expect(told.calls).toEqual(["before", "after", "report"]);
      expect([told.before, told.beforeAfter]).toEqual([local, local]);
      expect(told.after).toEqual(discarded);
      expect(namesOf(told.reports)).toEqual(allDiscarded);
    });
  });

  test("manual", async () => {
    const told = new Told();
    await reset("manual", told, async (setting, local) => {
      const { device } = setting;
      await eventually(() => expect(told.calls).toEqual(["manual"]));
      expect(device.session.state).toBe("inactive");
      expect(device.tasks()).toEqual(local);
      await expectManual(device, told.path, local);
      await expectTasks(setting, discarded);
    });
  });
});

/** The application sets the file aside; the next opening downloads everything. */
async function expectManual(device: Device, path: string, local: readonly PlainTask[]): Promise<void> {
  const { path: original } = device.realm;
  expect(existsSync(path)).toBe(false);
  expect(() => Realm.App.Sync.initiateClientReset(device.app, original)).toThrow("could not be run");
  device.close();
  Realm.App.Sync.initiateClientReset(device.app, original);
  expect([existsSync(original), existsSync(path)]).toEqual([false, true]);
  const kept = new Realm({ path, readOnly: true, schema: [taskSchema], openSyncedRealmLocally: true });
  expect(tasksOf(kept)).toEqual(local);
  kept.close();
  device.reopen();
  await device.realm.subscriptions.waitForSynchronization();
}

describe("the server forbids recovery", { concurrent: true }, () => {
  const refusal: Refusal = { code: 208, action: "ClientResetNoRecovery" };

  function reset(
    mode: Mode,
    told: Told,
    check: (setting: Setting, local: readonly PlainTask[]) => Promise<void>,
  ): Promise<void> {
    return onStage(mode, told, async (setting) => {
      const { rig, device, peer } = setting;
      writeOffline(device);
      const local = device.tasks();
      rig.refuse(device.userId, refusal);
      await writeMeanwhile(peer);
      device.session.resume();
      await check(setting, local);
    });
  }

  test("recoverUnsyncedChanges gives up, and the file is as it was", async () => {
    const told = new Told();
    await reset("recoverUnsyncedChanges", told, async ({ device }, local) => {
      await eventually(() => expect(told.calls).toEqual(["fallback"]));
      expect(device.session.state).toBe("inactive");
      expect(device.tasks()).toEqual(local);
      await expectManual(device, told.path, local);
    });
  });

  test("recoverOrDiscardUnsyncedChanges discards, reports everything, and says so by onFallback", async () => {
    const told = new Told();
    await reset("recoverOrDiscardUnsyncedChanges", told, async (setting) => {
      await expectTasks(setting, discarded);
      expect(told.calls).toEqual(["before", "fallback", "report"]);
      expect(told.path).toBe(setting.device.realm.path);
      expect(namesOf(told.reports)).toEqual(allDiscarded);
    });
  });

  test("discardUnsyncedChanges", async () => {
    const told = new Told();
    await reset("discardUnsyncedChanges", told, async (setting) => {
      await expectTasks(setting, discarded);
      expect(told.calls).toEqual(["before", "after", "report"]);
    });
  });
});

describe("an upload that is larger than the server takes (close code 1009)", { concurrent: true }, () => {
  /** What compression does not make smaller. */
  const noise = Array.from({ length: 40_000 }, () => Math.random().toString(36).at(-1)).join("");
  const options = { limits: { messageBytesMax: 20_000 } };
  const trigger = { title: "", code: 1009, options, pull: () => Promise.resolve() };

  function write(
    mode: Mode,
    told: Told,
    check: (setting: Setting, local: readonly PlainTask[]) => Promise<void>,
  ): Promise<void> {
    const run = async (setting: Setting): Promise<void> => {
      setting.device.create(10, noise);
      const local = setting.device.tasks();
      setting.device.session.resume();
      await check(setting, local);
    };
    return onStage(mode, told, run, trigger);
  }

  test("recoverUnsyncedChanges tries once and gives up; nothing is lost", async () => {
    const told = new Told();
    await write("recoverUnsyncedChanges", told, async ({ device }, local) => {
      await eventually(() => expect(told.calls).toEqual(["before", "after", "report", "fallback"]));
      expect(device.session.state).toBe("inactive");
      expect(device.tasks()).toEqual(local);
      await expectManual(device, told.path, local);
    });
  });

  test("recoverOrDiscardUnsyncedChanges discards the second time", async () => {
    const told = new Told();
    await write("recoverOrDiscardUnsyncedChanges", told, async (setting) => {
      const wanted = ["before", "after", "report", "before", "fallback", "report"];
      await eventually(() => expect(told.calls).toEqual(wanted));
      await expectTasks(setting, setting.peer.tasks());
      expect(namesOf(told.reports)).toEqual([[10, null, "discarded"]]);
    });
  });

  test("discardUnsyncedChanges", async () => {
    const told = new Told();
    await write("discardUnsyncedChanges", told, async (setting) => {
      await eventually(() => expect(told.calls).toEqual(["before", "after", "report"]));
      await expectTasks(setting, setting.peer.tasks());
      expect(namesOf(told.reports)).toEqual([[10, null, "discarded"]]);
    });
  });

  test("manual", async () => {
    const told = new Told();
    await write("manual", told, async ({ device }, local) => {
      await eventually(() => expect(told.calls).toEqual(["manual"]));
      await expectManual(device, told.path, local);
    });
  });

  test("only the session that sent it is reset", async () => {
    const told = new Told();
    await write("discardUnsyncedChanges", told, async ({ rig, device }) => {
      const user = device.app.currentUser as Realm.User;
      const path = `${device.realm.path}-beside`;
      const beside = new Realm({ path, schema: [taskSchema], sync: { user, flexible: true } });
      rig.onEnd(() => beside.close());
      await eventually(() => expect(told.calls).toEqual(["before", "after", "report"]));
      await beside.syncSession?.downloadAllServerChanges();
      // Two of the file that was reset, one of the other.
      expect(rig.identsOf(user.id)).toHaveLength(3);
    });
  });
});

describe("a reset that does not help", { concurrent: true }, () => {
  test.each([
    ["recoverUnsyncedChanges", ["before", "after", "report", "fallback"]],
    ["recoverOrDiscardUnsyncedChanges", ["before", "after", "report", "before", "fallback", "report", "fallback"]],
    ["discardUnsyncedChanges", ["before", "after", "report", "error"]],
  ] as const)("%s gives up by the rules", async (mode, calls) => {
    const told = new Told();
    await onStage(mode, told, async ({ rig, device }) => {
      writeOffline(device);
      rig.refuse(device.userId, { code: 208, isLasting: true });
      device.session.resume();
      await eventually(() => expect(told.calls).toEqual(calls));
      expect(device.session.state).toBe("inactive");
      for (const error of told.errors) expect(error).toBeInstanceOf(ClientResetError);
    });
  });
});
