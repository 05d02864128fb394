// Takes out of a WebAssembly module what only debuggers read: the names of its functions.

const headerBytes = 8;
const customSection = 0;

/** An unsigned number of variable length, and where what follows it begins. */
function readNumber(bytes, at) {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7, at += 1) {
    const byte = bytes[at];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at + 1];
  }
  throw new Error(`no number at ${at} of the module`);
}

/** The module without its custom sections of these names. */
export function withoutSections(bytes, names) {
  const kept = [bytes.subarray(0, headerBytes)];
  for (let at = headerBytes; at < bytes.length;) {
    const [size, begin] = readNumber(bytes, at + 1);
    const end = begin + size;
    if (end > bytes.length) throw new Error(`a section at ${at} is longer than the module`);
    if (bytes[at] !== customSection || !names.includes(nameOf(bytes, begin))) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

function nameOf(bytes, at) {
  const [length, begin] = readNumber(bytes, at);
  return Buffer.from(bytes.subarray(begin, begin + length)).toString("utf8");
}
