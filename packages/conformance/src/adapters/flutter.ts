/**
 * The flutter facade, driven by the suite.
 *
 * @module
 */
import { join } from "node:path";
import { network } from "@tidemark/engine/node";
import {
  App,
  AppConfiguration,
  AsymmetricObject,
  ClientResetError,
  type ClientResetHandler,
  CompensatingWriteError,
  Configuration,
  Credentials,
  DiscardUnsyncedChangesHandler,
  LogCategory,
  type LogLevel as FlutterLogLevel,
  ManualRecoveryHandler,
  type MutableSubscriptionSet,
  Realm,
  type RealmException,
  type RealmObject,
  RecoverOrDiscardUnsyncedChangesHandler,
  RecoverUnsyncedChangesHandler,
  type Session,
  type SubscriptionSet,
  TimeoutCancellationToken,
  TimeoutException,
  type User,
  UserState,
  WaitForSyncMode,
} from "@tidemark/flutter";
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
  SubscriptionChange,
  Subscribing,
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
import { flutterCases } from "./flutter-cases.js";
import { classesOf, FlutterObject, type Models, values } from "./flutter-data.js";
import { nearestLevel } from "./log-levels.js";

class FlutterSubscriptions implements TestSubscriptions {
  readonly #realm: FlutterRealm;
  readonly #set: SubscriptionSet;

  constructor(realm: FlutterRealm, set: SubscriptionSet) {
    this.#realm = realm;
    this.#set = set;
  }
  async update(change: (set: SubscriptionChange) => void): Promise<void> {
    this.begin(change);
    await this.#set.waitForSynchronization();
  }
  begin(change: (set: SubscriptionChange) => void): void {
    this.#set.update((set) => {
      change({
        add: (subscribing) => this.#realm.addTo(set, subscribing),
        removeName: (name) => set.removeByName(name),
        clear: () => set.clear(),
      });
    });
  }
  find(name: string): TestSubscription | null {
    const found = this.#set.findByName(name);
    return (
      found && {
        id: String(found.id),
        name: found.name,
        className: found.objectClassName,
        query: found.queryString,
        createdAtMs: found.createdAt.getTime(),
        updatedAtMs: found.updatedAt.getTime(),
      }
    );
  }
  error(): string | null {
    return this.#set.error?.message ?? null;
  }
  list(): readonly { name: string | null; className: string; query: string }[] {
    return [...this.#set].map(({ name, objectClassName, queryString }) => ({
      name,
      className: objectClassName,
      query: queryString,
    }));
  }
  state(): string {
    return this.#set.state;
  }
  version(): number {
    return this.#set.version;
  }
  async waitSync(): Promise<void> {
    await this.#set.waitForSynchronization();
  }
}

