import { afterEach, expect, test, vi } from "vitest";
import { type LogEntry, log, setLogger, setLogLevel } from "./logging.js";

afterEach(() => {
  vi.restoreAllMocks();
  setLogLevel("warn");
});

test("until a logger is set, what goes wrong is printed", () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
  const error = vi.spyOn(console, "error").mockReturnValue(undefined);
  const plain = vi.spyOn(console, "log").mockReturnValue(undefined);
  log("Realm.Sync.Client.Session", "detail", "nothing of note");
  log("Realm.Sync", "warn", "careful");
  log("Realm.Sync.Client.Session", "error", "The error handler threw: x");
  expect(warn.mock.calls).toEqual([["[Realm.Sync - warn] careful"]]);
  expect(error.mock.calls).toEqual([["[Realm.Sync.Client.Session - error] The error handler threw: x"]]);
  setLogLevel("info");
  log("Realm.App", "info", "it begins");
  expect(plain.mock.calls).toEqual([["[Realm.App - info] it begins"]]);
  setLogLevel("off");
  log("Realm", "fatal", "nobody hears");
  const lines: LogEntry[] = [];
  setLogger((entry: LogEntry) => lines.push(entry));
  setLogLevel("warn");
  log("Realm", "error", "to the application");
  expect(lines).toEqual([{ category: "Realm", level: "error", message: "to the application" }]);
  expect([warn, error, plain].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1]);
});
