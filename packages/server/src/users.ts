/**
 * The users of one app: identities, profiles and refresh sessions, durable before any answer speaks of them.
 *
 * A user's id never changes: clients keep their files under it.
 *
 * @module
 */

import type { IdentityBody, LoginBody, ProfileBody, SessionBody } from "@tidemark/protocol";
import { Semaphore } from "./concurrency.js";
import { type Host, randomId } from "./host.js";
import { getJson, jsonChange, type KeyValue, type KeyValueChange, listJson } from "./key-value.js";
import type { Passwords } from "./passwords.js";
import { serviceErrors } from "./service-error.js";
import { anonymousRefreshTokenSeconds, refreshTokenSeconds, type TokenSubject, type Tokens } from "./tokens.js";

/** What is kept of a user. */
export interface UserRecord {
  /** 24 hexadecimal digits. */
  readonly id: string;
  /** When the user was made, since 1970. */
  readonly createdMs: number;
  /** Whether the user may not log in or sync. */
  readonly isDisabled: boolean;
  /** The ways in which the user logs in. */
  readonly identities: readonly IdentityBody[];
  /** What the providers know of the user. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Custom user data: travels in access tokens. */
  readonly customData?: unknown;
}

/** What is kept of an e-mail address. The user comes into being with the first login. */
interface EmailRecord {
  readonly identityId: string;
  readonly passwordHash: string;
  readonly userId: string | null;
}

interface SessionRecord {
  readonly userId: string;
  readonly deviceId: string;
  readonly expiresMs: number;
}

const passwordLengthMin = 6;
const passwordLengthMax = 128;
const emailLengthMax = 320;
/** Most custom data of a user, in bytes of JSON: it travels in access tokens, and those in URLs. */
export const customDataBytesMax = 8192;

/** What {@link Users} needs. */
export interface UsersContext {
  readonly appId: string;
  readonly domainId: string;
  readonly store: KeyValue;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly host: Host;
  /** Called after what rules may ask of a user has changed; the change counts as made once it resolves. */
  readonly onUserChanged: (userId: string) => Promise<void>;
}

/** Registration, login, sessions and profiles of one app. */
export class Users {
  readonly #context: UsersContext;
  /** Checks that are followed by a write happen one after another. */
  readonly #changes = new Semaphore(1);

  constructor(context: UsersContext) {
    this.#context = context;
  }

