import { expect, test } from "vitest";
import { SessionRig } from "../testing/session-rig.js";
import { type SessionEvent, type SessionState, sessionTransitions } from "./session-states.js";
import type { StopPolicy } from "./sync-options.js";

/**
 * What is seen of a session when an event meets a state: the new state, then what the loop was told, that the
 * connection's listeners were told (`heard`), that a wait failed (`failed`), and that the file's next opening gets
 * another session (`gone`). A dash: nothing happens.
 */
const expected: Readonly<Record<SessionEvent, Readonly<Record<SessionState, string>>>> = {
  pause: {
    active: "paused: deactivate heard failed",
    dying: "paused: deactivate gone",
    inactive: "paused:",
    "waiting-for-access-token": "paused:",
    paused: "-",
  },
  resume: {
    active: "-",
    dying: "active: activate",
    inactive: "active: activate",
    "waiting-for-access-token": "-",
    paused: "active: activate",
  },
  "resume-without-token": {
    active: "-",
    dying: "waiting-for-access-token: deactivate-lingering",
    inactive: "waiting-for-access-token:",
    "waiting-for-access-token": "-",
    paused: "waiting-for-access-token:",
  },
  revive: {
    active: "-",
    dying: "active: activate",
    inactive: "active: activate",
    "waiting-for-access-token": "-",
    paused: "-",
  },
  "revive-without-token": {
    active: "-",
    dying: "waiting-for-access-token: deactivate-lingering",
    inactive: "waiting-for-access-token:",
    "waiting-for-access-token": "-",
    paused: "-",
  },
  token: {
    active: "-",
    dying: "-",
    inactive: "-",
    "waiting-for-access-token": "active: activate",
    paused: "-",
  },
  "force-close": {
    active: "inactive: deactivate heard failed",
    dying: "inactive: deactivate gone",
    inactive: "-",
    "waiting-for-access-token": "inactive:",
    paused: "-",
  },
  "detach-after-upload": {
    active: "dying: finish heard failed",
    dying: "-",
    inactive: "inactive: failed gone",
    "waiting-for-access-token": "inactive: failed gone",
    paused: "inactive: failed gone",
  },
  "detach-immediately": {
    active: "inactive: deactivate-lingering heard failed gone",
    dying: "-",
    inactive: "inactive: failed gone",
    "waiting-for-access-token": "inactive: failed gone",
    paused: "inactive: failed gone",
  },
  "detach-never": {
    active: "-",
    dying: "-",
    inactive: "inactive: failed gone",
    "waiting-for-access-token": "-",
    paused: "inactive: failed gone",
  },
  uploaded: {
    active: "-",
    dying: "inactive: deactivate-lingering gone",
    inactive: "-",
    "waiting-for-access-token": "-",
    paused: "-",
  },
  stop: {
    active: "inactive: deactivate heard failed",
    dying: "inactive: deactivate gone",
    inactive: "-",
    "waiting-for-access-token": "inactive:",
    paused: "-",
  },
};

/** Brings a session into a state, each in the way in which an application does. */
async function reach(state: SessionState, stopPolicy: StopPolicy): Promise<SessionRig> {
  const rig = new SessionRig({ stopPolicy });
  const { session, user } = rig;
  switch (state) {
    case "active":
      rig.connect();
      break;
    case "dying":
      session.detach();
      break;
    case "inactive":
      session.forceClose();
      break;
    case "waiting-for-access-token":
      session.forceClose();
      user.needsRefresh = true;
      session.revive();
      break;
    case "paused":
      session.pause();
      break;
  }
  await rig.host.run();
  expect(session.state).toBe(state);
  return rig;
}

const failure = { status: 1037, message: "no", isFatal: true, logUrl: "", isClientReset: false, writes: [] };

function fire(rig: SessionRig, event: SessionEvent): void {
  const { session, user, generation } = rig;
  user.needsRefresh = event === "resume-without-token" || event === "revive-without-token";
  switch (event) {
    case "pause":
      return session.pause();
    case "resume":
    case "resume-without-token":
      return session.resume();
    case "revive":
    case "revive-without-token":
      return session.revive();
    case "token":
      return session.onToken();
    case "force-close":
      return session.forceClose();
    case "detach-after-upload":
    case "detach-immediately":
    case "detach-never":
      return session.detach();
    case "uploaded":
      return rig.emit({ type: "finished", session: session.id, generation });
    case "stop":
      return session.onError(failure, "stop");
  }
}

function policyOf(event: SessionEvent, state: SessionState): StopPolicy {
  if (state === "dying") return "after-upload";
  if (event === "detach-immediately") return "immediately";
  return event === "detach-never" ? "never" : "after-upload";
}

async function outcome(state: SessionState, event: SessionEvent): Promise<string> {
  const rig = await reach(state, policyOf(event, state));
  const { session, host, posted, manager } = rig;
  const seen: string[] = [];
  session.connectionListeners.add((now) => seen.push(now === "disconnected" ? "heard" : now));
  // A session that is dying is nobody's: there is nothing to wait for.
  if (state !== "dying") session.waitForDownload().catch(() => seen.push("failed"));
  await host.run();
  const before = posted.length;
  fire(rig, event);
  const told = posted.slice(before).flatMap((command) => {
    if (command.type === "deactivate") return command.mayLinger ? ["deactivate-lingering"] : ["deactivate"];
    return command.type === "activate" || command.type === "finish" ? [command.type] : [];
  });
  await host.run();
  if (manager.existing("/file") !== session) seen.push("gone");
  const effects = [...told, ...seen];
  if (session.state === state && effects.length === 0) return "-";
  return [`${session.state}:`, ...effects].join(" ");
}

const states = Object.keys(sessionTransitions) as SessionState[];
const events = Object.keys(sessionTransitions.active) as SessionEvent[];
const cells = states.flatMap((state) => events.map((event) => [state, event] as const));

test("the table has every state and event that is expected, and no others", () => {
  expect(events.toSorted()).toEqual(Object.keys(expected).toSorted());
  for (const row of Object.values(expected)) expect(Object.keys(row).toSorted()).toEqual(states.toSorted());
});

test.each(cells)("%s × %s", async (state, event) => {
  expect(await outcome(state, event)).toBe(expected[event][state]);
  // What the table says to do is what was seen to be done.
  const isNothing = sessionTransitions[state][event] === null;
  expect(isNothing).toBe(expected[event][state] === "-");
});

test("nothing takes up a session whose user is logged out", () => {
  const rig = new SessionRig();
  const { session, user } = rig;
  session.pause();
  user.isLoggedIn = false;
  session.resume();
  session.revive();
  expect(session.state).toBe("paused");
});
