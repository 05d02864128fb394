import { expect, test } from "vitest";
import { WriteTurns } from "./write-turns.js";

function setUp(): { readonly turns: WriteTurns; readonly heard: string[]; readonly nextTurn: () => void } {
  const deferred: (() => void)[] = [];
  const nextTurn = (): void => {
    for (const callback of deferred.splice(0)) callback();
  };
  return { turns: new WriteTurns({ defer: (callback) => deferred.push(callback) }), heard: [], nextTurn };
}

test("without a write transaction the session may write at once", () => {
  const { turns, heard } = setUp();
  turns.begin("other");
  expect(turns.isFree("file")).toBe(true);
  turns.whenFree("file", () => heard.push("now"));
  expect(heard).toEqual(["now"]);
});

test("after the last write transaction of a file those who wait have their turn, in their order", () => {
  const { turns, heard, nextTurn } = setUp();
  turns.begin("file");
  turns.begin("file");
  turns.whenFree("file", () => heard.push("first"));
  turns.end("file");
  nextTurn();
  expect([turns.isFree("file"), heard]).toEqual([false, []]);
  turns.end("file");
  expect(heard, "whoever has ended it goes on first").toEqual([]);
  expect(turns.isFree("file"), "nobody overtakes those who wait").toBe(false);
  turns.whenFree("file", () => heard.push("second"));
  nextTurn();
  expect([turns.isFree("file"), heard]).toEqual([true, ["first", "second"]]);
});

test("a write transaction that begins in between keeps the rest waiting", () => {
  const { turns, heard, nextTurn } = setUp();
  turns.begin("file");
  turns.whenFree("file", () => {
    heard.push("first");
    turns.begin("file");
  });
  turns.whenFree("file", () => heard.push("second"));
  turns.end("file");
  nextTurn();
  nextTurn();
  expect(heard).toEqual(["first"]);
  turns.end("file");
  nextTurn();
  expect([turns.isFree("file"), heard]).toEqual([true, ["first", "second"]]);
});

test("one that is over before anybody waits leaves nothing behind", () => {
  const { turns, heard } = setUp();
  turns.begin("file");
  turns.end("file");
  turns.whenFree("file", () => heard.push("now"));
  expect([turns.isFree("file"), heard]).toEqual([true, ["now"]]);
});
