/**
 * The cpp facade, driven by the suite.
 *
 * What the suite asks for beyond the SDK is done in the SDK's own terms: sessions are counted by the handles that still
 * stand for one, and subscriptions of the first opening are an update after it.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { network } from "@tidemark/engine/node";
import * as realm from "@tidemark/cpp";
import { syncStatusCode } from "@tidemark/engine";
import type {
  Adapter,
  AppOptions,
  ConnectionState,
  ErrorInformation,
  LogLevel,
  LogLine,
  ObjectKey,
  OpenOptions,
  ResetOptions,
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
  WaitOutcome,
} from "../adapter.js";
import { cppCases } from "./cpp-cases.js";
import { Classes, CppObject, type Fields, values } from "./cpp-data.js";

/** The suite's simple queries as typed conditions, as which subscriptions are made. */
function conditionOf(query: string): realm.query_fn<Fields> {
  const [, field = "", operator = "", constant = ""] = /^(\w+) (==|>) (.+)$/.exec(query) ?? [];
  return (object) => {
    const property = object[field] as realm.value_expression<unknown>;
    const value: unknown = JSON.parse(constant);
    return operator === ">" ? property.gt(value) : property.eq(value);
  };
}

class CppSubscriptions implements TestSubscriptions {
  readonly #realm: CppRealm;

  constructor(owner: CppRealm) {
    this.#realm = owner;
  }
  async update(change: (set: SubscriptionChange) => void): Promise<void> {
    const isDone = await this.#realm.update(change).get();
    if (!isDone) throw new Error("the update is false");
  }
  list(): readonly { name: string | null; className: string; query: string }[] {
    return this.#realm.subscriptionList();
  }
  begin(change: (set: SubscriptionChange) => void): void {
    void this.#realm.update(change);
  }
  find(name: string): TestSubscription | null {
    return this.#realm.findSubscription(name);
  }
  error(): string | null {
    throw new Error("the SDK does not tell what the server has against subscriptions");
  }
  state(): string {
    throw new Error("the SDK does not tell the state of subscriptions");
  }
  version(): number {
    throw new Error("the SDK does not tell the version of subscriptions");
  }
  async waitSync(): Promise<void> {
    await this.#realm.waitSync();
  }
}

class CppSession implements TestSession {
  readonly session: realm.sync_session;

  constructor(session: realm.sync_session) {
    this.session = session;
  }
  pause(): void {
    this.session.pause();
  }
  resume(): void {
    this.session.resume();
  }
  reconnect(): void {
    this.session.reconnect();
  }
  state(): "active" | "inactive" {
    const { active, dying } = realm.sync_session.state;
    const state = this.session.state();
    return state === active || state === dying ? "active" : "inactive";
  }
  rawState(): string {
    return this.session.state();
  }
  connection(): ConnectionState {
    return this.session.connection_state();
  }
  isConnected(): boolean {
    return this.connection() === "connected" && this.state() === "active";
  }
  onConnection(callback: (oldState: ConnectionState, newState: ConnectionState) => void): () => void {
    const token = this.session.observe_connection_change(callback);
    return () => this.session.unregister_connection_change_observer(token);
  }
  onProgress(): () => void {
    throw new Error("the SDK has no progress notifications");
  }
  async waitUp(): Promise<WaitOutcome> {
    await this.session.wait_for_upload_completion().get();
    return "done";
  }
  async waitDown(): Promise<WaitOutcome> {
    await this.session.wait_for_download_completion().get();
    return "done";
  }
  simulateError(): void {
    throw new Error("the SDK simulates no errors");
  }
  isSame(other: TestSession): boolean {
    return other instanceof CppSession && other.session.equals(this.session);
  }
}

/** Whether this process has a file open, where the system tells. */
function isInUse(path: string): boolean {
  const descriptors = "/proc/self/fd";
  if (!existsSync(descriptors)) return false;
  return readdirSync(descriptors).some((name) => {
    try {
      return readlinkSync(join(descriptors, name)) === path;
    } catch {
      // It was closed between two looks.
      return false;
    }
  });
}

class CppRealm implements TestRealm {
  readonly #db: realm.db;
  readonly #classes: Classes;
  readonly #path: string;
  /** Names of the subscriptions that were made for the file: the SDK finds them by name and lists none. */
  readonly #names: Set<string>;
  /** What became of the last update of the subscriptions. */
  #lastUpdate: realm.future<boolean> | undefined;

