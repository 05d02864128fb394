/**
 * Reads `auth/`: the ways to log in, and where custom user data is.
 *
 * @module
 */

import { z } from "zod";
import { asObject } from "../schema/problem.js";
import type { JsonPath } from "../schema/json-schema.js";
import type { CustomTokenProvider, CustomUserDataConfiguration, ProviderConfiguration } from "./configuration.js";
import { type Directory, readObject } from "./directory.js";
import type { JsonDocument } from "./json-document.js";

const providerTypes = [
  "anon-user",
  "api-key",
  "local-userpass",
  "custom-token",
  "custom-function",
  "oauth2-google",
  "oauth2-facebook",
  "oauth2-apple",
] as const;
type ProviderType = (typeof providerTypes)[number];

/** Providers that this server has. */
const offeredProviders: ReadonlySet<ProviderType> = new Set<ProviderType>(["anon-user", "local-userpass"]);

const providerShape = z.object({
  id: z.string().optional(),
  name: z.string().optional(),
  type: z.string().optional(),
  disabled: z.boolean().optional(),
  config: z.unknown().optional(),
  secret_config: z.unknown().optional(),
  metadata_fields: z.array(z.unknown()).optional(),
  redirect_uris: z.array(z.string()).optional(),
  domain_restrictions: z.array(z.string()).optional(),
});

/** A provider in the file, while it is being read. */
interface Entry {
  readonly document: JsonDocument;
  readonly path: JsonPath;
  readonly isDisabled: boolean;
  readonly provider: z.output<typeof providerShape>;
}

/** Reads `auth/providers.json`. */
export function readProviders(directory: Directory): readonly ProviderConfiguration[] {
  const document = directory.json("auth/providers.json");
  if (document === undefined) return [];
  const providers = asObject(document.value);
  if (providers === undefined) {
    document.report("error", [], "an object is expected");
    return [];
  }
  return Object.entries(providers).flatMap(([key, value]) => {
    const type = providerTypes.find((one) => one === key);
    if (type === undefined) {
      document.report("error", [key], `there is no provider "${key}"; there are ${providerTypes.join(", ")}`);
      return [];
    }
    const provider = readObject(document, [key], value, providerShape);
    for (const name of ["name", "type"] as const) {
      const found = provider[name];
      if (found === undefined || found === type) continue;
      document.report("error", [key, name], `${name}: "${type}" is expected, found "${found}"`);
    }
    const isDisabled = provider.disabled ?? false;
    if (!isDisabled && !offeredProviders.has(type)) {
      document.report("warning", [key], `nobody can log in by "${type}": this server does not have that provider yet`);
    }
    return [readProvider(type, { document, path: [key], isDisabled, provider })];
  });
}

function readProvider(type: ProviderType, entry: Entry): ProviderConfiguration {
  const { isDisabled } = entry;
  switch (type) {
    case "anon-user":
    case "api-key":
      return { type, isDisabled };
    case "local-userpass":
      return readPasswords(entry);
    case "custom-token":
      return readCustomToken(entry);
    case "custom-function": {
      const shape = z.object({ authFunctionName: text, authFunctionId: text });
      return { type, isDisabled, functionName: given(readPart(entry, "config", shape).authFunctionName) };
    }
    default:
      return readOAuth(type, entry);
  }
}

const text = z.string().optional();

