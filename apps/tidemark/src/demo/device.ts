/**
 * One device of the demo: a process of its own that opens a synced realm and does what the demo tells it to.
 *
 * Every command may be repeated: a device that was killed is started again and told the same thing once more.
 *
 * @module
 */
import { type App, Realm, type User } from "@tidemark/node";
import { citySchema, readCities, type City } from "./cities.js";
import { type Digest, digestOf } from "./digest.js";
import { makeEdits, type Editor } from "./edits.js";

/** What the demo tells a device. */
export type DeviceCommand =
  | { readonly name: "open"; readonly query: string }
  | { readonly name: "load"; readonly country: string | null }
  | { readonly name: "settle" }
  | { readonly name: "pause" }
  | { readonly name: "edit"; readonly editor: Editor; readonly country: string; readonly otherCountry: string }
  | { readonly name: "resume" }
  | { readonly name: "digest"; readonly query: string }
  | { readonly name: "close" };

/** What a device answers: progress any number of times, then a result. */
export type DeviceAnswer =
  | { readonly kind: "progress"; readonly written: number; readonly total: number; readonly uploaded: number }
  | { readonly kind: "result"; readonly value: Digest | null }
  | { readonly kind: "failure"; readonly message: string };

/** App id that the devices ask for; Development Mode answers for any. */
const appId = "cities-demo";

/** Objects written in one transaction: grouped writes sync cheaper than single ones. */
const objectsPerTransaction = 1_000;

/** How long a device goes on trying to log in, and how often it tries. */
const logInTimeoutMs = 30_000;
const logInPauseMs = 250;

const [, , baseUrl = "", directory = ""] = process.argv;

let realm: Realm | undefined;

/** The open realm, or a clear failure. */
function opened(): Realm {
  if (!realm) throw new Error("the device has not opened its realm yet");
  return realm;
}

function send(answer: DeviceAnswer): void {
  process.send?.(answer);
}

async function open(query: string): Promise<void> {
  if (realm) return;
  const app = new Realm.App({ id: appId, baseUrl, baseFilePath: directory });
  const user = app.currentUser ?? (await logIn(app));
  realm = await Realm.open({
    schema: [citySchema],
    sync: {
      user,
      flexible: true,
      initialSubscriptions: {
        update: (subscriptions, opening) => {
          subscriptions.add(opening.objects("City").filtered(query), { name: "cities" });
        },
      },
      // The subscription is waited for below: that wait outlasts a server that goes away meanwhile.
      newRealmFileBehavior: { type: Realm.OpenRealmBehaviorType.OpenImmediately },
      existingRealmFileBehavior: { type: Realm.OpenRealmBehaviorType.OpenImmediately },
    },
  });
  await realm.subscriptions.waitForSynchronization();
}

/** Logs in, again and again while the server is away: logging in is the one thing that needs it at once. */
async function logIn(app: App): Promise<User> {
  const deadlineMs = performance.now() + logInTimeoutMs;
  for (;;) {
    try {
      return await app.logIn(Realm.Credentials.anonymous());
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, logInPauseMs));
    }
  }
}

/** Writes every city that is not there yet, in file order, and waits until all are acknowledged. */
async function load(country: string | null): Promise<void> {
  const device = opened();
  const cities = await readCities(country);
  let written = device.objects("City").length;
  let uploaded = 0;
  const report = (): void => send({ kind: "progress", written, total: cities.length, uploaded });
  const onProgress = (transferred: number, transferable: number): void => {
    uploaded = transferable === 0 ? 0 : transferred / transferable;
    report();
  };
  const session = device.syncSession;
  session?.addProgressNotification(Realm.ProgressDirection.Upload, Realm.ProgressMode.ReportIndefinitely, onProgress);
  while (written < cities.length) {
    const group = cities.slice(written, written + objectsPerTransaction);
    device.write(() => {
      for (const city of group) device.create("City", city, Realm.UpdateMode.Modified);
    });
    written += group.length;
    report();
    // The event loop turns between transactions: progress reaches the terminal while the data is written.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await session?.uploadAllLocalChanges();
  session?.removeProgressNotification(onProgress);
}

async function settle(): Promise<void> {
  const session = opened().syncSession;
  await session?.uploadAllLocalChanges();
  await session?.downloadAllServerChanges();
}

function edit(editor: Editor, country: string, otherCountry: string): void {
  const device = opened();
  const keysOf = (name: string): number[] =>
    [...device.objects<City>("City").filtered("country == $0 AND _id < 1000000", name).sorted("_id")].map(
      (city) => city._id,
    );
  makeEdits(device, editor, country, keysOf(country), editor === "A" ? keysOf(otherCountry).slice(0, 20) : []);
}

async function obey(command: DeviceCommand): Promise<Digest | null> {
  switch (command.name) {
    case "open":
      await open(command.query);
      return null;
    case "load":
      await load(command.country);
      return null;
    case "settle":
      await settle();
      return null;
    case "pause":
      opened().syncSession?.pause();
      return null;
    case "edit":
      edit(command.editor, command.country, command.otherCountry);
      return null;
    case "resume":
      opened().syncSession?.resume();
      await settle();
      return null;
    case "digest":
      return digestOf(opened().path, "City", command.query);
    case "close":
      realm?.close();
      realm = undefined;
      return null;
  }
}

process.on("message", (command: DeviceCommand) => {
  obey(command).then(
    (value) => send({ kind: "result", value }),
    (error: unknown) => send({ kind: "failure", message: error instanceof Error ? error.message : String(error) }),
  );
});
// The demo is the device's only reason to run.
process.on("disconnect", () => process.exit(0));
