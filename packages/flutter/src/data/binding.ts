/**
 * What ties this facade's objects and collections to the engine.
 *
 * @module
 */

import {
  type Binding as EngineBinding,
  type Bound,
  type Handle,
  must,
  resolveHandle,
  Results,
  ValueResults,
  type Wrappers as EngineWrappers,
} from "@tidemark/engine";
import { engine } from "../engine.js";
import { call } from "../errors.js";
import type { SchemaObject } from "../model/schema.js";
import type { Realm } from "../realm.js";
import { Stream, type StreamSink } from "../stream.js";

/** One class of a realm, ready to make objects. */
export interface BoundClass extends Bound {
  readonly schema: SchemaObject;
  /** Of managed objects: the application's class, with accessors for the columns of this realm's file. */
  readonly prototype: object;
}

/** One realm's view of its file. */
export type Binding = EngineBinding<BoundClass>;

/** The wrappers, filled in when the modules are loaded; this breaks the circle between them. */
export const wrappers: Partial<EngineWrappers<BoundClass>> = {};

/** The realm of a binding. */
export function realmOf(binding: Binding): Realm {
  return binding.realm as Realm;
}

/** What a handle shows now, for ever: the same of a frozen realm, which is to be closed when it is not needed. */
export function frozenForm(binding: Binding, handle: Handle): unknown {
  const { bound, internal } = realmOf(binding).freeze();
  const there = must(
    call(() => resolveHandle(internal.database, handle)),
    "both show the same version",
  );
  if (there instanceof ValueResults) return bound.values(there);
  return there instanceof Results ? bound.results(there) : bound.wrap(there);
}

/**
 * A stream of changes. It ends when the realm is closed.
 *
 * @param begin registers a listener with the engine; the answer removes it.
 */
export function changesStream<T>(binding: Binding, begin: (sink: StreamSink<T>) => () => void): Stream<T> {
  return new Stream((sink) => {
    const remove = call(() => {
      binding.file.database.requireOpen();
      return begin(sink);
    });
    return binding.track(() => {
      remove();
      engine().host.defer(() => sink.close());
    });
  });
}
