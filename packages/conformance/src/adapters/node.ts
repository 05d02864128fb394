/**
 * The node facade, driven by the suite.
 *
 * @module
 */
import { join } from "node:path";
import { network } from "@tidemark/engine/node";
import {
  type App,
  type ClientResetConfig,
  ClientResetError,
  CompensatingWriteError,
  type Credentials,
  type MutableSubscriptionSet,
  Realm,
  type SessionStopPolicy,
  SyncError,
  type SyncSession,
  TimeoutError,
  type User,
} from "@tidemark/node";
import type {
  CopyOptions,
  Adapter,
  AppOptions,
  ConnectionState,
  Direction,
  ErrorInformation,
  LogLevel,
  LogLine,
  ObjectKey,
  OpenOptions,
  ProgressMode,
  ResetOptions,
  SubscribeOptions,
  Subscribing,
  SubscriptionChange,
  TestApp,
  TestObject,
  TestRealm,
  TestSession,
  TestSubscription,
  TestSubscriptions,
  TestUser,
  Value,
  WaitOptions,
  WaitOutcome,
} from "../adapter.js";
import { nearestLevel } from "./log-levels.js";
import { nodeCases } from "./node-cases.js";
import { type Fields, NodeObject, schemaOf, values } from "./node-data.js";

class NodeSubscriptions implements TestSubscriptions {
  readonly #realm: Realm;

  constructor(realm: Realm) {
    this.#realm = realm;
  }
  async update(change: (set: SubscriptionChange) => void): Promise<void> {
    await this.#realm.subscriptions.update((set) => this.#change(set, change));
  }
  begin(change: (set: SubscriptionChange) => void): void {
    // What becomes of it is seen in the state.
    this.#realm.subscriptions.update((set) => this.#change(set, change)).catch(() => undefined);
  }
  #change(set: MutableSubscriptionSet, change: (set: SubscriptionChange) => void): void {
    change({
      add: ({ name, className, query, replaces }) => {
        const results = this.#realm.objects(className);
        set.add(query === undefined ? results : results.filtered(query), {
          ...(name === undefined ? {} : { name }),
          ...(replaces === undefined ? {} : { throwOnUpdate: !replaces }),
        });
      },
      removeName: (name) => set.removeByName(name),
      clear: () => void set.removeAll(),
    });
  }
  find(name: string): TestSubscription | null {
    const found = this.#realm.subscriptions.findByName(name);
    return (
      found && {
        id: String(found.id),
        name: found.name,
        className: found.objectType,
        query: found.queryString,
        createdAtMs: found.createdAt.getTime(),
        updatedAtMs: found.updatedAt.getTime(),
      }
    );
  }
  error(): string | null {
    return this.#realm.subscriptions.error;
  }
  list(): readonly { name: string | null; className: string; query: string }[] {
    return [...this.#realm.subscriptions].map(({ name, objectType, queryString }) => ({
      name,
      className: objectType,
      query: queryString,
    }));
  }
  state(): string {
    return this.#realm.subscriptions.state;
  }
  version(): number {
    return this.#realm.subscriptions.version;
  }
  async waitSync(): Promise<void> {
    await this.#realm.subscriptions.waitForSynchronization();
  }
}

class NodeSession implements TestSession {
  readonly #session: SyncSession;