/** The original writes empty texts for what is not set. */
function given(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

function readPart<Shape extends z.ZodObject>(
  { document, path, provider }: Entry,
  key: "config" | "secret_config",
  shape: Shape,
): z.output<Shape> {
  return readObject(document, [...path, key], provider[key] ?? {}, shape);
}

const passwordShape = z.object({
  autoConfirm: z.boolean().optional(),
  emailConfirmationUrl: text,
  confirmEmailSubject: text,
  runConfirmationFunction: z.boolean().optional(),
  confirmationFunctionName: text,
  confirmationFunctionId: text,
  resetPasswordUrl: text,
  resetPasswordSubject: text,
  runResetFunction: z.boolean().optional(),
  resetFunctionName: text,
  resetFunctionId: text,
});

function readPasswords(entry: Entry): ProviderConfiguration {
  const config = readPart(entry, "config", passwordShape);
  const { isDisabled } = entry;
  const say = (key: string, message: string): void => {
    if (!isDisabled) entry.document.report("warning", [...entry.path, "config", key], message);
  };
  const isAutomatic = config.autoConfirm ?? false;
  const runsConfirmation = !isAutomatic && (config.runConfirmationFunction ?? false);
  if (!isAutomatic) {
    const key = runsConfirmation ? "runConfirmationFunction" : "autoConfirm";
    const what = runsConfirmation ? "no functions run" : "no e-mails are sent";
    say(key, `users are confirmed at once, whoever they are: ${what} yet`);
  }
  const runsReset = config.runResetFunction ?? false;
  if (runsReset || given(config.resetPasswordUrl) !== null) {
    const what = runsReset ? "no functions run" : "no e-mails are sent";
    say(runsReset ? "runResetFunction" : "resetPasswordUrl", `passwords cannot be reset: ${what} yet`);
  }
  return {
    type: "local-userpass",
    isDisabled,
    autoConfirm: isAutomatic,
    emailConfirmationUrl: given(config.emailConfirmationUrl),
    confirmEmailSubject: given(config.confirmEmailSubject),
    confirmationFunctionName: runsConfirmation ? given(config.confirmationFunctionName) : null,
    resetPasswordUrl: given(config.resetPasswordUrl),
    resetPasswordSubject: given(config.resetPasswordSubject),
    resetFunctionName: runsReset ? given(config.resetFunctionName) : null,
  };
}

const signingKeysMax = 3;
const fieldNameMax = 63;
const tokenShape = z.object({
  audience: z.union([z.string(), z.array(z.string())], "a string or an array of strings is expected").optional(),
  requireAnyAudience: z.boolean().optional(),
  signingAlgorithm: z.enum(["HS256", "RS256"]).optional(),
  useJWKURI: z.boolean().optional(),
  jwkURI: text,
});
const tokenSecretShape = z.object({
  signingKeys: z.array(z.string()).max(signingKeysMax, `at most ${signingKeysMax} keys are allowed`).optional(),
});
const metadataShape = z.object({
  required: z.boolean().optional(),
  name: text,
  field_name: z.string().max(fieldNameMax, `at most ${fieldNameMax} characters are allowed`).optional(),
});

function readCustomToken(entry: Entry): CustomTokenProvider {
  const config = readPart(entry, "config", tokenShape);
  const secrets = readPart(entry, "secret_config", tokenSecretShape);
  const audience = config.audience ?? [];
  return {
    type: "custom-token",
    isDisabled: entry.isDisabled,
    audience: typeof audience === "string" ? (audience === "" ? [] : [audience]) : audience,
    requireAnyAudience: config.requireAnyAudience ?? false,
    signingAlgorithm: config.signingAlgorithm ?? null,
    jwkUri: config.useJWKURI === true ? given(config.jwkURI) : null,
    signingKeys: secrets.signingKeys ?? [],
    metadataFields: readMetadataFields(entry),
  };
}

function readMetadataFields({ document, path, provider }: Entry): CustomTokenProvider["metadataFields"] {
  return (provider.metadata_fields ?? []).flatMap((value, index) => {
    const where = [...path, "metadata_fields", index];
    const field = readObject(document, where, value, metadataShape);
    if (field.name === undefined || field.name === "") {
      document.report("error", where, "a metadata field needs a name: the path of a value in the token");
      return [];
    }
    // A dot after a backslash belongs to the name.
    const steps = field.name.split(/(?<!\\)\./).map((step) => step.replaceAll("\\.", "."));
    const fieldName = given(field.field_name) ?? steps.at(-1) ?? field.name;
    return [{ isRequired: field.required ?? false, path: steps, fieldName }];
  });
}

function readOAuth(type: "oauth2-google" | "oauth2-facebook" | "oauth2-apple", entry: Entry): ProviderConfiguration {
  const config = readPart(entry, "config", z.object({ clientId: text, openId: z.boolean().optional() }));
  const secretShape = z.object({ clientSecret: text, clientSecrets: z.array(z.string()).optional() });
  const secrets = readPart(entry, "secret_config", secretShape);
  const single = given(secrets.clientSecret);
  return {
    type,
    isDisabled: entry.isDisabled,
    clientId: given(config.clientId),
    isOpenId: config.openId ?? false,
    clientSecrets: secrets.clientSecrets ?? (single === null ? [] : [single]),
    redirectUris: entry.provider.redirect_uris ?? [],
  };
}

const userDataShape = z.object({
  enabled: z.boolean().optional(),
  mongo_service_name: text,
  mongo_service_id: text,
  database_name: text,
  collection_name: text,
  user_id_field: text,
  on_user_creation_function_name: text,
  on_user_creation_function_id: text,
});

/** Reads `auth/custom_user_data.json`; `null` if there is none or it is switched off. */
export function readCustomUserData(
  directory: Directory,
  services: readonly string[],
): CustomUserDataConfiguration | null {
  const document = directory.json("auth/custom_user_data.json");
  if (document === undefined) return null;
  const config = readObject(document, [], document.value, userDataShape);
  const functionName = given(config.on_user_creation_function_name);
  if (functionName !== null) {
    const message = `the function "${functionName}" does not run when a user is created: no functions run yet`;
    document.report("warning", ["on_user_creation_function_name"], message);
  }
  if (config.enabled !== true) return null;
  const required = (["mongo_service_name", "database_name", "collection_name", "user_id_field"] as const).map((key) => {
    const value = given(config[key]);
    if (value === null) document.report("error", [key], `custom user data is enabled, and ${key} is missing`);
    return value;
  });
  const [service, database, collection, userIdField] = required;
  if (service && !services.includes(service)) {
    document.report("error", ["mongo_service_name"], `there is no data source "${service}"`);
  }
  if (!service || !database || !collection || !userIdField) return null;
  return { service, database, collection, userIdField, onUserCreationFunctionName: functionName };
}
