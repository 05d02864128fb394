/**
 * Where the account of the Admin API comes from.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { type AdminOptions, TidemarkError } from "@tidemark/server";

/** What the command line says of it. */
export interface AdminArguments {
  readonly adminUser?: string;
  readonly adminPasswordFile?: string;
  readonly adminRemote?: boolean;
}

/** The password stands in no argument: others on the machine could read it there. */
export const adminPasswordVariable = "TIDEMARK_ADMIN_PASSWORD";

/** The account that the SDKs' own test harnesses log in with, for a server that nobody else reaches. */
export const harnessAccount: AdminOptions = {
  user: "unique_user@domain.com",
  password: "password",
  isWellKnown: true,
};

/**
 * The account that is asked for; `null` without one.
 *
 * @throws TidemarkError if its name or password is missing, or its file cannot be read.
 */
export function readAdminAccount(
  { adminUser: user, adminPasswordFile: file, adminRemote: isRemote = false }: AdminArguments,
  environment: NodeJS.ProcessEnv,
): AdminOptions | null {
  if (user === undefined) {
    if (file === undefined && !isRemote) return null;
    throw new TidemarkError("bad-option", "--admin-password-file and --admin-remote go with --admin-user");
  }
  const password = file === undefined ? environment[adminPasswordVariable] : readPassword(file);
  if (password === undefined || password === "") {
    const message = `--admin-user needs a password: in --admin-password-file, or in ${adminPasswordVariable}`;
    throw new TidemarkError("bad-option", message);
  }
  return { user, password, isRemote };
}

function readPassword(file: string): string {
  try {
    // Editors end files with a line break, which is no part of the password.
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    const { message } = cause as Error;
    throw new TidemarkError("bad-option", `--admin-password-file cannot be read: ${message}`, { cause });
  }
}