  constructor(session: SyncSession) {
    this.#session = session;
  }
  pause(): void {
    this.#session.pause();
  }
  resume(): void {
    this.#session.resume();
  }
  reconnect(): void {
    this.#session.reconnect();
  }
  state(): "active" | "inactive" {
    return this.#session.state === Realm.SessionState.Active ? "active" : "inactive";
  }
  rawState(): string {
    return this.#session.state;
  }
  connection(): ConnectionState {
    return this.#session.connectionState;
  }
  isConnected(): boolean {
    return this.#session.isConnected();
  }
  onConnection(callback: (oldState: ConnectionState, newState: ConnectionState) => void): () => void {
    const listener = (newState: ConnectionState, oldState: ConnectionState): void => callback(oldState, newState);
    this.#session.addConnectionNotification(listener);
    return () => this.#session.removeConnectionNotification(listener);
  }
  onProgress(direction: Direction, mode: ProgressMode, callback: (estimate: number) => void): () => void {
    // The facade looks at how many parameters a listener declares.
    const listener = (estimate: number): void => callback(estimate);
    this.#session.addProgressNotification(
      direction === "upload" ? Realm.ProgressDirection.Upload : Realm.ProgressDirection.Download,
      mode === "outstanding" ? Realm.ProgressMode.ForCurrentlyOutstandingWork : Realm.ProgressMode.ReportIndefinitely,
      listener,
    );
    return () => this.#session.removeProgressNotification(listener);
  }
  async waitUp(options: WaitOptions = {}): Promise<WaitOutcome> {
    return outcomeOf(this.#session.uploadAllLocalChanges(options.timeoutMs));
  }
  async waitDown(options: WaitOptions = {}): Promise<WaitOutcome> {
    return outcomeOf(this.#session.downloadAllServerChanges(options.timeoutMs));
  }
  simulateError(code: number, message: string): void {
    this.#session._simulateError(code, message, "realm::sync::ProtocolError", true);
  }
  isSame(other: TestSession): boolean {
    return other instanceof NodeSession && other.#session === this.#session;
  }
}

/** A time-out is an outcome of a wait; everything else it is rejected with stays a rejection. */
async function outcomeOf(wait: Promise<void>): Promise<WaitOutcome> {
  try {
    await wait;
    return "done";
  } catch (error) {
    if (error instanceof TimeoutError) return "timeout";
    throw error;
  }
}

class NodeRealm implements TestRealm {
  readonly #realm: Realm;

  constructor(realm: Realm) {
    this.#realm = realm;
  }
  session(): TestSession | null {
    const session = this.#realm.syncSession;
    return session ? new NodeSession(session) : null;
  }
  hasNoSession(): boolean {
    if (!this.#realm.isClosed) return this.#realm.syncSession === null;
    try {
      return !this.#realm.syncSession;
    } catch {
      return true;
    }
  }
  path(): string {
    return this.#realm.path;
  }
  get native(): Realm {
    return this.#realm;
  }
  deleteFile(): void {
    Realm.deleteFile({ path: this.#realm.path });
  }
  freeze(): () => void {
    throw new Error("the SDK freezes no realms");
  }
  async subscribe(
    { name, className, query, replaces }: Subscribing,
    { wait, timeoutMs }: SubscribeOptions = {},
  ): Promise<WaitOutcome> {
    const all = this.#realm.objects(className);
    const results = query === undefined ? all : all.filtered(query);
    await results.subscribe({
      ...(name === undefined ? {} : { name }),
      ...(replaces === undefined ? {} : { throwOnUpdate: !replaces }),
      ...(wait === undefined ? {} : { behavior: wait }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
    return "done";
  }
  close(): void {
    this.#realm.close();
  }
  subscriptions(): TestSubscriptions {
    return new NodeSubscriptions(this.#realm);
  }
  write(work: () => void): void {
    this.#realm.write(work);
  }
  create(className: string, given: Readonly<Record<string, Value>>): void {
    this.#realm.create(className, values.fields(given));
  }
  find(className: string, key: number | string): TestObject | null {
    const object = this.#realm.objectForPrimaryKey(className, key);
    return object ? new NodeObject(object) : null;
  }
  #object({ className, key }: ObjectKey): Fields | null {
    return this.#realm.objectForPrimaryKey<Fields>(className, key);
  }
  link(from: ObjectKey, field: string, to: ObjectKey | null): void {
    const object = this.#object(from);
    if (object) object[field] = to && this.#object(to);
  }
  embed(into: ObjectKey, field: string, _className: string, given: Readonly<Record<string, Value>> | null): void {
    const object = this.#object(into);
    if (object) object[field] = given && values.fields(given);
  }
  keys(className: string, query?: string): readonly Value[] {
    const all = this.#realm.objects<Fields>(className);
    const matching = query === undefined ? all : all.filtered(query);
    return [...matching.sorted("_id")].map((object) => values.decode(object["_id"]));
  }
  count(className: string): number {
    return this.#realm.objects(className).length;
  }
  delete(className: string, key: number | string): void {
    const object = this.#realm.objectForPrimaryKey(className, key);
    if (object) this.#realm.delete(object);
  }
  onResults(className: string, callback: (count: number) => void): () => void {
    const results = this.#realm.objects(className);
    const listener = (): void => callback(results.length);
    results.addListener(listener);
    return () => results.removeListener(listener);
  }
}

class NodeUser implements TestUser {
  readonly user: User;
  readonly #directory: string;

  constructor(user: User, directory: string) {
    this.user = user;
    this.#directory = directory;
  }
  get id(): string {
    return this.user.id;
  }
  isLoggedIn(): boolean {
    return this.user.isLoggedIn;
  }
  accessToken(): string {
    return this.user.accessToken ?? "";
  }
  onChange(callback: () => void): () => void {
    this.user.addListener(callback);
    return () => this.user.removeListener(callback);
  }
  get native(): User {
    return this.user;
  }
  async openSynced(options: OpenOptions): Promise<TestRealm> {
    const { subscriptions = [], path, stopPolicy, onError, reset } = options;
    const { waitsForData = false, rerunsSubscriptions = false, cancelsWaitsOnNonFatalError } = options;
    const behavior = { type: waitsForData ? "downloadBeforeOpen" : "openImmediately" } as const;
    const subscribe = (set: MutableSubscriptionSet, opening: Realm): void => {
      for (const { name, className, query } of subscriptions) {
        const results = opening.objects(className);
        set.add(query === undefined ? results : results.filtered(query), name === undefined ? {} : { name });
      }
    };
    const configuration: Realm.Configuration = {
      schema: schemaOf(options.models),
      ...(options.encryptionKey ? { encryptionKey: options.encryptionKey } : {}),
      ...(path === undefined ? {} : { path: join(this.#directory, `${path}.realm`) }),
      sync: {
        user: this.user,
        flexible: true,
        ...(stopPolicy === undefined ? {} : { _sessionStopPolicy: stopPolicy satisfies SessionStopPolicy }),
        ...(reset ? { clientReset: resetConfigOf(reset) } : {}),
        ...(onError ? { onError: (_: SyncSession, error: SyncError) => onError(informationOf(error)) } : {}),
        ...(subscriptions.length === 0
          ? {}
          : { initialSubscriptions: { update: subscribe, rerunOnOpen: rerunsSubscriptions } }),
        ...(cancelsWaitsOnNonFatalError === undefined
          ? {}
          : { cancelWaitsOnNonFatalError: cancelsWaitsOnNonFatalError }),
        newRealmFileBehavior: behavior,
        existingRealmFileBehavior: behavior,
      },
    };
    return new NodeRealm(waitsForData ? await Realm.open(configuration) : new Realm(configuration));
  }
  copyHere(from: TestRealm, { name, directory, isSynced, encryptionKey }: CopyOptions): void {
    const realm = from.native as Realm;
    realm.writeCopyTo({
      path: join(isSynced ? this.#directory : directory, `${name}.realm`),
      ...(isSynced ? { sync: { user: this.user, flexible: true } } : {}),
      ...(encryptionKey ? { encryptionKey } : {}),
    });
  }
}

function userOf(user: TestUser): User {
  if (user instanceof NodeUser) return user.user;
  throw new Error("a user of another facade");
}

/** Of every user with an e-mail address. */
const password = "a long password";

class NodeApp implements TestApp {
  readonly #registered = new Set<string>();
  readonly #app: App;
  readonly #directory: string;

  constructor(app: App, directory: string) {
    this.#app = app;
    this.#directory = directory;
  }
  async logOut(user: TestUser): Promise<void> {
    if (user instanceof NodeUser) await user.user.logOut();
  }
  async logIn(email?: string): Promise<TestUser> {
    return new NodeUser(await this.#app.logIn(await this.#credentialsOf(email)), this.#directory);
  }
  async #credentialsOf(email: string | undefined): Promise<Credentials> {
    if (email === undefined) return Realm.Credentials.anonymous(false);
    if (!this.#registered.has(email)) await this.#app.emailPasswordAuth.registerUser({ email, password });
    this.#registered.add(email);
    return Realm.Credentials.emailPassword(email, password);
  }
  async logInAnonymously(isReused: boolean): Promise<TestUser> {
    return new NodeUser(await this.#app.logIn(Realm.Credentials.anonymous(isReused)), this.#directory);
  }
  async register(email: string, secret: string): Promise<void> {
    await this.#app.emailPasswordAuth.registerUser({ email, password: secret });
  }
  async logInWith(email: string, secret: string): Promise<TestUser> {
    return new NodeUser(await this.#app.logIn(Realm.Credentials.emailPassword(email, secret)), this.#directory);
  }
  currentUserId(): string | null {
    return this.#app.currentUser?.id ?? null;
  }
  userIds(): readonly string[] {
    return Object.keys(this.#app.allUsers);
  }
  switchTo(user: TestUser): void {
    this.#app.switchUser(userOf(user));
  }
  async remove(user: TestUser): Promise<void> {
    await this.#app.removeUser(userOf(user));
  }
  async deleteAccount(user: TestUser): Promise<void> {
    await this.#app.deleteUser(userOf(user));
  }
  onUsers(callback: () => void): () => void {
    this.#app.addListener(callback);
    return () => this.#app.removeListener(callback);
  }
  enableMultiplexing(): void {
    Realm.App.Sync.enableSessionMultiplexing(this.#app);
  }
  executeReset(path: string): void {
    Realm.App.Sync.initiateClientReset(this.#app, path);
  }
  reconnectAll(): void {
    Realm.App.Sync.reconnect(this.#app);
  }
  sessionCount(user: TestUser): number {
    return user instanceof NodeUser ? Realm.App.Sync.getAllSyncSessions(user.user).length : 0;
  }
}

const modes = {
  manual: "manual",
  discard: "discardUnsyncedChanges",
  recover: "recoverUnsyncedChanges",
  recoverOrDiscard: "recoverOrDiscardUnsyncedChanges",
} as const;

function resetConfigOf({ mode, onBefore, onAfter, onFallback, onManual }: ResetOptions): ClientResetConfig {
  const callbacks = {
    ...(onBefore ? { onBefore: (local: Realm) => onBefore(new NodeRealm(local)) } : {}),
    ...(onAfter
      ? { onAfter: (local: Realm, remote: Realm) => onAfter(new NodeRealm(local), new NodeRealm(remote)) }
      : {}),
  };
  if (mode === "manual") {
    return {
      mode: modes[mode],
      ...(onManual ? { onManual: (_: SyncSession, path: string) => onManual(path) } : {}),
    };
  }
  if (mode === "discard") return { mode: modes[mode], ...callbacks };
  return {
    mode: modes[mode],
    ...callbacks,
    ...(onFallback ? { onFallback: (_: SyncSession, path: string) => onFallback(path) } : {}),
  };
}

function informationOf(error: unknown): ErrorInformation {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const { code } = error as Error & { readonly code?: number | string };
  const common = { code, message: error.message, ...(error instanceof SyncError ? { isFatal: error.isFatal } : {}) };
  if (error instanceof ClientResetError) {
    const { ORIGINAL_FILE_PATH: original = "", RECOVERY_FILE_PATH: recovery = "" } = error.userInfo;
    return { ...common, reset: { original, recovery } };
  }
  if (!(error instanceof CompensatingWriteError)) return common;
  const writes = error.writes.map(({ objectName, primaryKey, reason }) => ({
    className: objectName,
    key: primaryKey as Value,
    reason,
  }));
  return { ...common, writes };
}

/** The facade has one logger, and no way to be without. */
let listener: ((line: LogLine) => void) | undefined;

/** `@tidemark/node`. */
export const nodeAdapter: Adapter = {
  facade: "node",
  ownCases: nodeCases,
  capabilities: new Set([
    "online",
    "progress",
    "bytes",
    "waitTimeout",
    "isConnected",
    "multiplexKnob",
    "stopPolicy",
    "simulatedErrors",
    "subscriptionState",
    "logCategories",
    "manyUsers",
    "anonymousReuse",
    "counters",
    "asyncOpen",
    "initialSubscriptions",
    "subscribes",
    "deletesFiles",
    "cancelledWaits",
    "sessionOutlivesRealm",
  ]),
  async makeApp({ appId, baseUrl, directory, isMultiplexed }: AppOptions): Promise<TestApp> {
    const multiplexing = isMultiplexed === undefined ? {} : { multiplexSessions: isMultiplexed };
    return new NodeApp(new Realm.App({ id: appId, baseUrl, baseFilePath: directory, ...multiplexing }), directory);
  },
  captureLog(callback: (line: LogLine) => void): () => void {
    Realm.setLogger(({ category, level, message }: { category: string; level: string; message: string }) => {
      listener?.({ category, level: nearestLevel(level), message });
    });
    listener = callback;
    return () => void (listener = undefined);
  },
  setLogLevel: (level: LogLevel, category?: string) => Realm.setLogLevel(level, category),
  async openLocal({ directory, models, name = "local", encryptionKey }): Promise<TestRealm> {
    const path = join(directory, `${name}.realm`);
    return new NodeRealm(new Realm({ path, schema: schemaOf(models), ...(encryptionKey ? { encryptionKey } : {}) }));
  },
  errorInfo: informationOf,
  comeOnline: () => network.announceOnline(),
};
