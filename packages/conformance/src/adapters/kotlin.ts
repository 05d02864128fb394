/**
 * The kotlin facade, driven by the suite.
 *
 * @module
 */
import { network } from "@tidemark/engine/node";
import {
  App,
  AppConfiguration,
  AppException,
  AsymmetricRealmObject,
  ClientResetRequiredException,
  CompensatingWriteException,
  Credentials,
  Direction as KotlinDirection,
  DiscardUnsyncedChangesStrategy,
  Duration,
  type Flow,
  IllegalStateException,
  type LogCategory,
  LogLevel as KotlinLogLevel,
  ManuallyRecoverUnsyncedChangesStrategy,
  milliseconds,
  type MutableRealm,
  type MutableSubscriptionSet,
  ProgressMode as KotlinProgressMode,
  Realm,
  type RealmAny,
  RealmConfiguration,
  RealmLog,
  type RealmQuery,
  RecoverOrDiscardUnsyncedChangesStrategy,
  RecoverUnsyncedChangesStrategy,
  Sort,
  type SyncClientResetStrategy,
  SyncConfiguration,
  SyncException,
  type SyncSession,
  TimeoutCancellationException,
  type TypedRealm,
  type User,
  WaitForSync,
} from "@tidemark/kotlin";
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
import { kotlinCases } from "./kotlin-cases.js";
import { type Fields, instanceOf, KotlinObject, modelOf, type Models, modelsOf, values } from "./kotlin-data.js";
import { nearestLevel } from "./log-levels.js";

class KotlinSubscriptions implements TestSubscriptions {
  readonly #realm: Realm;
  readonly #models: Models;

  constructor(realm: Realm, models: Models) {
    this.#realm = realm;
    this.#models = models;
  }
  async update(change: (set: SubscriptionChange) => void): Promise<void> {
    await this.#change(change);
    await this.waitSync();
  }
  begin(change: (set: SubscriptionChange) => void): void {
    void this.#change(change);
  }
  async #change(change: (set: SubscriptionChange) => void): Promise<void> {
    await this.#realm.subscriptions.update((set, realm) => {
      change({
        add: ({ name, className, query, replaces }) => {
          set.add(queryOf(realm, this.#models, className, query), name ?? null, replaces === true);
        },
        removeName: (name) => set.remove(name),
        clear: () => void set.removeAll(),
      });
    });
  }
  find(name: string): TestSubscription | null {
    const found = this.#realm.subscriptions.refresh().findByName(name);
    return (
      found && {
        id: String(found.id),
        name: found.name,
        className: found.objectType,
        query: found.queryDescription,
        createdAtMs: found.createdAt.toDate().getTime(),
        updatedAtMs: found.updatedAt.toDate().getTime(),
      }
    );
  }
  error(): string | null {
    return this.#realm.subscriptions.refresh().errorMessage;
  }
  list(): readonly { name: string | null; className: string; query: string }[] {
    return Array.from(this.#realm.subscriptions.refresh(), ({ name, objectType, queryDescription }) => ({
      name,
      className: objectType,
      query: queryDescription,
    }));
  }
  state(): string {
    return this.#realm.subscriptions.refresh().state.toLowerCase();
  }
  version(): number {
    return this.#realm.subscriptions.refresh().version;
  }
  async waitSync(): Promise<void> {
    await this.#realm.subscriptions.waitForSynchronization();
  }
}

function queryOf(realm: TypedRealm, models: Models, className: string, query?: string): RealmQuery<Fields> {
  return realm.query(modelOf(models, className), query);
}

/** Collects a flow until it is told to stop; what the flow fails with is thrown into the open. */
function listen<T>(flow: Flow<T>, callback: (value: T) => void, onEnd?: () => void): () => void {
  const iterator = flow[Symbol.asyncIterator]();
  let isStopped = false;
  const run = async (): Promise<void> => {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) callback(next.value);
    if (!isStopped) onEnd?.();
  };
  void run();
  return () => {
    isStopped = true;
    void iterator.return?.();
  };
}

class KotlinSession implements TestSession {
  readonly #session: SyncSession;
  readonly #app: App;

