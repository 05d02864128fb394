/**
 * What each user of one app may do: the role that a session is opened with.
 *
 * @module
 */

import type { AppConfiguration } from "./app-directory/configuration.js";
import { queryableFields, queryableTest, readAppRules } from "./app-rules.js";
import type { Role, RolePredicates } from "./ledger.js";
import type { Logger } from "./logger.js";
import { effectiveRole, type EffectiveRole, ledgerRole, type RuleSet } from "./rules/effective-role.js";
import { allFields, type FieldAccess, fieldAccessText, noFields } from "./rules/field-access.js";
import { type RuleFields, ruleFields } from "./rules/rule-fields.js";
import { type RuleSchema, ruleSchema } from "./rules/schema.js";
import { type ClassInformation, readClasses } from "./schema/classes.js";
import type { UserRecord } from "./users.js";

/** What {@link SessionRoles} needs. */
export interface SessionRolesContext {
  readonly appId: string;
  readonly logger: Logger;
  /** The classes as the ledger has them now. */
  readonly schema: () => Promise<string>;
  readonly findUser: (userId: string) => Promise<UserRecord | null>;
}

/** Rules in force. */
interface Rules {
  readonly configuration: AppConfiguration;
  readonly rules: RuleSet;
  readonly isQueryable: RuleSchema["isQueryable"];
}

/** Who may do what when the app brings no rules: everybody everything. */
export const openRole: Role = uniformRole("TRUEPREDICATE", allFields);
/** For a user who was deleted. */
const closedRole = uniformRole("FALSEPREDICATE", noFields);

function uniformRole(predicate: string, fields: FieldAccess): Role {
  const access = fieldAccessText(fields);
  return {
    default: {
      read: predicate,
      write: predicate,
      insert: predicate,
      delete: predicate,
      readableFields: access,
      writableFields: access,
    },
    classes: {},
  };
}

/** Computes roles by the rules in force. */
export class SessionRoles {
  readonly #context: SessionRolesContext;
  #rules: Rules | null = null;
  #revision = 0;
  #classes: readonly ClassInformation[] = [];
  #classesText = "[]";

  constructor(context: SessionRolesContext) {
    this.#context = context;
  }

  /** Changes with everything that roles depend on, but for the schema: whoever has asked before asks again. */
  get revision(): number {
    return this.#revision;
  }

  /** Puts the rules of a configuration in force for roles that are asked for from now on. */
  configure(configuration: AppConfiguration): void {
    this.#revision += 1;
    const isQueryable = queryableTest(queryableFields(configuration));
    this.#rules = { configuration, rules: readAppRules(configuration).rules, isQueryable };
  }

  /** Something about a user has changed. */
  userChanged(): void {
    this.#revision += 1;
  }

  /** The role of a user by the rules and the user's data of this moment. Without rules everybody may do everything. */
  async roleOf(userId: string): Promise<Role> {
    if (this.#rules === null) return openRole;
    const [user, schema] = await Promise.all([this.#context.findUser(userId), this.#context.schema()]);
    if (user === null) return closedRole;
    const role = this.#expand(this.#rules, user, schema);
    this.#logDenials(userId, role);
    return ledgerRole(role);
  }

  /** The fields that the rules in force look at. */
  async ruleFields(): Promise<RuleFields> {
    if (this.#rules === null) return {};
    this.#readClasses(await this.#context.schema());
    return ruleFields(this.#rules.rules, this.#objectClassNames());
  }

  #readClasses(schema: string): void {
    if (schema === this.#classesText) return;
    this.#classes = readClasses(schema);
    this.#classesText = schema;
  }

  #objectClassNames(): readonly string[] {
    return this.#classes.filter((one) => one.kind !== "embedded").map((one) => one.name);
  }

  #expand({ configuration, rules, isQueryable }: Rules, user: UserRecord, schema: string): EffectiveRole {
    this.#readClasses(schema);
    const { id, data, customData } = user;
    const identities = user.identities.map((one) => ({ id: one.id, providerType: one.provider_type }));
    return effectiveRole({
      rules,
      schema: ruleSchema(this.#classes, isQueryable),
      classNames: this.#objectClassNames(),
      context: {
        user: { id, type: "normal", data, customData, identities },
        values: configuration.values,
        environment: configuration.environment,
      },
    });
  }

  #logDenials(user: string, { classes }: EffectiveRole): void {
    const { logger, appId } = this.#context;
    for (const [name, { denial }] of Object.entries(classes)) {
      if (denial !== null) logger.debug({ app: appId, user, class: name }, `no access: ${denial}`);
    }
  }
}

/** Whether two roles allow the same, whichever classes they name. */
export function isSameRole(left: Role, right: Role): boolean {
  const names = new Set([...Object.keys(left.classes), ...Object.keys(right.classes)]);
  return (
    isSameAccess(left.default, right.default) &&
    [...names].every((name) => isSameAccess(accessTo(left, name), accessTo(right, name)))
  );
}

function accessTo(role: Role, className: string): RolePredicates {
  return (Object.hasOwn(role.classes, className) ? role.classes[className] : undefined) ?? role.default;
}

function isSameAccess(left: RolePredicates, right: RolePredicates): boolean {
  const keys = ["read", "write", "insert", "delete", "readableFields", "writableFields"] as const;
  return keys.every((key) => left[key] === right[key]);
}
