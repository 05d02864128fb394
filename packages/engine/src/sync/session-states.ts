/**
 * The states of a session as the application sees it, and what each event makes of them (sdk-surfaces §2.1). Pure.
 *
 * @module
 */

/**
 * - `active`: it synchronises, or tries to.
 * - `dying`: its last realm is closed; it uploads what there is, then ends.
 * - `inactive`: it was ended by an error, by a log-out, or has not begun.
 * - `waiting-for-access-token`: it begins when the user has a token.
 * - `paused`: the application has stopped it; nothing but `resume` takes it up again.
 */
export type SessionState = "active" | "dying" | "inactive" | "waiting-for-access-token" | "paused";

/** What may happen to a session. */
export type SessionEvent =
  | "pause"
  /** The application resumes it, and the user's access token can be used. */
  | "resume"
  /** The same, and the token has expired. */
  | "resume-without-token"
  /** Something but the application's `resume` wants it to run: a realm is opened, the user has logged in. */
  | "revive"
  | "revive-without-token"
  /** The user has a token, or none can be had just now: in both cases it may try. */
  | "token"
  /** The user was logged out, or whatever it ran for was given up. */
  | "force-close"
  /** The last realm is closed; what is to be uploaded goes first. */
  | "detach-after-upload"
  | "detach-immediately"
  | "detach-never"
  /** The loop says that everything is uploaded. */
  | "uploaded"
  /** An error that ends the session. */
  | "stop";

/** What a transition does, in this order. */
export type SessionAction =
  /** The loop begins, or takes up again what was about to end; waits that were queued begin. */
  | "activate"
  | "request-token"
  /** The loop uploads what there is. */
  | "finish"
  /** The loop ends. Its connection, if nobody else uses it, is closed at once. */
  | "deactivate"
  /** The same, and the connection stays for a while. */
  | "deactivate-lingering"
  /** The connection's listeners hear of `disconnected`. */
  | "disconnect"
  /** Waiters for subscriptions fail, then other waits. */
  | "fail-waits"
  /** Nobody needs the session any more: the next opening of the file makes a new one. */
  | "forget";

/** What an event makes of a state. */
export interface Transition {
  readonly to: SessionState;
  readonly actions: readonly SessionAction[];
}

function to(state: SessionState, ...actions: readonly SessionAction[]): Transition {
  return { to: state, actions };
}

const begin = to("active", "activate");
const askForToken = to("waiting-for-access-token", "request-token");
/** What the loop has begun ends: a connection with an expired token is about to end too. */
const turnBackForToken = to("waiting-for-access-token", "deactivate-lingering", "request-token");
const end = to("inactive", "deactivate", "disconnect", "fail-waits");
const endLingering = to("inactive", "deactivate-lingering", "disconnect", "fail-waits", "forget");
const endForGood = to("inactive", "deactivate", "disconnect", "fail-waits", "forget");
const pause = to("paused", "deactivate", "disconnect", "fail-waits");
/** Nobody has the file open: who opens it next begins anew, as after a pause before the closing. */
const pauseForGood = to("paused", "deactivate", "disconnect", "fail-waits", "forget");
/** The loop has nothing of the session. */
const leave = to("inactive", "disconnect", "fail-waits", "forget");

/** State × event → state and actions; `null` where nothing happens. */
export const sessionTransitions: Readonly<Record<SessionState, Readonly<Record<SessionEvent, Transition | null>>>> = {
  active: {
    pause,
    resume: null,
    "resume-without-token": null,
    revive: null,
    "revive-without-token": null,
    token: null,
    "force-close": end,
    "detach-after-upload": to("dying", "finish", "disconnect", "fail-waits"),
    "detach-immediately": endLingering,
    "detach-never": null,
    uploaded: null,
    stop: end,
  },
  dying: {
    pause: pauseForGood,
    resume: begin,
    "resume-without-token": turnBackForToken,
    revive: begin,
    "revive-without-token": turnBackForToken,
    token: null,
    "force-close": endForGood,
    "detach-after-upload": null,
    "detach-immediately": null,
    "detach-never": null,
    uploaded: endLingering,
    stop: endForGood,
  },
  inactive: {
    pause: to("paused"),
    resume: begin,
    "resume-without-token": askForToken,
    revive: begin,
    "revive-without-token": askForToken,
    token: null,
    "force-close": null,
    "detach-after-upload": leave,
    "detach-immediately": leave,
    "detach-never": leave,
    uploaded: null,
    stop: null,
  },
  "waiting-for-access-token": {
    pause: to("paused", "disconnect", "fail-waits"),
    resume: null,
    "resume-without-token": null,
    revive: null,
    "revive-without-token": null,
    token: begin,
    "force-close": to("inactive", "disconnect", "fail-waits"),
    "detach-after-upload": leave,
    "detach-immediately": leave,
    "detach-never": null,
    uploaded: null,
    stop: to("inactive", "disconnect", "fail-waits"),
  },
  paused: {
    pause: null,
    resume: begin,
    "resume-without-token": askForToken,
    // A pause lasts (decision 6).
    revive: null,
    "revive-without-token": null,
    token: null,
    "force-close": null,
    "detach-after-upload": leave,
    "detach-immediately": leave,
    "detach-never": leave,
    uploaded: null,
    stop: null,
  },
};
