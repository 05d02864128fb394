/**
 * Node.js as the engine's host.
 *
 * @module
 */

import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { connect as connectPlain, isIP, type Socket as NetSocket, type TcpNetConnectOpts } from "node:net";
import { randomBytes } from "node:crypto";
import { arch, platform, release } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setImmediate } from "node:timers";
import { connect as connectSecure, type ConnectionOptions } from "node:tls";
import { compressBody, uncompressBody } from "@tidemark/protocol/node";
import { type ClientOptions, WebSocket } from "ws";
import { endOf, readAnswer } from "../app/fetch-answer.js";
import { network } from "./network.js";
import { sealing } from "./sealing.js";
import { timerMsOf } from "../host.js";
import type {
  Clock,
  Files,
  Host,
  HttpRequest,
  HttpResponse,
  Socket,
  SocketEvents,
  SocketFactory,
  SocketFailure,
  SyncHost,
} from "../host.js";

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
  setTimer: (delayMs, callback, holdsProcess = true) => {
    const timer = setTimeout(callback, timerMsOf(delayMs));
    return holdsProcess ? timer : timer.unref();
  },
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  defer: (callback) => {
    setImmediate(callback);
  },
};

const files: Files = {
  join: (...parts) => join(...parts),
  resolve: (path) => resolve(path),
  directoryOf: (path) => dirname(path),
  exists: (path) => existsSync(path),
  makeDirectory: (path) => {
    mkdirSync(path, { recursive: true });
  },
  readText: (path) => (existsSync(path) ? readFileSync(path, "utf8") : null),
  writeText: (path, text) => {
    const unfinished = `${path}.new`;
    const file = openSync(unfinished, "w", 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  },
  remove: (path) => rmSync(path, { recursive: true, force: true }),
  copy: (from, to) => {
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
    const file = openSync(to, "r+");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  },
};

async function fetchHttp(request: HttpRequest): Promise<HttpResponse> {
  const { method, url, headers, body } = request;
  const response = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    signal: endOf(request),
  });
  return readAnswer(response);
}

/** The application's side. */
export const nodeHost: Host = {
  ...clock,
  files,
  sealing,
  fetch: fetchHttp,
  onOnline: (listener) => network.onOnline(listener),
  device: {
    platform: platform() === "linux" ? "Linux" : platform(),
    platformVersion: release(),
    sdk: "tidemark-node",
    sdkVersion: "0.0.0",
    cpuArch: arch() === "x64" ? "x86_64" : arch(),
    deviceName: "",
    deviceVersion: "",
    frameworkName: "node",
    frameworkVersion: process.version,
    coreVersion: "0.0.0",
    bundleId: "",
  },
};

/** Largest message taken from a server. */
const messageBytesMax = 2 ** 31 - 1;

/** How long a peer may take to answer the end of a connection. */
const closeTimeoutMs = 1_000;

/** Longest text of a refusal that is taken from a server. */
const refusalBytesMax = 8_192;

/** Opens sockets with ws. */
export const nodeSockets: SocketFactory = { open: (...opening) => openSocket(true, ...opening) };

/** @param holds whether the socket keeps the process alive. */
function openSocket(holds: boolean, ...opening: Parameters<SocketFactory["open"]>): Socket {
  const [url, protocols, headers, events] = opening;
  const createConnection = url.startsWith("wss:") ? secureWithoutHold : plainWithoutHold;
  // The types of ws do not know the last of these.
  const options: ClientOptions & { readonly closeTimeout: number } = {
    headers: { ...headers },
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
    followRedirects: false,
    ...(holds ? {} : { createConnection: createConnection as ClientOptions["createConnection"] }),
    closeTimeout: closeTimeoutMs,
  };
  return attach(new WebSocket(url, [...protocols], options), events);
}

/** The path in what is connected to is that of the request. */
function plainWithoutHold(target: TcpNetConnectOpts): NetSocket {
  return connectPlain({ ...target, path: undefined } as TcpNetConnectOpts).unref();
}

function secureWithoutHold(target: TcpNetConnectOpts & ConnectionOptions): NetSocket {
  const { host = "", servername = isIP(host) === 0 ? host : "" } = target;
  return connectSecure({ ...target, path: undefined, servername } as ConnectionOptions).unref();
}

function attach(socket: WebSocket, events: SocketEvents): Socket {
  let isEnded = false;
  let failure: SocketFailure | undefined;
  const end = (reason: SocketFailure): void => {
    if (isEnded) return;
    isEnded = true;
    events.onEnd(reason);
  };
  socket.binaryType = "nodebuffer";
  socket.on("open", () => {
    if (!isEnded) events.onOpen(socket.protocol);
  });
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    // Text messages mean nothing in this protocol.
    if (!isEnded && isBinary) events.onMessage(data);
  });
  socket.on("unexpected-response", (request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const { statusCode: status = 0 } = response;
    const refuse = (): void => {
      end({ kind: "http", status, message: Buffer.concat(chunks).subarray(0, refusalBytesMax).toString("utf8") });
      request.destroy();
    };
    response.on("data", (chunk: Buffer) => {
      if (size >= refusalBytesMax) return;
      chunks.push(chunk);
      size += chunk.length;
      if (size >= refusalBytesMax) refuse();
    });
    response.on("end", refuse);
    response.on("error", refuse);
  });
  socket.on("error", (error: Error & { code?: string }) => {
    failure ??= failureOf(error);
  });
  socket.on("close", (closeCode, reason) => {
    end(failure ?? { kind: "close", closeCode, message: reason.toString("utf8") });
  });
  return {
    send(bytes, onWritten) {
      socket.send(bytes, { binary: true, fin: true }, () => onWritten());
    },
    close() {
      isEnded = true;
      socket.close(1000);
    },
  };
}

/** A host whose timers and sockets do not keep the process alive. */
export function withoutHold(host: SyncHost): SyncHost {
  return {
    ...host,
    setTimer: (delayMs, callback) => setTimeout(callback, timerMsOf(delayMs)).unref(),
    sockets: { open: (...opening) => openSocket(false, ...opening) },
  };
}

function failureOf(error: Error & { code?: string }): SocketFailure {
  const { code = "", message } = error;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return { kind: "resolve", message };
  if (code.startsWith("ERR_TLS") || code.startsWith("CERT_") || code === "DEPTH_ZERO_SELF_SIGNED_CERT") {
    return { kind: "tls", message };
  }
  return { kind: code === "ECONNRESET" || code === "EPIPE" ? "read" : "connect", message };
}

/** The loop's side. */
export const nodeSyncHost: SyncHost = {
  ...clock,
  sockets: nodeSockets,
  compression: { compress: (body) => compressBody(body), uncompress: (message) => uncompressBody(message) },
  userAgent: `Tidemark/0.0.0 (${platform()}) node/${process.versions.node}`,
};
