/**
 * A JSON file that knows on which line everything in it is.
 *
 * @module
 */

import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type { JsonPath } from "../schema/json-schema.js";
import type { Severity } from "../schema/problem.js";
import type { Findings, Location } from "./findings.js";

/** A part of a JSON file, for whoever checks it elsewhere. */
export interface PositionedJson {
  /** The parsed value. */
  readonly value: unknown;
  /** Where something in the value is written: the key of a property, or an element. What is absent is at its parent. */
  locate(path: JsonPath): Location;
}

/** Replaces what a string asks for, or says what is wrong with it. */
export type Substitution = (text: string, wrong: (message: string) => void) => string;

/** Syntax errors of one file that are told: the first is the real one most of the time. */
const syntaxErrorsMax = 5;

/** Tokens of JSON that open and close something; the library's names for them are no values at run time. */
const openBrace = 1;
const closeBrace = 2;
const openBracket = 3;
const closeBracket = 4;
const endOfFile = 17;

/** In words what the parser's codes say. */
const syntaxErrors: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is no value of JSON",
  InvalidNumberFormat: "this is no number of JSON",
  PropertyNameExpected: "the name of a property is expected, in double quotes",
  ValueExpected: "a value is expected",
  ColonExpected: "a colon is expected",
  CommaExpected: "a comma is expected",
  CloseBraceExpected: "a closing brace is expected",
  CloseBracketExpected: "a closing bracket is expected",
  EndOfFileExpected: "the end of the file is expected",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfComment: "the comment does not end",
  UnexpectedEndOfString: "the string does not end",
  UnexpectedEndOfNumber: "the number is not complete",
  InvalidUnicode: "this is no character by its code",
  InvalidEscapeCharacter: "there is no such character after a backslash",
  InvalidCharacter: "the string has a character that must be escaped",
};

/** A parsed file. */
export class JsonDocument implements PositionedJson {
  readonly file: string;
  readonly value: unknown;
  readonly #root: Node | undefined;
  readonly #lineStarts: readonly number[];
  readonly #findings: Findings;
  /** Whether the syntax is wrong: then only that is told, because the rest may follow from it. */
  readonly isBroken: boolean;

  /**
   * Parses a file and reports what is wrong with its syntax.
   *
   * @param nestingMax how deep objects and arrays may be inside each other.
   */
  constructor(file: string, text: string, findings: Findings, nestingMax: number, substitution: Substitution) {
    this.file = file;
    this.#findings = findings;
    this.#lineStarts = findLineStarts(text);
    const tooDeep = findTooDeep(text, nestingMax);
    if (tooDeep !== undefined) {
      findings.add("error", this.#at(tooDeep), `objects and arrays nest deeper than ${nestingMax}`);
      this.isBroken = true;
      return;
    }
    const errors: ParseError[] = [];
    this.#root = parseTree(text, errors, { disallowComments: true });
    this.isBroken = errors.length > 0;
    // At the end of the file every open object lacks its brace; once is enough.
    const distinct = new Map(errors.map((one) => [`${one.offset} ${one.error}`, one]));
    for (const { error, offset } of [...distinct.values()].slice(0, syntaxErrorsMax)) {
      const name = printParseErrorCode(error);
      findings.add("error", this.#at(offset), `not JSON: ${syntaxErrors[name] ?? name}`);
    }
    this.value = this.#root === undefined ? undefined : this.#toValue(this.#root, substitution);
  }

  locate(path: JsonPath): Location {
    return this.#at(this.#offsetOf(path));
  }

  /** Adds a finding about something in the file. */
  report(severity: Severity, path: JsonPath, message: string): void {
    if (this.isBroken) return;
    // Finding the place of what is only counted would cost without an end.
    const location = this.#findings.isFull ? { file: this.file, line: 1, column: 1 } : this.locate(path);
    this.#findings.add(severity, location, message);
  }

  /** A part of the file on its own. */
  part(prefix: JsonPath, value: unknown): PositionedJson {
    return { value, locate: (path) => this.locate([...prefix, ...path]) };
  }

  #offsetOf(path: JsonPath): number {
    let node = this.#root;
    let offset = node?.offset ?? 0;
    for (const step of path) {
      const child = childAt(node, step);
      if (child === undefined) break;
      offset = child.offset;
      node = child.type === "property" ? child.children?.[1] : child;
    }
    return offset;
  }

  #at(offset: number): Location {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }

  #toValue(node: Node, substitution: Substitution): unknown {
    switch (node.type) {
      case "object":
        // From entries, because a key may be called `__proto__`.
        return Object.fromEntries(this.#entries(node, substitution));
      case "array":
        return (node.children ?? []).map((child) => this.#toValue(child, substitution));
      case "string":
        return substitution(String(node.value), (message) => {
          if (!this.isBroken) this.#findings.add("error", this.#at(node.offset), message);
        });
      default:
        return node.value;
    }
  }

  #entries(node: Node, substitution: Substitution): [string, unknown][] {
    const seen = new Map<string, number>();
    return (node.children ?? []).flatMap((property): [string, unknown][] => {
      const [key, value] = property.children ?? [];
      if (key === undefined || value === undefined) return [];
      const name = String(key.value);
      const earlier = seen.get(name);
      if (earlier === undefined) {
        seen.set(name, key.offset);
        return [[name, this.#toValue(value, substitution)]];
      }
      const message = `"${name}" is there already, on line ${this.#at(earlier).line}`;
      if (!this.isBroken) this.#findings.add("error", this.#at(key.offset), message);
      return [];
    });
  }
}

function childAt(node: Node | undefined, step: string | number): Node | undefined {
  if (node?.type === "array") return typeof step === "number" ? node.children?.[step] : undefined;
  if (node?.type !== "object") return undefined;
  return node.children?.find((property) => property.children?.[0]?.value === step);
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
  return starts;
}

/** Where the nesting becomes too deep. The parser recurses, so that this has to be known before. */
function findTooDeep(text: string, nestingMax: number): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token: number = scanner.scan(); token !== endOfFile; token = scanner.scan()) {
    if (token === openBrace || token === openBracket) depth += 1;
    if (token === closeBrace || token === closeBracket) depth -= 1;
    if (depth > nestingMax) return scanner.getTokenOffset();
  }
  return undefined;
}