  constructor(db: realm.db, classes: Classes, path: string, names = new Set<string>()) {
    this.#names = names;
    this.#db = db;
    this.#classes = classes;
    this.#path = path;
  }
  session(): TestSession | null {
    const session = this.#db.get_sync_session();
    return session ? new CppSession(session) : null;
  }
  hasNoSession(): boolean {
    if (!this.#db.is_closed()) return this.#db.get_sync_session() === undefined;
    try {
      return !this.#db.get_sync_session();
    } catch {
      return true;
    }
  }
  path(): string {
    return this.#path;
  }
  get native(): realm.db {
    return this.#db;
  }
  /** The SDK has no call for it: an application removes the files when they are not in use. */
  deleteFile(): void {
    if (isInUse(this.#path)) throw new Error(`${this.#path} is in use`);
    const directory = dirname(this.#path);
    const own = readdirSync(directory).filter((name) => name.startsWith(basename(this.#path)));
    for (const name of own) rmSync(join(directory, name), { recursive: true });
  }
  freeze(): () => void {
    const frozen = this.#db.freeze();
    return () => frozen.close();
  }
  async subscribe(): Promise<WaitOutcome> {
    throw new Error("the SDK subscribes to no results");
  }
  close(): void {
    this.#db.close();
  }
  subscriptions(): TestSubscriptions {
    return new CppSubscriptions(this);
  }
  subscribeFirst(subscriptions: readonly Subscribing[]): void {
    void this.update((set) => subscriptions.forEach((one) => set.add(one)));
  }
  update(change: (set: SubscriptionChange) => void): realm.future<boolean> {
    this.#lastUpdate = this.#db.subscriptions().update((set) => {
      change({
        add: ({ name, className, query, replaces }) => {
          if (name === undefined) throw new Error("the SDK has no subscriptions without names");
          this.#names.add(name);
          const model = this.#classes.named(className);
          const condition = query === undefined ? undefined : conditionOf(query);
          if (replaces === true) set.update_subscription(model, name, condition);
          else set.add(model, name, condition);
        },
        removeName: (name) => {
          const isThere = set.find(name) !== undefined;
          if (isThere) set.remove(name);
          return isThere;
        },
        clear: () => set.clear(),
      });
    });
    return this.#lastUpdate;
  }
  /** Where there is no update, or a pause has ended its future, another one that changes nothing tells. */
  async waitSync(): Promise<void> {
    if ((await this.#lastUpdate) === true) return;
    const isDone = await this.update(() => undefined).get();
    if (!isDone) throw new Error("the update is false");
  }
  subscriptionList(): { name: string | null; className: string; query: string }[] {
    const set = this.#db.subscriptions();
    const known = [...this.#names].flatMap((name) => set.find(name) ?? []);
    if (known.length !== set.size()) throw new Error(`${set.size()} subscriptions, of which ${known.length} are known`);
    return known.map((one) => ({
      name: one.name ?? null,
      className: one.object_class_name,
      query: one.query_string,
    }));
  }
  findSubscription(name: string): TestSubscription | null {
    const found = this.#db.subscriptions().find(name);
    if (found === undefined) return null;
    return {
      id: found.identifier,
      name: found.name ?? null,
      className: found.object_class_name,
      query: found.query_string,
      createdAtMs: found.created_at.getTime(),
      updatedAtMs: found.updated_at.getTime(),
    };
  }
  write(work: () => void): void {
    this.#db.write(work);
  }
  create(className: string, given: Readonly<Record<string, Value>>): void {
    this.#db.add(this.#classes.named(className)(values.fields(given)));
  }
  link(from: ObjectKey, field: string, to: ObjectKey | null): void {
    this.#assign(from, field, to && this.#find(to.className, to.key));
  }
  embed(into: ObjectKey, field: string, className: string, given: Readonly<Record<string, Value>> | null): void {
    this.#assign(into, field, given && this.#classes.named(className)(values.fields(given)));
  }
  #assign({ className, key }: ObjectKey, field: string, value: unknown): void {
    const object: Record<string, unknown> | undefined = this.#find(className, key);
    if (object) object[field] = value;
  }
  #find(className: string, key: number | string): realm.managed<Fields> | undefined {
    const found = this.#db.objects(this.#classes.named(className)).where("_id == $0", [key]);
    return found.size() === 0 ? undefined : found[0];
  }
  find(className: string, key: number | string): TestObject | null {
    const object = this.#find(className, key);
    return object ? new CppObject(object) : null;
  }
  keys(className: string, query?: string): readonly Value[] {
    const all = this.#db.objects(this.#classes.named(className));
    const matching = query === undefined ? all : all.where(query);
    return [...matching.sort("_id", true)].map((object) => values.decode(object["_id"]));
  }
  count(className: string): number {
    return this.#db.objects(this.#classes.named(className)).size();
  }
  delete(className: string, key: number | string): void {
    const object = this.#find(className, key);
    if (object) this.#db.remove(object);
  }
  onResults(className: string, callback: (count: number) => void): () => void {
    const results = this.#db.objects(this.#classes.named(className));
    const token = results.observe(() => callback(results.size()));
    return () => token.unregister();
  }
}

/** Of every user. */
const password = "a long password";

class CppUser implements TestUser {
  readonly user: realm.user;
  readonly #app: CppApp;

  constructor(user: realm.user, app: CppApp) {
    this.user = user;
    this.#app = app;
  }
  get id(): string {
    return this.user.identifier();
  }
  isLoggedIn(): boolean {
    return this.user.is_logged_in();
  }
  accessToken(): string {
    return this.user.access_token();
  }
  get native(): realm.user {
    return this.user;
  }
  async openSynced(options: OpenOptions): Promise<TestRealm> {
    const { subscriptions = [], path, stopPolicy, onError, reset } = options;
    const config = this.user.flexible_sync_configuration();
    const classes = new Classes(options.models);
    config.set_schema(classes.all);
    if (path !== undefined) config.set_path(join(this.#app.directory, `${path}.realm`));
    if (options.encryptionKey) config.set_encryption_key(options.encryptionKey);
    if (stopPolicy === "immediately") config.sync_config().set_stop_policy(realm.session_stop_policy.immediately);
    if (onError) config.sync_config().set_error_handler((_, error) => onError(informationOf(error)));
    if (reset) config.set_client_reset_handler(resetHandlerOf(reset, classes, config.path()));
    const db = new realm.db(config);
    const session = db.get_sync_session();
    if (session) this.#app.remember(this.id, session);
    const opened = new CppRealm(db, classes, config.path(), this.#app.namesOf(config.path()));
    if (db.subscriptions().size() === 0 && subscriptions.length > 0) opened.subscribeFirst(subscriptions);
    return opened;
  }
}

class CppApp implements TestApp {
  readonly directory: string;
  readonly #app: realm.App;
  readonly #registered = new Set<string>();
  /** Handles of every session that was opened, by user. */
  readonly #sessions: { readonly userId: string; readonly session: realm.sync_session }[] = [];

  /** Names of subscriptions by file. */
  readonly #names = new Map<string, Set<string>>();

  constructor(app: realm.App, directory: string) {
    this.#app = app;
    this.directory = directory;
  }
  async logIn(email: string = `${randomUUID()}@example.com`): Promise<TestUser> {
    if (!this.#registered.has(email)) await this.#app.register_user(email, password).get();
    this.#registered.add(email);
    const user = await this.#app.login(realm.App.credentials.username_password(email, password)).get();
    return new CppUser(user, this);
  }
  async logInAnonymously(): Promise<TestUser> {
    return new CppUser(await this.#app.login(realm.App.credentials.anonymous()).get(), this);
  }
  async register(email: string, secret: string): Promise<void> {
    await this.#app.register_user(email, secret).get();
  }
  async logInWith(email: string, secret: string): Promise<TestUser> {
    return new CppUser(await this.#app.login(realm.App.credentials.username_password(email, secret)).get(), this);
  }
  currentUserId(): string | null {
    return this.#app.get_current_user()?.identifier() ?? null;
  }
  setLogLevel(level: realm.logger_level): void {
    this.#app.get_sync_manager().set_log_level(level);
  }
  async logOut(user: TestUser): Promise<void> {
    if (user instanceof CppUser) await user.user.log_out().get();
  }
  namesOf(path: string): Set<string> {
    const known = this.#names.get(path) ?? new Set();
    this.#names.set(path, known);
    return known;
  }
  /** A session's reconnect reaches all sessions of the app. */
  reconnectAll(): void {
    this.#live()[0]?.session.reconnect();
  }
  executeReset(): void {
    throw new Error("the SDK sets no file aside before the next start");
  }
  sessionCount(user: TestUser): number {
    return this.#live().filter(({ userId }) => userId === user.id).length;
  }
  remember(userId: string, session: realm.sync_session): void {
    if (!this.#sessions.some((known) => known.session.equals(session))) this.#sessions.push({ userId, session });
  }
  #live(): { readonly userId: string; readonly session: realm.sync_session }[] {
    return this.#sessions.filter(({ session }) => {
      try {
        return session.state() !== undefined;
      } catch {
        return false;
      }
    });
  }
}

function resetHandlerOf(
  { mode, onBefore, onAfter }: ResetOptions,
  classes: Classes,
  path: string,
): realm.client_reset_handler {
  const wrap = (db: realm.db): TestRealm => new CppRealm(db, classes, path);
  const before = (local: realm.db): void => void onBefore?.(wrap(local));
  const after = (local: realm.db, remote: realm.db): void => onAfter?.(wrap(local), wrap(remote));
  switch (mode) {
    case "manual":
      return realm.client_reset.manual();
    case "discard":
      return realm.client_reset.discard_unsynced_changes(before, after);
    case "recover":
      return realm.client_reset.recover_unsynced_changes(before, after);
    case "recoverOrDiscard":
      return realm.client_reset.recover_or_discard_unsynced_changes(before, after);
  }
}

/** The SDK names errors, where the suite counts them. */
const codes: ReadonlyMap<string, number> = new Map(
  Object.entries(syncStatusCode).map(([name, code]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, code]),
);

function informationOf(error: unknown): ErrorInformation {
  if (error instanceof realm.sync_error) {
    const name = error.get_status().code_string();
    const info = error.user_info();
    const writes = error.compensating_writes_info().map(({ object_name: className, primary_key: key, reason }) => ({
      className,
      key: key as Value,
      reason,
    }));
    return {
      code: codes.get(name) ?? name,
      message: error.message(),
      isFatal: error.is_fatal(),
      ...(error.is_client_reset_requested()
        ? {
            reset: {
              original: info.get("ORIGINAL_FILE_PATH") ?? "",
              recovery: info.get("RECOVERY_FILE_PATH") ?? "",
            },
          }
        : {}),
      ...(writes.length > 0 ? { writes } : {}),
    };
  }
  if (error instanceof realm.exception) {
    return { code: codes.get(error.code_string()) ?? error.code_string(), message: error.what() };
  }
  return { code: undefined, message: error instanceof Error ? error.message : String(error) };
}

const { all, debug, info, warn, error: errors, off } = realm.logger.level;
const levels: Readonly<Record<LogLevel, realm.logger_level>> = { all, debug, info, warn, error: errors, off };

/** The SDK sets the level of what synchronises by an app, for all. */
let levelKnob: CppApp | undefined;
let level: LogLevel = "off";

class LineLogger extends realm.logger {
  readonly #callback: (line: LogLine) => void;

  constructor(callback: (line: LogLine) => void) {
    super();
    this.#callback = callback;
  }
  override do_log(lineLevel: realm.logger_level, message: string): void {
    const known = (Object.keys(levels) as LogLevel[]).findLast((one) => levels[one] <= lineLevel);
    this.#callback({ level: known ?? "all", message });
  }
}

/** `@tidemark/cpp`. */
export const cppAdapter: Adapter = {
  facade: "cpp",
  ownCases: cppCases,
  capabilities: new Set(["stopPolicy", "freeze", "sessionOutlivesRealm", "online"]),
  async makeApp({ appId, baseUrl, directory }: AppOptions): Promise<TestApp> {
    const app = new realm.App({ app_id: appId, base_url: baseUrl, path: directory, enable_caching: false });
    levelKnob = new CppApp(app, directory);
    levelKnob.setLogLevel(levels[level]);
    return levelKnob;
  },
  captureLog(callback: (line: LogLine) => void): () => void {
    realm.set_default_logger(new LineLogger(callback));
    return () => realm.set_default_logger(undefined);
  },
  setLogLevel(given: LogLevel): void {
    level = given;
    levelKnob?.setLogLevel(levels[given]);
  },
  async openLocal({ directory, models }): Promise<TestRealm> {
    const path = join(directory, "local.realm");
    const classes = new Classes(models);
    return new CppRealm(realm.open(new realm.db_config(path), ...classes.all), classes, path);
  },
  errorInfo: informationOf,
  comeOnline: () => network.announceOnline(),
};
