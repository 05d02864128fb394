/**
 * What a facade must offer so that the shared suite can drive it: each verb in the facade's own idiom.
 *
 * @module
 */

import type { Stage } from "./harness/stage.js";

/**
 * A class as the suite writes it down: property name to type. `int`, `double`, `bool`, `string`, `date`, `data`,
 * `objectId`, `uuid`, `decimal128`, `mixed`, `counter`, `Dog` (a link, or an embedded object); `string?` may be null;
 * `string[]` is a list, `string<>` a set, `string{}` a dictionary; `Dog.owner` are the dogs whose `owner` links here.
 */
export interface Model {
  /** Of the class. */
  readonly name: string;
  /** Absent of classes that are embedded. */
  readonly primaryKey?: string;
  /** Types by the names of properties. */
  readonly properties: Readonly<Record<string, string>>;
  /** Whether objects live inside of others. */
  readonly embedded?: boolean;
  /** Whether objects are only sent. */
  readonly asymmetric?: boolean;
}

/** A subscription the suite asks for. */
export interface Subscribing {
  /** Absent: it has none. */
  readonly name?: string;
  /** Of which class objects are wanted. */
  readonly className: string;
  /** Absent: the whole class. */
  readonly query?: string;
  /** Whether a subscription of the same name gives way; absent: as the facade has it by itself. */
  readonly replaces?: boolean;
}

/** Session state, normalised: active and dying are active, everything else inactive. */
export type SessionState = "active" | "inactive";

/** States of a connection. */
export type ConnectionState = "disconnected" | "connecting" | "connected";

/** How a wait ended. A rejection is thrown, never returned. */
export type WaitOutcome = "done" | "timeout" | "cancelled";

/** How long to wait. */
export interface WaitOptions {
  /** After how many milliseconds the wait ends with `timeout`; absent: never. */
  readonly timeoutMs?: number;
}

/** What an error says, whatever its class. */
export interface ErrorInformation {
  /** As the facade has it. */
  readonly code: number | string | undefined;
  /** Its text. */
  readonly message: string;
  /** Whether the session cannot go on, where the facade says it. */
  readonly isFatal?: boolean;
  /** Of a client reset that is left to the application: where the file is, and where it will be. */
  readonly reset?: ResetPaths;
  /** Writes that the server took back. */
  readonly writes?: readonly UndoneWrite[];
}

/** Paths of a file whose client reset is left to the application. */
export interface ResetPaths {
  /** Where it is. */
  readonly original: string;
  /** Where it will be set aside. */
  readonly recovery: string;
}

/** A write that the server took back. */
export interface UndoneWrite {
  /** The object's class. */
  readonly className: string;
  /** Its primary key. */
  readonly key: Value;
  /** Why, in the server's words. */
  readonly reason: string;
}

/** Things a facade may lack: a case that needs one is skipped, visibly. */
export type Capability =
  | "progress"
  | "bytes"
  | "waitTimeout"
  | "waitCancel"
  | "isConnected"
  | "multiplexKnob"
  | "simulatedErrors"
  | "stopPolicy"
  /** State and version of the set of subscriptions. */
  | "subscriptionState"
  /** Lines of the log name the part that they come from. */
  | "logCategories"
  /** Times of the connection are settable. */
  | "timeouts"
  /** Users beside the current one are known. */
  | "manyUsers"
  /** Whether an anonymous user is taken again is up to the caller. */
  | "anonymousReuse"
  /** Properties whose changes add up. */
  | "counters"
  /** Reports of progress come to an end that is told. */
  | "progressEnds"
  /** A realm is opened when its data is there. */
  | "asyncOpen"
  /** Subscriptions are part of how a realm is opened. */
  | "initialSubscriptions"
  /** Results are subscribed to, and that may wait. */
  | "subscribes"
  /** A realm stays as it is at a moment. */
  | "freeze"
  /** Files are deleted by a call of the SDK, which refuses those that are open. */
  | "deletesFiles"
  /** Failures that are retried may fail waits. */
  | "cancelledWaits"
  /** A session may still be spoken to when its realm is closed. */
  | "sessionOutlivesRealm"
  /** The client hears that the machine is online again: {@link Adapter.comeOnline}. */
  | "online";

