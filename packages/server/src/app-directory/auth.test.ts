import { describe, expect, test } from "vitest";
import { app, findingsIn, memoryFiles } from "../testing/app-files.js";
import { readAppDirectory } from "./read.js";

const file = "auth/providers.json";

describe("providers", () => {
  const read = (providers: object) => {
    const { configuration, findings } = readAppDirectory(memoryFiles(app({ [file]: providers })));
    expect(findings.filter((one) => one.severity === "error")).toEqual([]);
    return configuration.providers;
  };

  test("e-mail and password, with the way of confirming that counts", () => {
    const config = {
      autoConfirm: false,
      emailConfirmationUrl: "https://a.example/confirm",
      confirmEmailSubject: "",
      runConfirmationFunction: true,
      confirmationFunctionName: "confirm",
      resetPasswordUrl: "",
      resetPasswordSubject: "Reset",
      runResetFunction: false,
      resetFunctionName: "reset",
    };
    const provider = {
      type: "local-userpass",
      isDisabled: false,
      autoConfirm: false,
      emailConfirmationUrl: "https://a.example/confirm",
      confirmEmailSubject: null,
      confirmationFunctionName: "confirm",
      resetPasswordUrl: null,
      resetPasswordSubject: "Reset",
      resetFunctionName: null,
    };
    expect(read({ "local-userpass": { config } })).toEqual([provider]);
    expect(read({ "local-userpass": { config: { ...config, autoConfirm: true } } })).toEqual([
      { ...provider, autoConfirm: true, confirmationFunctionName: null },
    ]);
  });

  test("tokens of others, with the fields that they bring", () => {
    const custom = {
      disabled: true,
      config: { audience: "app", signingAlgorithm: "RS256", useJWKURI: true, jwkURI: "https://a.example/keys" },
      secret_config: { signingKeys: ["one", "two"] },
      metadata_fields: [
        { required: true, name: "a.b\\.c.d" },
        { required: false, name: "email", field_name: "mail" },
      ],
    };
    const provider = {
      type: "custom-token",
      isDisabled: true,
      audience: ["app"],
      requireAnyAudience: false,
      signingAlgorithm: "RS256",
      jwkUri: "https://a.example/keys",
      signingKeys: ["one", "two"],
      metadataFields: [
        { isRequired: true, path: ["a", "b.c", "d"], fieldName: "d" },
        { isRequired: false, path: ["email"], fieldName: "mail" },
      ],
    };
    expect(read({ "custom-token": custom })).toEqual([provider]);
    const several = {
      disabled: true,
      config: { audience: ["a", "b"], requireAnyAudience: true, useJWKURI: false, jwkURI: "x" },
    };
    expect(read({ "custom-token": several })).toEqual([
      {
        ...provider,
        audience: ["a", "b"],
        requireAnyAudience: true,
        signingAlgorithm: null,
        jwkUri: null,
        signingKeys: [],
        metadataFields: [],
      },
    ]);
  });

  test("functions, accounts of others, and those without settings", () => {
    const oauth = { isDisabled: true, clientId: "id", isOpenId: false, redirectUris: [] };
    const config = { clientId: "id" };
    expect(
      read({
        "custom-function": { disabled: true, config: { authFunctionName: "check" } },
        "oauth2-google": {
          disabled: true,
          config: { clientId: "id", openId: true },
          secret_config: { clientSecret: "s" },
        },
        "oauth2-facebook": { disabled: true, config, secret_config: { clientSecrets: ["a", "b"] } },
        "oauth2-apple": { disabled: true, config, redirect_uris: ["https://a.example"] },
        "anon-user": { disabled: true },
        "api-key": { disabled: true },
      }),
    ).toEqual([
      { type: "custom-function", isDisabled: true, functionName: "check" },
      { type: "oauth2-google", ...oauth, isOpenId: true, clientSecrets: ["s"] },
      { type: "oauth2-facebook", ...oauth, clientSecrets: ["a", "b"] },
      { type: "oauth2-apple", ...oauth, clientSecrets: [], redirectUris: ["https://a.example"] },
      { type: "anon-user", isDisabled: true },
      { type: "api-key", isDisabled: true },
    ]);
  });

  const absent = (type: string): string =>
    `2:3: warning: nobody can log in by "${type}": this server does not have that provider yet`;
  const confirmed = "users are confirmed at once, whoever they are";

  test.each<[string, object, readonly string[]]>([
    ["api-key", {}, [absent("api-key")]],
    ["custom-token", {}, [absent("custom-token")]],
    ["custom-function", {}, [absent("custom-function")]],
    ["oauth2-google", {}, [absent("oauth2-google")]],
    ["oauth2-facebook", {}, [absent("oauth2-facebook")]],
    ["oauth2-apple", {}, [absent("oauth2-apple")]],
    ["oauth2-apple", { disabled: true }, []],
    ["anon-user", { name: "anon" }, ['3:5: error: name: "anon-user" is expected, found "anon"']],
    ["anon-user", { disabled: "no" }, ["3:5: error: disabled: expected boolean, received string"]],
    ["local-userpass", { disabled: true, config: {} }, []],
    ["local-userpass", { config: { autoConfirm: false } }, [`4:7: warning: ${confirmed}: no e-mails are sent yet`]],
    [
      "local-userpass",
      { config: { runConfirmationFunction: true } },
      [`4:7: warning: ${confirmed}: no functions run yet`],
    ],
    [
      "local-userpass",
      { config: { autoConfirm: true, resetPasswordUrl: "https://a.example" } },
      ["5:7: warning: passwords cannot be reset: no e-mails are sent yet"],
    ],
    [
      "local-userpass",
      { config: { autoConfirm: true, runResetFunction: true } },
      ["5:7: warning: passwords cannot be reset: no functions run yet"],
    ],
    ["local-userpass", { config: { autoConfirm: true, autoconfirm: 1 } }, ['5:7: warning: unknown key "autoconfirm"']],
    [
      "local-userpass",
      { config: [] },
      ["3:5: error: an object is expected", `3:5: warning: ${confirmed}: no e-mails are sent yet`],
    ],
    [
      "custom-token",
      { disabled: true, config: { audience: 1 } },
      ["5:7: error: audience: a string or an array of strings is expected"],
    ],
    [
      "custom-token",
      { disabled: true, config: { signingAlgorithm: "none" } },
      ['5:7: error: signingAlgorithm: expected one of "HS256"|"RS256"'],
    ],
    [
      "custom-token",
      { disabled: true, secret_config: { signingKeys: ["1", "2", "3", "4"] } },
      ["5:7: error: signingKeys: at most 3 keys are allowed"],
    ],
    [
      "custom-token",
      { disabled: true, metadata_fields: [{}, { name: "a", field_name: "a".repeat(64) }] },
      [
        "5:7: error: a metadata field needs a name: the path of a value in the token",
        "8:9: error: field_name: at most 63 characters are allowed",
      ],
    ],
  ])("%s, what is wrong or does not work (%#)", (type, provider, expected) => {
    expect(findingsIn(app({ [file]: { [type]: provider } }))).toEqual(expected.map((line) => `${file}:${line}`));
  });

  test("one that does not exist", () => {
    expect(findingsIn(app({ [file]: { "oauth2-github": {} } }))).toEqual([
      `${file}:2:3: error: there is no provider "oauth2-github"; there are anon-user, api-key, local-userpass, ` +
        "custom-token, custom-function, oauth2-google, oauth2-facebook, oauth2-apple",
    ]);
  });
});

