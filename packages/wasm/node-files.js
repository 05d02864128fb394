// Node's files for the module (CoreFiles in pkg/tidemark_wasm.d.ts).
//
// Node has no locks on files: a file beside the database names the process that has it open, by its number and start,
// since numbers come again. One whose process is gone was left by a crash.
//
// The addon asks the system for its lock. On Linux the command `flock` takes the same one for us: a lock belongs to the
// open file and not to the process that has asked for it.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** Paths of open files, by descriptor. */
const paths = new Map();

function failure(code, message) {
  return Object.assign(new Error(message), { code });
}

function lockOf(path) {
  return `${path}.lock`;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Clocks are set now and then, and `process.uptime` is read a moment after the time. */
const startToleranceMs = 2_000;

function startedAtMs() {
  return Math.round(Date.now() - process.uptime() * 1_000);
}

/** The process that has a file open, this one for another of its threads; `undefined` if there is none. */
function holderOf(path) {
  if (!existsSync(lockOf(path))) return undefined;
  const [pid = 0, startMs = 0] = readFileSync(lockOf(path), "utf8").split(" ").map(Number);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  return pid === process.pid && Math.abs(startMs - startedAtMs()) > startToleranceMs ? undefined : pid;
}

function lock(path) {
  const holder = holderOf(path);
  if (holder !== undefined) throw failure("EBUSY", `process ${holder} has it open`);
  rmSync(lockOf(path), { force: true });
  try {
    writeFileSync(lockOf(path), `${process.pid} ${startedAtMs()}`, { flag: "wx" });
  } catch (error) {
    // Somebody else was faster.
    throw error.code === "EEXIST" ? failure("EBUSY", "another process is opening it") : error;
  }
}

/** Takes the system's lock on an open file, where there is the command: whether nobody else has it. */
function lockInSystem(file) {
  if (process.platform !== "linux") return true;
  try {
    const { status } = spawnSync("flock", ["-n", "-x", "3"], { stdio: ["ignore", "ignore", "ignore", file] });
    // Whatever else it says, it could not find out.
    return status !== 1;
  } catch {
    // A process that may not start others goes without.
    return true;
  }
}

/** Throws if a process that uses the addon has a file open. */
function expectUnlocked(path) {
  if (!existsSync(path)) return;
  const file = openSync(path, "r+");
  try {
    if (!lockInSystem(file)) throw failure("EBUSY", "another process has it open");
  } finally {
    closeSync(file);
  }
}

export const files = {
  canonical(path) {
    if (existsSync(path)) return realpathSync(path);
    return join(realpathSync(dirname(path)), basename(path));
  },
  exists: (path) => existsSync(path),
  open(path) {
    lock(path);
    let file;
    try {
      file = openSync(path, existsSync(path) ? "r+" : "wx+", 0o600);
      if (!lockInSystem(file)) throw failure("EBUSY", "another process has it open");
      paths.set(file, path);
      return file;
    } catch (error) {
      if (file !== undefined) closeSync(file);
      rmSync(lockOf(path), { force: true });
      throw error;
    }
  },
  length: (file) => fstatSync(file).size,
  read(file, position, buffer) {
    for (let done = 0; done < buffer.length;) {
      const count = readSync(file, buffer, done, buffer.length - done, position + done);
      if (count === 0) throw failure("EIO", `the file ends before byte ${position + buffer.length}`);
      done += count;
    }
  },
  write(file, position, bytes) {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(file, bytes, done, bytes.length - done, position + done);
    }
  },
  setLength: (file, length) => ftruncateSync(file, length),
  sync: (file) => fdatasyncSync(file),
  close(file) {
    const path = paths.get(file);
    paths.delete(file);
    closeSync(file);
    if (path !== undefined) rmSync(lockOf(path), { force: true });
  },
  remove(path) {
    const holder = holderOf(path);
    if (holder !== undefined) throw failure("EBUSY", `process ${holder} has it open`);
    expectUnlocked(path);
    rmSync(path, { force: true });
    rmSync(lockOf(path), { force: true });
  },
};