/** From the most talkative to silence, as far as all facades have them. */
export type LogLevel = "all" | "debug" | "info" | "warn" | "error" | "off";

/** A line of a facade's log. */
export interface LogLine {
  /** Absent where the facade has no categories. */
  readonly category?: string;
  /** The nearest of the suite's levels. */
  readonly level: LogLevel;
  /** Its text. */
  readonly message: string;
}

/** A case in the words of one SDK. */
export type OwnCase = (stage: Stage) => Promise<void>;

/** A facade under test. */
export interface Adapter {
  /** What cases call it that are for some facades alone. */
  readonly facade: string;
  /** Cases that are about what this SDK alone has, or has in its own way. */
  readonly ownCases?: Readonly<Record<string, OwnCase>>;
  /** What it has of what not all have. */
  readonly capabilities: ReadonlySet<Capability>;
  /**
   * An app on a device.
   *
   * @param options.directory where the device keeps its files.
   */
  makeApp(options: AppOptions): Promise<TestApp>;
  /** A realm that never syncs. */
  openLocal(options: LocalOptions): Promise<TestRealm>;
  /** What an error of the facade's says. */
  errorInfo(error: unknown): ErrorInformation;
  /** Tells the client that the machine is online again, where it listens for that. */
  comeOnline?(): void;
  /** Gets every line of the log; answers how to stop. */
  captureLog(callback: (line: LogLine) => void): () => void;
  /** Sets what is logged; of a category and its parts, where the facade has them. */
  setLogLevel(level: LogLevel, category?: string): void;
}

/** Which local realm is opened. */
export interface LocalOptions extends Pick<OpenOptions, "models" | "encryptionKey"> {
  /** The folder of its file. */
  readonly directory: string;
  /** Name of the file without its ending; `local` if absent. */
  readonly name?: string;
}

/** Where an app is, and how it is reached. */
export interface AppOptions {
  /** Each case has an app of its own. */
  readonly appId: string;
  /** Of the server, or of the proxy before it. */
  readonly baseUrl: string;
  /** Where the device keeps its files. */
  readonly directory: string;
  /** Whether a user's sessions share a connection; absent: the facade's default. */
  readonly isMultiplexed?: boolean;
  /** How long a connection may take to come about, where the facade has `timeouts`. */
  readonly connectTimeoutMs?: number;
}

/** An app on a device. */
export interface TestApp {
  /** Logs in a user that did not exist before; with an e-mail address, the one of that address, registered if new. */
  logIn(email?: string): Promise<TestUser>;
  /** Logs a user out; sessions end, realms stay open. */
  logOut(user: TestUser): Promise<void>;
  /** Reconnects every session of the app now. */
  reconnectAll(): void;
  /** Sets a file aside whose client reset was left to the application; throws if there is no such file. */
  executeReset(path: string): void;
  /** Number of sessions that exist for a user. */
  sessionCount(user: TestUser): number;
  /** Has a user's sessions share a connection, where the facade has `multiplexKnob`. */
  enableMultiplexing?(): void;
  /** Logs in without a name, where the facade has `anonymousReuse`. */
  logInAnonymously?(isReused: boolean): Promise<TestUser>;
  /** Registers an address; rejects where it is taken. */
  register(email: string, password: string): Promise<void>;
  /** Logs in by address and password; rejects as the facade does. */
  logInWith(email: string, password: string): Promise<TestUser>;
  /** Id of the current user. */
  currentUserId(): string | null;
  /** The rest is for those that have `manyUsers`. Ids of the users that the device knows. */
  userIds?(): readonly string[];
  /** Makes a user that is logged in the current one. */
  switchTo?(user: TestUser): void;
  /** Forgets a user on this device. */
  remove?(user: TestUser): Promise<void>;
  /** Deletes a user's account. */
  deleteAccount?(user: TestUser): Promise<void>;
  /** Calls back when a user logs in or out; answers how to stop. Absent where the facade tells it of users alone. */
  onUsers?(callback: () => void): () => void;
}