  constructor(session: SyncSession, app: App) {
    this.#session = session;
    this.#app = app;
  }
  pause(): void {
    this.#session.pause();
  }
  resume(): void {
    this.#session.resume();
  }
  reconnect(): void {
    this.#app.sync.reconnect();
  }
  state(): "active" | "inactive" {
    return this.#session.state === "ACTIVE" || this.#session.state === "DYING" ? "active" : "inactive";
  }
  rawState(): string {
    return this.#session.state;
  }
  connection(): ConnectionState {
    return this.#session.connectionState.toLowerCase() as ConnectionState;
  }
  isConnected(): boolean {
    return this.connection() === "connected" && this.state() === "active";
  }
  onConnection(callback: (oldState: ConnectionState, newState: ConnectionState) => void): () => void {
    return listen(this.#session.connectionStateAsFlow(), ({ oldState, newState }) => {
      callback(oldState.toLowerCase() as ConnectionState, newState.toLowerCase() as ConnectionState);
    });
  }
  onProgress(
    direction: Direction,
    mode: ProgressMode,
    callback: (estimate: number) => void,
    onEnd?: () => void,
  ): () => void {
    const flow = this.#session.progressAsFlow(
      direction === "upload" ? KotlinDirection.UPLOAD : KotlinDirection.DOWNLOAD,
      mode === "outstanding" ? KotlinProgressMode.CURRENT_CHANGES : KotlinProgressMode.INDEFINITELY,
    );
    return listen(flow, ({ estimate }) => callback(estimate), onEnd);
  }
  async waitUp({ timeoutMs }: WaitOptions = {}): Promise<WaitOutcome> {
    return (await this.#session.uploadAllLocalChanges(timeoutMs ?? Duration.INFINITE)) ? "done" : "timeout";
  }
  async waitDown({ timeoutMs }: WaitOptions = {}): Promise<WaitOutcome> {
    return (await this.#session.downloadAllServerChanges(timeoutMs ?? Duration.INFINITE)) ? "done" : "timeout";
  }
  simulateError(): void {
    throw new Error("not offered");
  }
  isSame(other: TestSession): boolean {
    return other instanceof KotlinSession && other.#session === this.#session;
  }
}

const waits = { "first-time": WaitForSync.FIRST_TIME, always: WaitForSync.ALWAYS, never: WaitForSync.NEVER } as const;

/** A realm, a version of one, or one inside of a write transaction: whatever the suite was given. */
class KotlinRealm implements TestRealm {
  readonly #realm: TypedRealm;
  readonly #models: Models;
  /** The transaction that runs. */
  #transaction: MutableRealm | undefined;

  constructor(realm: TypedRealm, models: Models, transaction?: MutableRealm) {
    this.#realm = realm;
    this.#models = models;
    this.#transaction = transaction;
  }
  get #open(): Realm {
    if (this.#realm instanceof Realm) return this.#realm;
    throw new Error("only one version of the realm");
  }
  get #reading(): TypedRealm {
    return this.#transaction ?? this.#realm;
  }
  get #writing(): MutableRealm {
    if (this.#transaction) return this.#transaction;
    throw new Error("not in a write transaction");
  }
  session(): TestSession | null {
    const { syncSession } = this.#open;
    return new KotlinSession(syncSession, syncSession.user.app);
  }
  hasNoSession(): boolean {
    try {
      return !this.#open.syncSession;
    } catch (error) {
      return error instanceof IllegalStateException;
    }
  }
  path(): string {
    return this.#realm.configuration.path;
  }
  get native(): TypedRealm {
    return this.#realm;
  }
  deleteFile(): void {
    Realm.deleteRealm(this.#open.configuration);
  }
  freeze(): () => void {
    throw new Error("what is read is frozen, realms are not");
  }
  async subscribe(
    { name, className, query, replaces }: Subscribing,
    { wait = "first-time", timeoutMs }: SubscribeOptions = {},
  ): Promise<WaitOutcome> {
    const results = queryOf(this.#open, this.#models, className, query);
    try {
      await results.subscribe(name ?? null, replaces === true, waits[wait], timeoutMs ?? Duration.INFINITE);
      return "done";
    } catch (error) {
      if (error instanceof TimeoutCancellationException) return "timeout";
      throw error;
    }
  }
  close(): void {
    this.#open.close();
  }
  subscriptions(): TestSubscriptions {
    return new KotlinSubscriptions(this.#open, this.#models);
  }
  write(work: () => void): void {
    if (this.#transaction) return work();
    this.#open.writeBlocking((transaction) => {
      this.#transaction = transaction;
      try {
        work();
      } finally {
        this.#transaction = undefined;
      }
    });
  }
  create(className: string, given: Readonly<Record<string, Value>>): void {
    const made: unknown = instanceOf(this.#models, className, given);
    if (made instanceof AsymmetricRealmObject) this.#writing.insert(made);
    else this.#writing.copyToRealm(made as Fields);
  }
  link(from: ObjectKey, field: string, to: ObjectKey | null): void {
    const target = to && this.#find(this.#writing, to.className, to.key);
    this.#assign(from, field, target);
  }
  embed(into: ObjectKey, field: string, className: string, given: Readonly<Record<string, Value>> | null): void {
    this.#assign(into, field, given && instanceOf(this.#models, className, given));
  }
  #assign({ className, key }: ObjectKey, field: string, value: unknown): void {
    const found: Record<string, unknown> | null = this.#find(this.#writing, className, key);
    if (found) found[field] = value;
  }
  #find(realm: TypedRealm, className: string, key: Value): Fields | null {
    return realm.query(modelOf(this.#models, className), "_id == $0", key).first().find();
  }
  find(className: string, key: number | string): TestObject | null {
    const found = this.#find(this.#reading, className, key);
    return found && new KotlinObject(found);
  }
  keys(className: string, query?: string): readonly Value[] {
    const matching = queryOf(this.#reading, this.#models, className, query).sort("_id", Sort.ASCENDING).find();
    return matching.map((found) => values.decode(found["_id"]));
  }
  count(className: string): number {
    return queryOf(this.#reading, this.#models, className).count().find();
  }
  delete(className: string, key: number | string): void {
    const found = this.#find(this.#writing, className, key);
    if (found) this.#writing.delete(found);
  }
  onResults(className: string, callback: (count: number) => void): () => void {
    const flow = queryOf(this.#realm, this.#models, className).asFlow();
    return listen(flow, ({ list: results }) => callback(results.size));
  }
}

/** Exceptions of client resets that were left to the application, by the path of the file. */
type PendingResets = Map<string, ClientResetRequiredException>;

class KotlinUser implements TestUser {
  readonly user: User;
  readonly #pendingResets: PendingResets;

  constructor(user: User, pendingResets: PendingResets) {
    this.user = user;
    this.#pendingResets = pendingResets;
  }
  get id(): string {
    return this.user.id;
  }
  isLoggedIn(): boolean {
    return this.user.loggedIn;
  }
  accessToken(): string {
    return this.user.accessToken;
  }
  get native(): User {
    return this.user;
  }
  async openSynced(options: OpenOptions): Promise<TestRealm> {
    const { subscriptions = [], path, onError, reset } = options;
    const models = modelsOf(options.models);
    const builder = new SyncConfiguration.Builder(this.user, [...models.values()]);
    if (path !== undefined) builder.name(`${path}.realm`);
    if (options.encryptionKey) builder.encryptionKey(options.encryptionKey);
    if (onError) builder.errorHandler((_, error) => onError(informationOf(error)));
    if (reset) builder.syncClientResetStrategy(this.#strategyOf(reset, models, onError));
    if (subscriptions.length > 0) {
      builder.initialSubscriptions(
        options.rerunsSubscriptions === true,
        (set: MutableSubscriptionSet, realm: Realm) => {
          for (const { name, className, query } of subscriptions) {
            set.add(queryOf(realm, models, className, query), name ?? null);
          }
        },
      );
    }
    if (options.waitsForData !== true) return new KotlinRealm(Realm.open(builder.build()), models);
    return new KotlinRealm(await Realm.open(builder.waitForInitialRemoteData().build()), models);
  }

  copyHere(from: TestRealm, { name, directory, isSynced, encryptionKey }: CopyOptions): void {
    const realm = from.native as Realm;
    const models = [...realm.configuration.schema];
    const builder = isSynced
      ? new SyncConfiguration.Builder(this.user, models)
      : new RealmConfiguration.Builder(models).directory(directory);
    builder.name(`${name}.realm`);
    if (encryptionKey) builder.encryptionKey(encryptionKey);
    realm.writeCopyTo(builder.build());
  }

  #strategyOf(reset: ResetOptions, models: Models, onError: OpenOptions["onError"]): SyncClientResetStrategy {
    const { mode, onBefore, onAfter, onFallback, onManual } = reset;
    const keep = (exception: ClientResetRequiredException): void => {
      this.#pendingResets.set(exception.originalFilePath, exception);
    };
    if (mode === "manual") {
      return new ManuallyRecoverUnsyncedChangesStrategy({
        onClientReset: (_, exception) => {
          keep(exception);
          if (onManual) onManual(exception.recoveryFilePath);
          else onError?.(informationOf(exception));
        },
      });
    }
    const onBeforeReset = (realm: TypedRealm): void => void onBefore?.(new KotlinRealm(realm, models));
    const after =
      (how?: "recovered" | "discarded") =>
      (before: TypedRealm, now: MutableRealm): void =>
        onAfter?.(new KotlinRealm(before, models), new KotlinRealm(now, models, now), how);
    const onManualResetFallback = (_: SyncSession, exception: ClientResetRequiredException): void => {
      keep(exception);
      onFallback?.(exception.originalFilePath, exception.cause);
    };
    if (mode === "recoverOrDiscard") {
      return new RecoverOrDiscardUnsyncedChangesStrategy({
        onBeforeReset,
        onAfterRecovery: after("recovered"),
        onAfterDiscard: after("discarded"),
        onManualResetFallback,
      });
    }
    const strategy = mode === "discard" ? DiscardUnsyncedChangesStrategy : RecoverUnsyncedChangesStrategy;
    return new strategy({ onBeforeReset, onAfterReset: after(), onManualResetFallback });
  }
}

function userOf(user: TestUser): User {
  if (user instanceof KotlinUser) return user.user;
  throw new Error("a user of another facade");
}

/** Of every user with an e-mail address. */
const password = "a long password";

class KotlinApp implements TestApp {
  readonly #registered = new Set<string>();
  readonly #pendingResets: PendingResets = new Map();
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
  }
  async logOut(user: TestUser): Promise<void> {
    if (user instanceof KotlinUser) await user.user.logOut();
  }
  async logIn(email?: string): Promise<TestUser> {
    return new KotlinUser(await this.#app.login(await this.#credentialsOf(email)), this.#pendingResets);
  }
  async #credentialsOf(email: string | undefined): Promise<Credentials> {
    if (email === undefined) return Credentials.anonymous(false);
    if (!this.#registered.has(email)) await this.#app.emailPasswordAuth.registerUser(email, password);
    this.#registered.add(email);
    return Credentials.emailPassword(email, password);
  }
  async logInAnonymously(isReused: boolean): Promise<TestUser> {
    return new KotlinUser(await this.#app.login(Credentials.anonymous(isReused)), this.#pendingResets);
  }
  async register(email: string, secret: string): Promise<void> {
    await this.#app.emailPasswordAuth.registerUser(email, secret);
  }
  async logInWith(email: string, secret: string): Promise<TestUser> {
    return new KotlinUser(await this.#app.login(Credentials.emailPassword(email, secret)), this.#pendingResets);
  }
  currentUserId(): string | null {
    return this.#app.currentUser?.id ?? null;
  }
  userIds(): readonly string[] {
    return this.#app.allUsers().map(({ id }) => id);
  }
  switchTo(user: TestUser): void {
    this.#app.switchUser(userOf(user));
  }
  async remove(user: TestUser): Promise<void> {
    await userOf(user).remove();
  }
  async deleteAccount(user: TestUser): Promise<void> {
    await userOf(user).delete();
  }
  onUsers(callback: () => void): () => void {
    return listen(this.#app.authenticationChangeAsFlow(), callback);
  }
  executeReset(path: string): void {
    const isDone = this.#pendingResets.get(path)?.executeClientReset() ?? false;
    // The facade answers false where others throw.
    if (!isDone) throw new Error(`no client reset is left to do for ${path}`);
  }
  reconnectAll(): void {
    this.#app.sync.reconnect();
  }
  sessionCount(): number {
    // The facade tells whether there are any; the suite has one user and asks for none or one.
    return Number(this.#app.sync.hasSyncSessions);
  }
}

function informationOf(error: unknown): ErrorInformation {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const { message } = error;
  if (!(error instanceof AppException)) return { code: undefined, message };
  const common = { code: error.code, message, ...(error instanceof SyncException ? { isFatal: error.isFatal } : {}) };
  if (error instanceof ClientResetRequiredException) {
    const { originalFilePath: original, recoveryFilePath: recovery } = error;
    return { ...common, reset: { original, recovery } };
  }
  if (!(error instanceof CompensatingWriteException)) return common;
  const writes = error.writes.map(({ objectType, primaryKey: key, reason }) => ({
    className: objectType,
    key: valueOfKey(key),
    reason,
  }));
  return { ...common, writes };
}

/** A primary key without its type. */
function valueOfKey(key: RealmAny | null): Value {
  switch (key?.type) {
    case "INT":
      return key.asInt();
    case "STRING":
      return key.asString();
    case "OBJECT_ID":
      return { type: "objectId", text: key.asObjectId().toString() };
    case "UUID":
      return { type: "uuid", text: key.asRealmUUID().toString() };
    default:
      return null;
  }
}

const levels: Readonly<Record<LogLevel, KotlinLogLevel>> = {
  all: KotlinLogLevel.ALL,
  debug: KotlinLogLevel.DEBUG,
  info: KotlinLogLevel.INFO,
  warn: KotlinLogLevel.WARN,
  error: KotlinLogLevel.ERROR,
  off: KotlinLogLevel.NONE,
};

const levelNames = Object.keys(KotlinLogLevel).map((name) => name.toLowerCase());

/** `@tidemark/kotlin`. */
export const kotlinAdapter: Adapter = {
  facade: "kotlin",
  ownCases: kotlinCases,
  capabilities: new Set([
    "online",
    "progress",
    "waitTimeout",
    "isConnected",
    "multiplexKnob",
    "logCategories",
    "timeouts",
    "manyUsers",
    "anonymousReuse",
    "counters",
    "subscriptionState",
    "progressEnds",
    "asyncOpen",
    "initialSubscriptions",
    "subscribes",
    "deletesFiles",
    "sessionOutlivesRealm",
  ]),
  async makeApp({ appId, baseUrl, directory, isMultiplexed, connectTimeoutMs }: AppOptions): Promise<TestApp> {
    const builder = new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(directory);
    if (isMultiplexed !== undefined) builder.enableSessionMultiplexing(isMultiplexed);
    if (connectTimeoutMs !== undefined) {
      builder.syncTimeouts((timeouts) => void (timeouts.connectTimeout = milliseconds(connectTimeoutMs)));
    }
    return new KotlinApp(App.create(builder.build()));
  },
  captureLog(callback: (line: LogLine) => void): () => void {
    const logger = {
      log: (category: LogCategory, level: KotlinLogLevel, message: string): void =>
        callback({ category, level: nearestLevel(levelNames[level] ?? ""), message }),
    };
    // What the suite looks at need not be printed too.
    RealmLog.removeAll();
    RealmLog.add(logger);
    return () => {
      RealmLog.remove(logger);
      RealmLog.addDefaultSystemLogger();
    };
  },
  setLogLevel: (level: LogLevel, category?: string) => RealmLog.setLevel(levels[level], category as LogCategory),
  async openLocal({ directory, models, name = "local", encryptionKey }): Promise<TestRealm> {
    const made = modelsOf(models);
    const builder = new RealmConfiguration.Builder([...made.values()]).directory(directory).name(`${name}.realm`);
    if (encryptionKey) builder.encryptionKey(encryptionKey);
    return new KotlinRealm(Realm.open(builder.build()), made);
  },
  errorInfo: informationOf,
  comeOnline: () => network.announceOnline(),
};
