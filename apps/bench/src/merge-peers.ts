/**
 * The two workloads of merging, done by libraries for the same purpose. Each makes its replicas' updates as an
 * application would, and then, as a server that has seen none of them, takes them in one after the other.
 *
 * @module
 */

import * as automerge from "@automerge/automerge";
import { LoroDoc } from "loro-crdt";
import * as yjs from "yjs";

/** What all libraries are given. */
export interface MergeWorkload {
  readonly name: "M1" | "M2";
  /** By replica: the keys that it sets, or the places that it inserts at. */
  readonly replicas: readonly (readonly number[])[];
  /** Keys or elements in the end. */
  readonly size: number;
}

/** A library's way: the updates of a workload, and a server that takes them in and answers the size. */
export interface MergePeer {
  readonly name: string;
  prepare(workload: MergeWorkload): () => number;
}

const yjsPeer: MergePeer = {
  name: "Yjs",
  prepare({ name, replicas }) {
    const updates = replicas.map((numbers, replica) => {
      const doc = new yjs.Doc();
      doc.clientID = replica + 1;
      const map = doc.getMap<number>("map");
      const list = doc.getArray<number>("list");
      const edit = (number: number, at: number): void => {
        if (name === "M1") map.set(`key-${number}`, at);
        else list.insert(number, [at]);
      };
      if (name === "M1") for (const [at, number] of numbers.entries()) edit(number, at);
      else doc.transact(() => numbers.forEach(edit));
      return yjs.encodeStateAsUpdate(doc);
    });
    return () => {
      const server = new yjs.Doc();
      for (const update of updates) yjs.applyUpdate(server, update);
      return name === "M1" ? server.getMap("map").size : server.getArray("list").length;
    };
  },
};

const loroPeer: MergePeer = {
  name: "Loro",
  prepare({ name, replicas }) {
    const updates = replicas.map((numbers, replica) => {
      const doc = new LoroDoc();
      doc.setPeerId(BigInt(replica + 1));
      for (const [at, number] of numbers.entries()) {
        if (name === "M2") doc.getList("list").insert(number, at);
        else {
          doc.getMap("map").set(`key-${number}`, at);
          doc.commit();
        }
      }
      doc.commit();
      return doc.export({ mode: "update" });
    });
    return () => {
      const server = new LoroDoc();
      for (const update of updates) server.import(update);
      return name === "M1" ? server.getMap("map").size : server.getList("list").length;
    };
  },
};

interface Document {
  map: Record<string, number>;
  list: number[];
}

const automergePeer: MergePeer = {
  name: "Automerge",
  prepare({ name, replicas }) {
    const base = automerge.save(automerge.from<Record<string, unknown> & Document>({ map: {}, list: [] }));
    const updates = replicas.map((numbers) => {
      const start = automerge.load<Document>(base);
      let doc = automerge.clone(start);
      if (name === "M1") {
        for (const [at, number] of numbers.entries()) {
          doc = automerge.change(doc, (draft) => {
            draft.map[`key-${number}`] = at;
          });
        }
      } else {
        doc = automerge.change(doc, (draft) => {
          for (const [at, number] of numbers.entries()) automerge.insertAt(draft.list, number, at);
        });
      }
      return automerge.getChanges(start, doc);
    });
    return () => {
      let server = automerge.load<Document>(base);
      for (const changes of updates) [server] = automerge.applyChanges(server, changes);
      return name === "M1" ? Object.keys(server.map).length : server.list.length;
    };
  },
};

/** The libraries that Tidemark's merge is measured beside. */
export const mergePeers: readonly MergePeer[] = [yjsPeer, loroPeer, automergePeer];

/** Repeatable chance, by the generator of the core's own benchmark (which draws timestamps from it too). */
function chance(seed: bigint): (end: number) => number {
  let state = seed;
  return (end) => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 33n) % BigInt(end));
  };
}

/** 100 replicas (or fewer) set 100 values each over 1,000 shared keys. */
export function manySets(replicaCount = 100): MergeWorkload {
  const below = chance(0n);
  const replicas = Array.from({ length: replicaCount }, () => Array.from({ length: 100 }, () => below(1_000)));
  return { name: "M1", replicas, size: new Set(replicas.flat()).size };
}

/** Two replicas make 5,000 insertions (or fewer) each at random places of one list. */
export function manyInsertions(count = 5_000): MergeWorkload {
  const below = chance(0n);
  const replicas = Array.from({ length: 2 }, () => Array.from({ length: count }, (_, at) => below(at + 1)));
  return { name: "M2", replicas, size: 2 * count };
}