/** A user of an app on a device. */
export interface TestUser {
  /** As the server knows the user. */
  readonly id: string;
  /** Whether the user is logged in on this device. */
  isLoggedIn(): boolean;
  /** Empty when logged out. */
  accessToken(): string;
  /** Calls back when the user logs in or out, where the facade tells it; answers how to stop. */
  onChange?(callback: () => void): () => void;
  /** The facade's own user, for its own cases. */
  readonly native: unknown;
  /** Opens a synced realm; resolves as soon as it is usable, without waiting for data. */
  openSynced(options: OpenOptions): Promise<TestRealm>;
  /** Writes a copy of a realm, by a configuration of this user's if it is to be synced. */
  copyHere?(from: TestRealm, options: CopyOptions): void;
}

/** What a copy is to be. */
export interface CopyOptions {
  /** The copy can be opened with it as {@link OpenOptions.path}, a local one as {@link LocalOptions.name}. */
  readonly name: string;
  /** Folder of the copy, if it is local. */
  readonly directory: string;
  /** Whether it is for a synced realm. */
  readonly isSynced: boolean;
  /** Of a copy that is encrypted. */
  readonly encryptionKey?: Uint8Array;
}

/** How to open a synced realm. */
export interface OpenOptions {
  /** The classes of the realm. */
  readonly models: readonly Model[];
  /** Subscriptions of the first opening. */
  readonly subscriptions?: readonly Subscribing[];
  /** File name; the default is the same for every opening by this user. */
  readonly path?: string;
  /** What happens to unsent changes at close; `after-upload` by default. */
  readonly stopPolicy?: "after-upload" | "immediately";
  /** Told what goes wrong in the session. */
  readonly onError?: (error: ErrorInformation) => void;
  /** What happens in a client reset; absent: the facade's default. */
  readonly reset?: ResetOptions;
  /** Whether opening waits for the data, and fails if that does. */
  readonly waitsForData?: boolean;
  /** Whether the subscriptions are made at each opening. */
  readonly rerunsSubscriptions?: boolean;
  /** Whether failures that are retried fail waits. */
  readonly cancelsWaitsOnNonFatalError?: boolean;
  /** Of a file that is encrypted. */
  readonly encryptionKey?: Uint8Array;
}

/** What happens in a client reset. */
export interface ResetOptions {
  /** What is done with changes that were not uploaded. */
  readonly mode: "manual" | "discard" | "recover" | "recoverOrDiscard";
  /** Called before the file changes, with the file as it is. */
  readonly onBefore?: (local: TestRealm) => void | Promise<void>;
  /**
   * Called when the file has its new shape.
   *
   * @param how what became of unsent changes, where the facade has a handler for each.
   */
  readonly onAfter?: (local: TestRealm, remote: TestRealm, how?: "recovered" | "discarded") => void;
  /**
   * A reset that did not go as wanted, where the facade has a handler of its own for that.
   *
   * @param cause what a handler has thrown, where the facade hands it on.
   */
  readonly onFallback?: (path: string, cause?: unknown) => void;
  /** A reset that is left to the application, where the facade has a handler of its own for that. */
  readonly onManual?: (recoveryPath: string) => void;
}

/** Which way data moves. */
export type Direction = "upload" | "download";

/** Until what was outstanding at registration has moved, or for ever. */
export type ProgressMode = "outstanding" | "indefinite";

/** A value that JSON has no form for, as text. */
export interface SpecialValue {
  /** Which type of the data model it is of. */
  readonly type: "int" | "double" | "date" | "data" | "objectId" | "uuid" | "decimal";
  /** Of dates ISO 8601, of data hex digits, of all others what the type's own `toString` says. */
  readonly text: string;
}

