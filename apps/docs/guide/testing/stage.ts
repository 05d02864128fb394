/**
 * What the guide's code runs against: a real server behind a network that can be cut, and folders for devices.
 *
 * @module
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startServer, type TestServer } from "@tidemark/testing";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { Network } from "./network.js";

const startTimeoutMs = 60_000;

/** What a file of the guide works with. */
export interface Stage {
  /** Address of the server, by way of the network. */
  readonly url: string;
  /** What the guide's code has shown in this test. */
  readonly shown: readonly string[];
  /** Stands for a user interface. */
  readonly show: (text: string) => void;
  /** A new folder: that of a device. */
  folder(): string;
  /** Has a realm closed after the test. */
  keep<T extends { close(): void }>(realm: T): T;
  /** Ends all connections, and refuses new ones until {@link Stage.restore}. */
  cut(): void;
  restore(): void;
  /** How many connections a user has. */
  connectionsOf(userId: string): Promise<number>;
}

/** Starts a server before the tests of the file. */
export function useStage(): Stage {
  let server: TestServer | undefined;
  let network: Network | undefined;
  let folders = 0;
  const kept: { close(): void }[] = [];
  const shown: string[] = [];
  beforeAll(async () => {
    server = await startServer();
    network = await Network.start(server.url);
  }, startTimeoutMs);
  beforeEach(() => {
    shown.splice(0);
  });
  afterEach(() => {
    network?.restore();
    for (const realm of kept.splice(0)) realm.close();
  });
  afterAll(async () => {
    network?.stop();
    await server?.stop();
  });
  const running = (): { readonly server: TestServer; readonly network: Network } => {
    if (server === undefined || network === undefined) throw new Error("the server is not running");
    return { server, network };
  };
  return {
    get url() {
      return running().network.url;
    },
    shown,
    show: (text) => void shown.push(text),
    folder: () => {
      folders += 1;
      const folder = join(running().server.directory, `device-${folders}`);
      mkdirSync(folder);
      return folder;
    },
    keep: (realm) => {
      kept.push(realm);
      return realm;
    },
    cut: () => running().network.cut(),
    restore: () => running().network.restore(),
    connectionsOf: async (userId) => {
      const answer = await fetch(`${running().server.url}/api/tidemark/status`);
      const { connections } = (await answer.json()) as { readonly connections: readonly { readonly user: string }[] };
      return connections.filter(({ user }) => user === userId).length;
    },
  };
}
