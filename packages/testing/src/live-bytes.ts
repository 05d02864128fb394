/**
 * Live objects by a snapshot of their heap, which collects garbage first. What the engine of JavaScript keeps of a
 * program itself (compiled code and what it has learnt of it) is left out: it goes on growing for as long as new paths
 * get hot.
 *
 * @module
 */

import type { Readable } from "node:stream";

interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      /** For the field `type` the names of the types. */
      readonly node_types: readonly (string | readonly string[])[];
    };
  };
  readonly nodes: readonly number[];
}

const ofTheProgram: ReadonlySet<string> = new Set(["code", "hidden", "object shape"]);

/** Bytes of all objects of a snapshot. */
export async function liveBytes(stream: Readable): Promise<number> {
  const chunks: string[] = [];
  for await (const chunk of stream.setEncoding("utf8")) chunks.push(String(chunk));
  const { snapshot, nodes } = JSON.parse(chunks.join("")) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [typeAt, sizeAt] = [fields.indexOf("type"), fields.indexOf("self_size")];
  const names = types[typeAt] ?? [];
  let sum = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    const type = names[nodes[node + typeAt] ?? 0] ?? "";
    if (!ofTheProgram.has(type)) sum += nodes[node + sizeAt] ?? 0;
  }
  return sum;
}
