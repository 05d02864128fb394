/**
 * Errors of this package, and the base that every Tidemark error extends.
 *
 * @module
 */

/** Base of all errors that Tidemark throws: `code` is stable, `message` is for people. */
export class TidemarkError extends Error {
  /** Stable identifier in kebab case. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** What can be wrong with a message. */
export type ProtocolErrorCode =
  /** The type word is none that this side of the connection may receive. */
  | "unknown-message"
  /** The head, the body's length or the body's form break the grammar. */
  | "bad-syntax"
  /** A length is beyond the limit that the receiver has set for it. */
  | "too-large"
  /** The compressed body is not one whole zlib stream of the announced size. */
  | "bad-decompression"
  /** The head of a changeset entry breaks the grammar. */
  | "bad-changeset-header"
  /** A changeset entry is longer than what is left of the body. */
  | "bad-changeset-size";

/** A message that breaks the protocol's grammar or a limit. */
export class ProtocolError extends TidemarkError {
  /** What is wrong; stable. */
  declare readonly code: ProtocolErrorCode;
  /** The message and field at fault, for instance `upload: uncompressed size`. */
  readonly where: string;

  constructor(code: ProtocolErrorCode, where: string, detail?: string, options?: ErrorOptions) {
    super(code, detail === undefined ? `${code} at ${where}` : `${code} at ${where}: ${detail}`, options);
    this.where = where;
  }
}
