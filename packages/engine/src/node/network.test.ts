import type { NetworkInterfaceInfo } from "node:os";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Network } from "./network.js";

function address(text: string, internal: boolean = false): NetworkInterfaceInfo {
  return { address: text, internal, family: "IPv4", netmask: "", mac: "", cidr: null };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("other addresses than before tell that the machine is online; none at all, or the same, do not", () => {
  let outward: NetworkInterfaceInfo[] = [address("10.0.0.1")];
  const network = new Network(() => ({ lo: [address("127.0.0.1", true)], eth0: outward }));
  let calls = 0;
  const remove = network.onOnline(() => (calls += 1));
  const seen: number[] = [];
  for (const next of [outward, [], [address("10.0.0.1")], [address("10.0.0.2")], [address("10.0.0.2")]]) {
    outward = next;
    vi.advanceTimersByTime(5_000);
    seen.push(calls);
  }
  expect(seen).toEqual([0, 0, 1, 2, 2]);
  network.announceOnline();
  expect(calls).toBe(3);
  remove();
  network.announceOnline();
  expect([calls, vi.getTimerCount()]).toEqual([3, 0]);
});
