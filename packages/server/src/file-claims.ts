/**
 * Which session a client file is bound by.
 *
 * Whoever names a file may be anybody until the ledger has judged the IDENT. So a claim that is not judged yet speaks
 * for nobody: it is waited for, and never held against the next one. Otherwise whoever guesses an ident could have its
 * owner told that the salt is wrong, which costs the owner a client reset.
 *
 * @module
 */

import type { BoundSession } from "./sync-app.js";

/** What came of a claim. */
export type Claim =
  | "claimed"
  /** The claimant ended meanwhile. */
  | "over"
  | "bound-on-same-connection"
  /** The session that has the file, whose owner the ledger knows, is of another user, or names another salt. */
  | "of-another-user"
  | "of-another-salt";

/**
 * Makes a session the one of its client file. A file that turns up again is a client that came back before its old
 * connection was noticed to be dead: the old one goes. Whether the sender may claim the file at all is checked against
 * the bound session first, so that nobody can cut off a stranger.
 */
export async function claimFile(
  files: Map<bigint, BoundSession>,
  claimant: BoundSession,
  fileIdent: bigint,
): Promise<Claim> {
  for (let older = files.get(fileIdent); older !== undefined; older = files.get(fileIdent)) {
    if (older.isOver) await older.settled;
    else {
      const refusal = refusalOf(older, claimant);
      if (refusal === "bound-on-same-connection" || (refusal !== null && older.isJudged)) return refusal;
      if (refusal === null) older.dropConnection();
      await (refusal === null ? older.settled : older.judged);
    }
    if (claimant.isOver) return "over";
  }
  files.set(fileIdent, claimant);
  return "claimed";
}

function refusalOf(older: BoundSession, claimant: BoundSession): Claim | null {
  if (older.fileIdentSalt !== claimant.fileIdentSalt) return "of-another-salt";
  if (older.userId !== claimant.userId) return "of-another-user";
  return older.connection === claimant.connection ? "bound-on-same-connection" : null;
}