describe("custom user data", () => {
  const path = "auth/custom_user_data.json";
  const settings = {
    enabled: true,
    mongo_service_name: "mongodb-atlas",
    database_name: "shop",
    collection_name: "users",
    user_id_field: "user_id",
  };

  test("is where the file says, and its collection needs no schema", () => {
    const contents = app({ [path]: settings, "data_sources/mongodb-atlas/shop/users/rules.json": { roles: [] } });
    expect(findingsIn(contents)).toEqual([]);
    expect(readAppDirectory(memoryFiles(contents)).configuration.customUserData).toEqual({
      service: "mongodb-atlas",
      database: "shop",
      collection: "users",
      userIdField: "user_id",
      onUserCreationFunctionName: null,
    });
  });

  test.each<[object, string]>([
    [{ user_id_field: "" }, "6:3: error: custom user data is enabled, and user_id_field is missing"],
    [{ mongo_service_name: "other" }, '3:3: error: there is no data source "other"'],
    [
      { on_user_creation_function_name: "welcome" },
      '7:3: warning: the function "welcome" does not run when a user is created: no functions run yet',
    ],
    [{ enabled: 1 }, "2:3: error: enabled: expected boolean, received number"],
  ])("what is wrong with it (%#)", (changes, expected) => {
    expect(findingsIn(app({ [path]: { ...settings, ...changes } }))).toEqual([`${path}:${expected}`]);
  });
});