  #userKey(userId: string): string {
    return `user/${this.#context.domainId}/${userId}`;
  }

  #emailKey(email: string): string {
    return `email/${this.#context.domainId}/${email}`;
  }

  #sessionPrefix(userId: string): string {
    return `session/${this.#context.domainId}/${userId}/`;
  }

  /** The user with an id, or `null`. */
  find(userId: string): Promise<UserRecord | null> {
    return getJson<UserRecord>(this.#context.store, this.#userKey(userId));
  }

  /** All users by id. */
  async list(): Promise<readonly UserRecord[]> {
    const users = await listJson<UserRecord>(this.#context.store, this.#userKey(""));
    return users.map(({ value }) => value);
  }

  /** Registers an e-mail address, confirmed at once. */
  async register(email: string, password: string): Promise<void> {
    await this.#register(email, password, async (record) => {
      await this.#context.store.write([jsonChange(this.#emailKey(email), record)]);
    });
  }

  /** Makes a user with an e-mail address, before anybody has logged in with it. */
  create(email: string, password: string): Promise<UserRecord> {
    return this.#register(email, password, async (record) => {
      const user = this.#newUser([this.#emailIdentity(record, email)], { email });
      await this.#context.store.write([
        jsonChange(this.#userKey(user.id), user),
        jsonChange(this.#emailKey(email), { ...record, userId: user.id }),
      ]);
      return user;
    });
  }

  async #register<T>(email: string, password: string, keep: (record: EmailRecord) => Promise<T>): Promise<T> {
    const { store, passwords, host } = this.#context;
    if (email === "" || email.length > emailLengthMax) throw serviceErrors.emailInvalid();
    if (password.length < passwordLengthMin || password.length > passwordLengthMax) {
      throw serviceErrors.passwordLength();
    }
    const key = this.#emailKey(email);
    if ((await store.get(key)) !== null) throw serviceErrors.nameInUse();
    const passwordHash = await passwords.hash(password);
    return this.#changes.run(async () => {
      if ((await store.get(key)) !== null) throw serviceErrors.nameInUse();
      return keep({ identityId: randomId(host), passwordHash, userId: null });
    });
  }

  /** Addresses that were registered and have no user yet: it comes into being with the first login. */
  async registrations(): Promise<
    readonly {
      /** Id of the identity. */
      readonly id: string;
      /** The address. */
      readonly email: string;
    }[]
  > {
    const prefix = this.#emailKey("");
    const records = await listJson<EmailRecord>(this.#context.store, prefix);
    return records
      .filter(({ value }) => value.userId === null)
      .map(({ key, value }) => ({ id: value.identityId, email: key.slice(prefix.length) }));
  }

  /**
   * Removes an address that has no user yet.
   *
   * @returns whether there was one.
   */
  removeRegistration(email: string): Promise<boolean> {
    return this.#changes.run(async () => {
      const { store } = this.#context;
      const record = await getJson<EmailRecord>(store, this.#emailKey(email));
      if (record === null || record.userId !== null) return false;
      await store.write([{ key: this.#emailKey(email), value: null }]);
      return true;
    });
  }

  /** Makes a new anonymous user and logs it in. */
  async logInAnonymously(deviceId: string | undefined): Promise<LoginBody> {
    const identity = this.#identity("anon-user", randomId(this.#context.host));
    const user = this.#newUser([identity], {});
    return this.#openSession(user, identity, deviceId, anonymousRefreshTokenSeconds, [
      jsonChange(this.#userKey(user.id), user),
    ]);
  }

  /** Logs in with an e-mail address; the first time makes the user. */
  async logInWithPassword(email: string, password: string, deviceId: string | undefined): Promise<LoginBody> {
    await this.#checkPassword(email, password);
    return this.#changes.run(async () => {
      const { store } = this.#context;
      const record = await getJson<EmailRecord>(store, this.#emailKey(email));
      if (record === null) throw serviceErrors.invalidPassword();
      const identity = this.#emailIdentity(record, email);
      const known = record.userId === null ? null : await this.find(record.userId);
      if (known !== null) {
        if (known.isDisabled) throw serviceErrors.userDisabled();
        return this.#openSession(known, identity, deviceId, refreshTokenSeconds, []);
      }
      const user = this.#newUser([identity], { email });
      return this.#openSession(user, identity, deviceId, refreshTokenSeconds, [
        jsonChange(this.#userKey(user.id), user),
        jsonChange(this.#emailKey(email), { ...record, userId: user.id }),
      ]);
    });
  }

  /** Adds an e-mail identity to a user; later logins with either lead to the same user. */
  async linkPassword(subject: TokenSubject, email: string, password: string): Promise<SessionBody> {
    await this.#checkPassword(email, password);
    const answer = await this.#changes.run(async () => {
      const { store, tokens } = this.#context;
      const record = await getJson<EmailRecord>(store, this.#emailKey(email));
      const user = await this.find(subject.userId);
      if (record === null || user === null || record.userId !== null) throw serviceErrors.unauthorized();
      if (user.identities.some((one) => one.provider_type === "local-userpass")) {
        throw serviceErrors.unauthorized();
      }
      const linked: UserRecord = {
        ...user,
        identities: [...user.identities, this.#emailIdentity(record, email)],
        data: { ...user.data, email },
      };
      await store.write([
        jsonChange(this.#userKey(user.id), linked),
        jsonChange(this.#emailKey(email), { ...record, userId: user.id }),
      ]);
      return { access_token: await tokens.access(subject, user.customData) };
    });
    await this.#context.onUserChanged(subject.userId);
    return answer;
  }

  /**
   * A new access token for a refresh token whose session still stands.
   *
   * @returns `null` if the user or the session is not known, or not any more.
   */
  async refresh(token: string): Promise<string | null> {
    const { store, tokens, host } = this.#context;
    const subject = await tokens.verifyRefresh(token);
    const session = await getJson<SessionRecord>(store, this.#sessionPrefix(subject.userId) + subject.sessionId);
    const user = await this.find(subject.userId);
    if (user?.isDisabled === true) throw serviceErrors.invalidSession();
    if (session === null || user === null) return null;
    if (session.expiresMs <= host.nowMs()) throw serviceErrors.invalidSession();
    return tokens.access(subject, user.customData);
  }

  /** Ends the session of a refresh token. */
  async logOut(token: string): Promise<void> {
    const subject = await this.#context.tokens.verifyRefresh(token);
    const key = this.#sessionPrefix(subject.userId) + subject.sessionId;
    await this.#context.store.write([{ key, value: null }]);
  }

  /** Ends all sessions of a user. Access tokens that are out stay good until they expire. */
  async endSessions(userId: string): Promise<void> {
    await this.#changes.run(async () => this.#context.store.write(await this.#sessionRemovals(userId)));
  }

  /** The profile of the user behind an access token. */
  async profile(userId: string): Promise<ProfileBody> {
    const user = await this.find(userId);
    if (user === null) throw serviceErrors.invalidSession();
    const { domainId } = this.#context;
    return { user_id: user.id, domain_id: domainId, identities: user.identities, data: user.data, type: "normal" };
  }

  /** Removes a user with its identities and sessions. */
  async remove(userId: string): Promise<void> {
    await this.#changes.run(async () => {
      const user = await this.find(userId);
      if (user === null) throw serviceErrors.invalidSession();
      const removals: KeyValueChange[] = [{ key: this.#userKey(userId), value: null }];
      for (const identity of user.identities) {
        const email = identity.provider_data?.["email"];
        if (typeof email === "string") removals.push({ key: this.#emailKey(email), value: null });
      }
      removals.push(...(await this.#sessionRemovals(userId)));
      await this.#context.store.write(removals);
    });
  }

  /** Forbids or allows a user to log in and sync; forbidding ends its sessions. */
  async setDisabled(userId: string, isDisabled: boolean): Promise<void> {
    await this.#changes.run(async () => {
      const user = await this.find(userId);
      if (user === null) throw serviceErrors.notFound();
      const removals = isDisabled ? await this.#sessionRemovals(userId) : [];
      await this.#context.store.write([jsonChange(this.#userKey(userId), { ...user, isDisabled }), ...removals]);
    });
  }

  /**
   * Sets a user's custom data, which rules see at once and clients with their next access token; `undefined` removes
   * it.
   *
   * @param data JSON, with Extended JSON for what JSON cannot say; up to {@link customDataBytesMax}.
   */
  async setCustomData(userId: string, data: unknown): Promise<void> {
    const bytes = data === undefined ? 0 : Buffer.byteLength(JSON.stringify(data));
    if (bytes > customDataBytesMax) throw serviceErrors.customDataTooLarge(bytes, customDataBytesMax);
    await this.#changes.run(async () => {
      const user = await this.find(userId);
      if (user === null) throw serviceErrors.notFound();
      const { customData: _, ...others } = user;
      const changed: UserRecord = data === undefined ? others : { ...others, customData: data };
      await this.#context.store.write([jsonChange(this.#userKey(userId), changed)]);
    });
    await this.#context.onUserChanged(userId);
  }

  /** What deletes all users. */
  async removals(): Promise<readonly KeyValueChange[]> {
    const { store, domainId } = this.#context;
    const kinds = ["user", "email", "session"];
    const found = await Promise.all(kinds.map((kind) => store.list(`${kind}/${domainId}/`)));
    return found.flat().map(({ key }) => ({ key, value: null }));
  }

  async #sessionRemovals(userId: string): Promise<KeyValueChange[]> {
    const sessions = await listJson<SessionRecord>(this.#context.store, this.#sessionPrefix(userId));
    return sessions.map(({ key }) => ({ key, value: null }));
  }

  async #checkPassword(email: string, password: string): Promise<void> {
    const { store, passwords } = this.#context;
    const record = await getJson<EmailRecord>(store, this.#emailKey(email));
    if (password.length > passwordLengthMax) throw serviceErrors.invalidPassword();
    if (record === null) {
      // As slow as for an address that exists, so that the time tells nothing.
      await passwords.hash(password);
      throw serviceErrors.invalidPassword();
    }
    if (!(await passwords.verify(record.passwordHash, password))) throw serviceErrors.invalidPassword();
  }

  #identity(provider: "anon-user" | "local-userpass", id: string, email?: string): IdentityBody {
    const identity = { id, provider_type: provider, provider_id: this.#context.domainId };
    return email === undefined ? identity : { ...identity, provider_data: { email } };
  }

  #emailIdentity(record: EmailRecord, email: string): IdentityBody {
    return this.#identity("local-userpass", record.identityId, email);
  }

  #newUser(identities: readonly IdentityBody[], data: Readonly<Record<string, unknown>>): UserRecord {
    const { host } = this.#context;
    return { id: randomId(host), createdMs: host.nowMs(), isDisabled: false, identities, data };
  }

  async #openSession(
    user: UserRecord,
    identity: IdentityBody,
    deviceId: string | undefined,
    lifetimeSeconds: number,
    changes: readonly KeyValueChange[],
  ): Promise<LoginBody> {
    const { store, tokens, host, domainId } = this.#context;
    const subject: TokenSubject = {
      userId: user.id,
      sessionId: randomId(host),
      deviceId: deviceId ?? randomId(host),
      domainId,
    };
    const session: SessionRecord = {
      userId: user.id,
      deviceId: subject.deviceId,
      expiresMs: host.nowMs() + lifetimeSeconds * 1000,
    };
    await store.write([...changes, jsonChange(this.#sessionPrefix(user.id) + subject.sessionId, session)]);
    const { id, provider_type, provider_id } = identity;
    return {
      access_token: await tokens.access(subject, user.customData),
      refresh_token: await tokens.refresh(subject, { id, provider_type, provider_id }, lifetimeSeconds),
      user_id: user.id,
      device_id: subject.deviceId,
    };
  }
}