/** A value for a `mixed` field; read, it is the value itself. */
export interface MixedValue {
  /** What the field is to hold. */
  readonly mixed: Value;
}

/** A dictionary inside a `mixed` field. */
export interface EntriesValue {
  /** Keys and values; read, in ascending order of the keys. */
  readonly entries: readonly (readonly [string, Value])[];
}

/** Field values as the suite compares them: numbers, texts, booleans, null, arrays of them, links as keys. */
export type Value = number | string | boolean | null | readonly Value[] | SpecialValue | MixedValue | EntriesValue;

/** An object of a realm. */
export interface TestObject {
  /** The value of a field. */
  get(field: string): Value;
  /** Sets a field, in a write. */
  set(field: string, value: Value): void;
  /** A list field. */
  list(field: string): TestList;
  /** A set field. */
  members(field: string): TestSet;
  /** A dictionary field. */
  entries(field: string): TestDictionary;
  /** The list at the end of a way of indexes and keys inside a `mixed` field. */
  nestedList(field: string, way: readonly (number | string)[]): TestList;
  /** The dictionary there. */
  nestedEntries(field: string, way: readonly (number | string)[]): TestDictionary;
  /** The object that a link leads to, or an embedded one. */
  linked(field: string): TestObject | null;
  /** Keys of the objects of a backlink field, in ascending order. */
  linking(field: string): readonly Value[];
  /** Adds to a counter, where the facade has `counters`. */
  increment(field: string, by: number): void;
}

/** A set field. */
export interface TestSet {
  /** Adds a value, in a write. */
  add(value: Value): void;
  /** Removes a value, in a write. */
  remove(value: Value): void;
  /** In ascending order of their JSON. */
  values(): readonly Value[];
}

/** A dictionary field. */
export interface TestDictionary {
  /** Sets the value of a key, in a write. */
  put(key: string, value: Value): void;
  /** Removes a key, in a write. */
  remove(key: string): void;
  /** In ascending order of the keys. */
  all(): readonly (readonly [string, Value])[];
}

/** A list field. */
export interface TestList {
  /** Appends a value, in a write. */
  push(value: Value): void;
  /** Inserts a value before an index, in a write. */
  insert(index: number, value: Value): void;
  /** Replaces the value at an index, in a write. */
  set(index: number, value: Value): void;
  /** Removes the value at an index, in a write. */
  remove(index: number): void;
  /** All values, in their order. */
  values(): readonly Value[];
}

/** An object by its class and key. */
export interface ObjectKey {
  /** Its class. */
  readonly className: string;
  /** Its primary key. */
  readonly key: number | string;
}

/** When subscribing waits for the data, and how long. */
export interface SubscribeOptions {
  /** `first-time` waits for a subscription that is new. */
  readonly wait?: "first-time" | "always" | "never";
  /** After how many milliseconds the wait ends; absent: never. */
  readonly timeoutMs?: number;
}

/** An open realm. */
export interface TestRealm {
  /** The session, `null` where the facade says that a realm has none. Throws where the facade does. */
  session(): TestSession | null;
  /** Whether asking for a session says, in the facade's own way, that there is none. */
  hasNoSession(): boolean;
  /** Where its file is. */
  path(): string;
  /** The facade's own realm, for its own cases. */
  readonly native: unknown;
  /** Closes it; twice is no error. */
  close(): void;
  /** Deletes the file of a realm that is closed. */
  deleteFile(): void;
  /** Keeps a version of the realm; answers how to let go of it. */
  freeze(): () => void;
  /** Subscribes to results, and waits as is asked for. */
  subscribe(subscribing: Subscribing, options?: SubscribeOptions): Promise<WaitOutcome>;
  /** Its set of subscriptions. */
  subscriptions(): TestSubscriptions;
  /** Runs what changes it, in one write transaction. */
  write(work: () => void): void;
  /** Creates an object, in a write. */
  create(className: string, values: Readonly<Record<string, Value>>): void;
  /** The object with a key. */
  find(className: string, key: number | string): TestObject | null;
  /** Keys of all objects, or of those that match, in ascending order. */
  keys(className: string, query?: string): readonly Value[];
  /** Number of objects of a class. */
  count(className: string): number;
  /** Deletes the object with a key, in a write. */
  delete(className: string, key: number | string): void;
  /** Links an object to another one, or to none. */
  link(from: ObjectKey, field: string, to: ObjectKey | null): void;
  /** Puts an embedded object of a class into a field, or none. */
  embed(into: ObjectKey, field: string, className: string, values: Readonly<Record<string, Value>> | null): void;
  /** Calls back with the object count whenever the class changes; answers how to stop. */
  onResults(className: string, callback: (count: number) => void): () => void;
}