class FlutterSession implements TestSession {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }
  pause(): void {
    this.#session.pause();
  }
  resume(): void {
    this.#session.resume();
  }
  /** The SDK reconnects all sessions of an app. */
  reconnect(): void {
    this.#session.user.app.reconnect();
  }
  state(): "active" | "inactive" {
    return this.#session.state;
  }
  rawState(): string {
    return this.#session.state;
  }
  connection(): ConnectionState {
    return this.#session.connectionState;
  }
  isConnected(): boolean {
    return this.connection() === "connected" && this.state() === "active";
  }
  onConnection(callback: (oldState: ConnectionState, newState: ConnectionState) => void): () => void {
    const subscription = this.#session.connectionStateChanges.listen(({ previous, current }) =>
      callback(previous, current),
    );
    return () => void subscription.cancel();
  }
  onProgress(
    direction: Direction,
    mode: ProgressMode,
    callback: (estimate: number) => void,
    onEnd?: () => void,
  ): () => void {
    const stream = this.#session.getProgressStream(
      direction,
      mode === "outstanding" ? "forCurrentlyOutstandingWork" : "reportIndefinitely",
    );
    const subscription = stream.listen(({ progressEstimate }) => callback(progressEstimate), { onDone: onEnd });
    return () => void subscription.cancel();
  }
  async waitUp({ timeoutMs }: WaitOptions = {}): Promise<WaitOutcome> {
    return outcomeOf(this.#session.waitForUpload(tokenOf(timeoutMs)));
  }
  async waitDown({ timeoutMs }: WaitOptions = {}): Promise<WaitOutcome> {
    return outcomeOf(this.#session.waitForDownload(tokenOf(timeoutMs)));
  }
  simulateError(code: number, message: string): void {
    this.#session.simulateError(code, message);
  }
  isSame(other: TestSession): boolean {
    return other instanceof FlutterSession && other.#session === this.#session;
  }
}

function tokenOf(timeoutMs: number | undefined): TimeoutCancellationToken | undefined {
  return timeoutMs === undefined ? undefined : new TimeoutCancellationToken(timeoutMs);
}

/** A time-out is an outcome of a wait; everything else it is rejected with stays a rejection. */
async function outcomeOf(wait: Promise<void>): Promise<WaitOutcome> {
  try {
    await wait;
    return "done";
  } catch (error) {
    if (error instanceof TimeoutException) return "timeout";
    throw error;
  }
}

const waits = {
  "first-time": WaitForSyncMode.firstTime,
  always: WaitForSyncMode.always,
  never: WaitForSyncMode.never,
} as const;

class FlutterRealm implements TestRealm {
  readonly #realm: Realm;
  readonly #classes: Models;

  constructor(realm: Realm, classes: Models) {
    this.#realm = realm;
    this.#classes = classes;
  }
  #class(name: string): NonNullable<ReturnType<Models["get"]>> {
    const found = this.#classes.get(name);
    if (!found) throw new Error(`no class ${name}`);
    return found;
  }
  addTo(set: MutableSubscriptionSet, { name, className, query, replaces }: Subscribing): void {
    set.add(this.#realm.query(this.#class(className), query ?? "TRUEPREDICATE"), { name, update: replaces });
  }
  async subscribe(
    { name, className, query, replaces }: Subscribing,
    { wait = "first-time", timeoutMs }: SubscribeOptions = {},
  ): Promise<WaitOutcome> {
    const results = this.#realm.query(this.#class(className), query ?? "TRUEPREDICATE");
    const cancellationToken = tokenOf(timeoutMs);
    const subscribed = results.subscribe({ name, update: replaces, waitForSyncMode: waits[wait], cancellationToken });
    return outcomeOf(subscribed.then(() => undefined));
  }
  /** Subscribes where the file is new: the SDK leaves that to the application. */
  subscribeFirst(subscriptions: readonly Subscribing[]): void {
    const set = this.#realm.subscriptions;
    if (subscriptions.length === 0 || set.version > 0) return;
    set.update((mutable) => {
      for (const subscribing of subscriptions) this.addTo(mutable, subscribing);
    });
  }
  session(): TestSession | null {
    return new FlutterSession(this.#realm.syncSession);
  }
  hasNoSession(): boolean {
    try {
      return !this.#realm.syncSession;
    } catch {
      return true;
    }
  }
  path(): string {
    return this.#realm.config.path;
  }
  get native(): Realm {
    return this.#realm;
  }
  deleteFile(): void {
    Realm.deleteRealm(this.path());
  }
  freeze(): () => void {
    const frozen = this.#realm.freeze();
    return () => frozen.close();
  }
  close(): void {
    this.#realm.close();
  }
  subscriptions(): TestSubscriptions {
    return new FlutterSubscriptions(this, this.#realm.subscriptions);
  }
  write(work: () => void): void {
    this.#realm.write(work);
  }
  create(className: string, given: Readonly<Record<string, Value>>): void {
    const made: unknown = new (this.#class(className))(values.fields(given));
    if (made instanceof AsymmetricObject) this.#realm.ingest(made);
    else this.#realm.add(made as RealmObject);
  }
  link(from: ObjectKey, field: string, to: ObjectKey | null): void {
    const target = to && this.#find(to.className, to.key);
    this.#find(from.className, from.key)?.dynamic.set(field, target);
  }
  embed(into: ObjectKey, field: string, className: string, given: Readonly<Record<string, Value>> | null): void {
    const made = given && new (this.#class(className))(values.fields(given));
    this.#find(into.className, into.key)?.dynamic.set(field, made);
  }
  #find(className: string, key: number | string): RealmObject | null {
    return this.#realm.find(this.#class(className), key);
  }
  find(className: string, key: number | string): TestObject | null {
    const found = this.#find(className, key);
    return found && new FlutterObject(found);
  }
  keys(className: string, query = "TRUEPREDICATE"): readonly Value[] {
    const sorted = this.#realm.query(this.#class(className), `${query} SORT(_id ASC)`);
    return sorted.map((found) => values.decode(found.dynamic.get("_id")));
  }
  count(className: string): number {
    return this.#realm.all(this.#class(className)).length;
  }
  delete(className: string, key: number | string): void {
    const found = this.#find(className, key);
    if (found) this.#realm.delete(found);
  }
  onResults(className: string, callback: (count: number) => void): () => void {
    const subscription = this.#realm.all(this.#class(className)).changes.listen(({ results }) => {
      callback(results.length);
    });
    return () => void subscription.cancel();
  }
}

class FlutterUser implements TestUser {
  readonly user: User;
  readonly #app: FlutterApp;

  constructor(user: User, app: FlutterApp) {
    this.user = user;
    this.#app = app;
  }
  get id(): string {
    return this.user.id;
  }
  isLoggedIn(): boolean {
    return this.user.state === UserState.loggedIn;
  }
  accessToken(): string {
    return this.user.accessToken;
  }
  onChange(callback: () => void): () => void {
    const subscription = this.user.changes.listen(() => callback());
    return () => void subscription.cancel();
  }
  get native(): User {
    return this.user;
  }
  async openSynced(options: OpenOptions): Promise<TestRealm> {
    const { models, subscriptions = [], path, onError, reset, cancelsWaitsOnNonFatalError } = options;
    const classes = classesOf(models);
    const handler = reset && this.#handlerOf(reset, classes, onError);
    const configuration = Configuration.flexibleSync(this.user, [...classes.values()], {
      ...(path === undefined ? {} : { path: join(this.#app.directory, `${path}.realm`) }),
      ...(handler ? { clientResetHandler: handler } : {}),
      ...(onError ? { syncErrorHandler: (error) => onError(informationOf(error)) } : {}),
      cancelAsyncOperationsOnNonFatalErrors: cancelsWaitsOnNonFatalError,
      encryptionKey: options.encryptionKey,
    });
    const realm = new FlutterRealm(new Realm(configuration), classes);
    realm.subscribeFirst(subscriptions);
    if (options.waitsForData !== true) return realm;
    try {
      return new FlutterRealm(await Realm.open(configuration), classes);
    } finally {
      realm.close();
    }
  }
  copyHere(from: TestRealm, { name, directory, isSynced, encryptionKey }: CopyOptions): void {
    const source = from.native as Realm;
    const options = { path: join(isSynced ? this.#app.directory : directory, `${name}.realm`), encryptionKey };
    const schema = [...source.schema];
    source.writeCopy(
      isSynced ? Configuration.flexibleSync(this.user, schema, options) : Configuration.local(schema, options),
    );
  }
  #handlerOf(
    { mode, onBefore, onAfter, onFallback, onManual }: ResetOptions,
    classes: Models,
    onError: OpenOptions["onError"],
  ): ClientResetHandler {
    const keep = (error: ClientResetError): void => void this.#app.resets.set(error.originalFilePath, error);
    if (mode === "manual") {
      return new ManualRecoveryHandler((error) => {
        keep(error);
        if (onManual) onManual(error.backupFilePath ?? "");
        else onError?.(informationOf(error));
      });
    }
    const after = (how?: "recovered" | "discarded"): ((before: Realm, now: Realm) => void) | undefined =>
      onAfter &&
      ((before: Realm, now: Realm) => onAfter(new FlutterRealm(before, classes), new FlutterRealm(now, classes), how));
    const common = {
      onBeforeReset: onBefore && ((before: Realm) => onBefore(new FlutterRealm(before, classes))),
      onManualResetFallback:
        onFallback && ((error: ClientResetError) => onFallback(error.backupFilePath ?? "", error.innerError)),
    };
    if (mode === "discard") return new DiscardUnsyncedChangesHandler({ ...common, onAfterReset: after() });
    if (mode === "recover") return new RecoverUnsyncedChangesHandler({ ...common, onAfterReset: after() });
    return new RecoverOrDiscardUnsyncedChangesHandler({
      ...common,
      onAfterRecovery: after("recovered"),
      onAfterDiscard: after("discarded"),
    });
  }
}

function userOf(user: TestUser): User {
  if (user instanceof FlutterUser) return user.user;
  throw new Error("a user of another facade");
}

/** Of every user with an e-mail address. */
const password = "a long password";

class FlutterApp implements TestApp {
  readonly directory: string;
  /** Resets that were left to the application, by path. */
  readonly resets = new Map<string, ClientResetError>();
  readonly #app: App;
  readonly #registered = new Set<string>();

  constructor(app: App, directory: string) {
    this.#app = app;
    this.directory = directory;
  }
  async logOut(user: TestUser): Promise<void> {
    if (user instanceof FlutterUser) await user.user.logOut();
  }
  async logIn(email?: string): Promise<TestUser> {
    return new FlutterUser(await this.#app.logIn(await this.#credentialsOf(email)), this);
  }
  async #credentialsOf(email: string | undefined): Promise<Credentials> {
    if (email === undefined) return Credentials.anonymous({ reuseCredentials: false });
    if (!this.#registered.has(email)) await this.#app.emailPasswordAuthProvider.registerUser(email, password);
    this.#registered.add(email);
    return Credentials.emailPassword(email, password);
  }
  async logInAnonymously(isReused: boolean): Promise<TestUser> {
    const credentials = Credentials.anonymous({ reuseCredentials: isReused });
    return new FlutterUser(await this.#app.logIn(credentials), this);
  }
  async register(email: string, secret: string): Promise<void> {
    await this.#app.emailPasswordAuthProvider.registerUser(email, secret);
  }
  async logInWith(email: string, secret: string): Promise<TestUser> {
    return new FlutterUser(await this.#app.logIn(Credentials.emailPassword(email, secret)), this);
  }
  currentUserId(): string | null {
    return this.#app.currentUser?.id ?? null;
  }
  userIds(): readonly string[] {
    return this.#app.users.map(({ id }) => id);
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
  executeReset(path: string): void {
    if (this.resets.get(path)?.resetRealm() !== true) throw new Error(`${path} was not reset`);
  }
  reconnectAll(): void {
    this.#app.reconnect();
  }
  sessionCount(user: TestUser): number {
    return user instanceof FlutterUser ? App.sessionCountOf(user.user) : 0;
  }
}

function informationOf(error: unknown): ErrorInformation {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const { code } = error as RealmException;
  if (error instanceof ClientResetError) {
    const reset = { original: error.originalFilePath, recovery: error.backupFilePath ?? "" };
    return { code, message: error.message, reset };
  }
  if (!(error instanceof CompensatingWriteError)) return { code, message: error.message };
  const writes = error.compensatingWrites.map(({ objectType, primaryKey, reason }) => ({
    className: objectType,
    key: primaryKey.value as Value,
    reason,
  }));
  return { code, message: error.message, writes };
}

/** A category by its name; the facade has them as a tree. */
function categoryOf(name: string): LogCategory {
  let category: LogCategory = LogCategory.realm;
  for (const part of name.split(".").slice(1)) {
    category = (category as unknown as Readonly<Record<string, LogCategory>>)[part.toLowerCase()] ?? category;
  }
  return category;
}

/** `@tidemark/flutter`. */
export const flutterAdapter: Adapter = {
  facade: "flutter",
  ownCases: flutterCases,
  capabilities: new Set([
    "online",
    "progress",
    "waitTimeout",
    "waitCancel",
    "simulatedErrors",
    "logCategories",
    "timeouts",
    "manyUsers",
    "anonymousReuse",
    "subscriptionState",
    "progressEnds",
    "asyncOpen",
    "subscribes",
    "freeze",
    "deletesFiles",
    "cancelledWaits",
  ]),
  async makeApp({ appId, baseUrl, directory, connectTimeoutMs: connectTimeout }: AppOptions): Promise<TestApp> {
    const syncTimeoutOptions = { connectTimeout };
    const configuration = new AppConfiguration(appId, { baseUrl, baseFilePath: directory, syncTimeoutOptions });
    return new FlutterApp(new App(configuration), directory);
  },
  captureLog(callback: (line: LogLine) => void): () => void {
    const subscription = Realm.logger.onRecord.listen(({ category, level, message }) => {
      callback({ category: String(category), level: nearestLevel(level), message });
    });
    return () => void subscription.cancel();
  },
  setLogLevel(level: LogLevel, category?: string): void {
    const given: FlutterLogLevel = level;
    Realm.logger.setLogLevel(given, category === undefined ? {} : { category: categoryOf(category) });
  },
  async openLocal({ directory, models, name = "local", encryptionKey }): Promise<TestRealm> {
    const classes = classesOf(models);
    const path = join(directory, `${name}.realm`);
    const configuration = Configuration.local([...classes.values()], { path, encryptionKey });
    return new FlutterRealm(new Realm(configuration), classes);
  },
  errorInfo: informationOf,
  comeOnline: () => network.announceOnline(),
};
