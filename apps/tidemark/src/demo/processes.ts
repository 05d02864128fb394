/**
 * The demo's processes: the server and the devices, each started again when it is killed.
 *
 * @module
 */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { DeviceAnswer, DeviceCommand } from "./device.js";
import type { Digest } from "./digest.js";

/** How long the server may take until it answers. */
const serverStartTimeoutMs = 30_000;

function entry(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The server in a process of its own, on one port for the whole demo. */
export class ServerProcess {
  readonly #arguments: readonly string[];
  readonly #announce: (text: string) => void;
  readonly url: string;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(port: number, dataDirectory: string, announce: (text: string) => void) {
    this.url = `http://127.0.0.1:${port}`;
    this.#arguments = ["dev", "--port", String(port), "--data", dataDirectory];
    this.#announce = announce;
  }

  /** Starts it and waits until it answers. */
  async start(): Promise<void> {
    const child = fork(entry("../main.js"), [...this.#arguments], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#child = child;
    child.once("exit", (code, signal) => {
      if (this.#stopping) return;
      this.#announce(`the server ended (${signal ?? `exit code ${code}`}); starting it again on its data`);
      this.start().catch((error: unknown) => this.#announce(`it did not start again: ${String(error)}`));
    });
    const deadlineMs = performance.now() + serverStartTimeoutMs;
    while (child.exitCode === null && child.signalCode === null) {
      if (await this.#answers()) return;
      if (performance.now() > deadlineMs) throw new Error("the server did not answer in time");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Id of its process as long as that runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The numbers of its status page. */
  async status(): Promise<unknown> {
    return (await fetch(`${this.url}/api/tidemark/status`)).json();
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/api/tidemark/status`)).ok;
    } catch {
      return false;
    }
  }
}

/** A device in a process of its own. */
export class DeviceProcess {
  readonly name: string;
  readonly #baseUrl: string;
  readonly #directory: string;
  readonly #announce: (text: string) => void;
  readonly #done: DeviceCommand[] = [];
  #child: ChildProcess | undefined;
  #ending = false;
  onProgress: ((answer: DeviceAnswer & { kind: "progress" }) => void) | undefined;

  constructor(name: string, baseUrl: string, directory: string, announce: (text: string) => void) {
    this.name = name;
    this.#baseUrl = baseUrl;
    this.#directory = directory;
    this.#announce = announce;
  }

  /**
   * Has the device do something and waits for it.
   *
   * When its process is killed meanwhile, a new one opens the same file and is told again.
   */
  async tell(command: DeviceCommand): Promise<Digest | null> {
    for (;;) {
      const outcome = await this.#attempt(command);
      if (outcome.kind === "result") {
        if (command.name === "open" || command.name === "pause") this.#done.push(command);
        if (command.name === "resume") this.#forget("pause");
        return outcome.value;
      }
      if (outcome.kind === "failure") throw new Error(`device ${this.name}: ${outcome.message}`);
      this.#announce(`device ${this.name} was killed; starting it again on its file`);
      for (const earlier of this.#done) await this.#attempt(earlier);
    }
  }

  /** Ends the process. */
  end(): void {
    this.#ending = true;
    this.#child?.disconnect();
  }

  #forget(name: DeviceCommand["name"]): void {
    const index = this.#done.findIndex((command) => command.name === name);
    if (index >= 0) this.#done.splice(index, 1);
  }

  async #attempt(command: DeviceCommand): Promise<Exclude<DeviceAnswer, { kind: "progress" }> | { kind: "killed" }> {
    const child = this.#running();
    return new Promise((resolve) => {
      const settle = (outcome: Parameters<typeof resolve>[0]): void => {
        child.off("message", onMessage);
        child.off("exit", onExit);
        resolve(outcome);
      };
      const onMessage = (answer: DeviceAnswer): void => {
        if (answer.kind === "progress") this.onProgress?.(answer);
        else settle(answer);
      };
      const onExit = (): void => settle({ kind: "killed" });
      child.on("message", onMessage);
      child.on("exit", onExit);
      child.send(command);
    });
  }

  #running(): ChildProcess {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null && child.connected) return child;
    if (this.#ending) throw new Error(`device ${this.name} was already ended`);
    const next = fork(entry("./device.js"), [this.#baseUrl, this.#directory], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = next;
    return next;
  }
}
