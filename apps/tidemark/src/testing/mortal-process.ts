/**
 * A device in a process that dies before one of its commits: `mortal-process.js URL APP DIRECTORY POLICY COUNT`.
 *
 * It says `report` for each report of a client reset, and `done` with the number of its commits if it lives until
 * nothing is left to do. What a call of the core has committed is durable when it returns, so that dying before each
 * call is dying after each commit.
 *
 * @module
 */

import type { Core, CoreStore, ResetPolicy } from "@tidemark/engine";
import { loadCore } from "@tidemark/engine/node";
import { EngineDevice } from "./engine-device.js";

/** Calls of an open file that commit something. */
const committing: readonly (keyof CoreStore)[] = [
  "commitSubscriptionSet",
  "setSubscriptionState",
  "setFileIdent",
  "nextUpload",
  "integrate",
  "storeBootstrap",
  "applyBootstrap",
  "beginReset",
  "resetFrom",
  "finishReset",
  "forgetResetReports",
];

const [url = "", appId = "", directory = "", policy = "recover", count = "0"] = process.argv.slice(2);
const lifetime = Number(count);
let commits = 0;

function live(): void {
  if (commits === lifetime) process.kill(process.pid, "SIGKILL");
  commits += 1;
}

const bareStores = new WeakMap<object, CoreStore>();

function wrap(store: CoreStore): CoreStore {
  const wrapped = new Proxy(store, {
    get: (target, name: keyof CoreStore) => {
      const method = target[name] as (...given: unknown[]) => unknown;
      return (...given: unknown[]): unknown => {
        if (committing.includes(name)) live();
        // The copy is handed over as what it is.
        const bare = given.map((one) => (typeof one === "object" && one !== null ? (bareStores.get(one) ?? one) : one));
        return method.apply(target, bare);
      };
    },
  });
  bareStores.set(wrapped, store);
  return wrapped;
}

const native = loadCore();
const core: Core = {
  kind: native.kind,
  isOpen: (path) => native.isOpen(path),
  closeAll: () => native.closeAll(),
  openStore: (path, options) => {
    live();
    return wrap(native.openStore(path, options));
  },
  deleteStore: (path) => {
    live();
    native.deleteStore(path);
  },
};

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const options = { url, appId, directory, policy: policy as ResetPolicy, onReport: () => void say("report") };
const device = await EngineDevice.open(core, options);
const { fileIdent } = device;
while (device.fileIdent === fileIdent || device.hasPendingReset) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await device.sync();
device.close();
say(`done ${commits}`);
process.exit();