/** The session of a realm. */
export interface TestSession {
  /** Stops both directions. */
  pause(): void;
  /** Goes on after a pause. */
  resume(): void;
  /** Connects now instead of waiting, as far as the facade lets a session do so, else for the app. */
  reconnect(): void;
  /** Its state, normalised. */
  state(): SessionState;
  /** The facade's own word for the state. */
  rawState(): string;
  /** The state of its connection. */
  connection(): ConnectionState;
  /** Connected and active, where the facade has `isConnected`. */
  isConnected(): boolean;
  /** Registers a listener; answers how to unregister it. */
  onConnection(callback: (oldState: ConnectionState, newState: ConnectionState) => void): () => void;
  /**
   * Registers a listener of estimates from 0 to 1; answers how to unregister it.
   *
   * @param onEnd told that there will be no more, where the facade tells it.
   */
  onProgress(
    direction: Direction,
    mode: ProgressMode,
    callback: (estimate: number) => void,
    onEnd?: () => void,
  ): () => void;
  /** Resolves when everything written until now is on the server. */
  waitUp(options?: WaitOptions): Promise<WaitOutcome>;
  /** Resolves when everything on the server is here. */
  waitDown(options?: WaitOptions): Promise<WaitOutcome>;
  /** Lets the session fail as if the server had said so, by the protocol's code. */
  simulateError(code: number, message: string): void;
  /** Whether both are handles of one session. */
  isSame(other: TestSession): boolean;
}

/** The set of subscriptions of a realm. */
export interface TestSubscriptions {
  /** Changes the set in one update and waits for the server's answer. */
  update(change: (set: SubscriptionChange) => void): Promise<void>;
  /** What there is in the set. */
  list(): readonly Pick<TestSubscription, "name" | "className" | "query">[];
  /** Changes the set in one update and does not wait. */
  begin(change: (set: SubscriptionChange) => void): void;
  /** The subscription of a name. */
  find(name: string): TestSubscription | null;
  /** What the server has against the set. */
  error(): string | null;
  /** The set's state by the facade's word, where it has `subscriptionState`. */
  state(): string;
  /** The set's version, where it has `subscriptionState`. */
  version(): number;
  /** Resolves when the server has answered the newest set; rejects if it refuses it. */
  waitSync(): Promise<void>;
}

/** A subscription with all that is known of it. */
export interface TestSubscription {
  /** Its ObjectId in hex digits. */
  readonly id: string;
  /** `null` if it has none. */
  readonly name: string | null;
  /** Of which class it is. */
  readonly className: string;
  /** As the facade shows it. */
  readonly query: string;
  /** When it was made, in milliseconds since 1970. */
  readonly createdAtMs: number;
  /** When it was changed, in milliseconds since 1970. */
  readonly updatedAtMs: number;
}

/** A set of subscriptions while it is changed. */
export interface SubscriptionChange {
  /** Adds a subscription. */
  add(subscription: Subscribing): void;
  /** Removes the one of a name; answers whether there was one, throws where the facade does. */
  removeName(name: string): boolean;
  /** Removes all. */
  clear(): void;
}
