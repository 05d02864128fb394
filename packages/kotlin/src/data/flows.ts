/**
 * Flows of what is stored. They follow the file itself; what they tell is frozen, in the version of the change.
 *
 * @module
 */

import {
  bindingKey,
  type CollectionChanges,
  type Dictionary,
  type DictionaryChanges,
  type EmbeddedHandle,
  type Handle,
  handleKey,
  type KeyPaths,
  type List,
  type ObjectChanges,
  type ObjectHandle,
  resolveHandle,
  type Results,
  type ValueSet,
} from "@tidemark/engine";
import { type Managed, type Owner, scopeOf } from "../binding.js";
import { call, IllegalArgumentException, IllegalStateException } from "../errors.js";
import type { Emitter, FlowSource } from "../flow/channel.js";
import type { Flow } from "../flow/flow.js";
import {
  DeletedList,
  DeletedMap,
  DeletedObject,
  DeletedSet,
  InitialList,
  InitialMap,
  InitialObject,
  InitialResults,
  InitialSet,
  type ListChange,
  type MapChange,
  type ObjectChange,
  PendingObject,
  type ResultsChange,
  type SetChange,
  type SingleQueryChange,
  UpdatedList,
  UpdatedMap,
  UpdatedObject,
  UpdatedResults,
  UpdatedSet,
} from "./changes.js";
import { RealmDictionary } from "./dictionary.js";
import { RealmList } from "./list.js";
import { RealmSet } from "./set.js";
import type { RealmResults } from "./results.js";

const nothing = (): void => undefined;

/** The owner and handle of something stored; nothing else can be followed. */
function observed<T extends Handle>(value: object, what: string): { readonly owner: Owner; readonly handle: T } {
  const { [handleKey]: handle, [bindingKey]: binding } = value as Managed;
  if (handle === undefined || binding === undefined) {
    throw new IllegalStateException(`Changes cannot be observed on unmanaged ${what}.`);
  }
  const { owner, kind } = scopeOf(binding);
  if (kind === "live") throw new IllegalStateException(`Changes to ${what} cannot be observed during a write.`);
  return { owner, handle: handle as T };
}

/** The frozen counterpart of something in the live file, as the application sees it. */
function frozen(owner: Owner, live: Handle): unknown {
  const binding = owner.current();
  const found = resolveHandle(binding.file.database, live);
  return found === undefined ? undefined : binding.wrap(found);
}

/** @throws if a key path names what is not there, or the collection holds no objects. */
function checkKeyPaths({ database, column }: List | ValueSet | Dictionary, keyPaths: KeyPaths): void {
  if (keyPaths === undefined) return;
  const target = column.type === "link" ? column.target : undefined;
  if (target === undefined) {
    throw new IllegalArgumentException("Keypaths are only supported for collections of objects.");
  }
  call(() => database.notifier.checkKeyPaths(target, keyPaths));
}

/** Follows an object. */
export function objectFlow<T extends object>(object: T, keyPaths: KeyPaths): Flow<ObjectChange<T>> {
  const { owner, handle } = observed<ObjectHandle | EmbeddedHandle>(object, "objects");
  call(() => owner.file.database.notifier.checkKeyPaths(handle.layout.name, keyPaths));
  return owner.flow<ObjectChange<T>>((emitter) => {
    const { database } = owner.file;
    const live = resolveHandle(database, handle);
    if (live === undefined) return endWith(emitter, new DeletedObject());
    let isTold = false;
    const tell = ({ isDeleted, changedProperties }: ObjectChanges): void => {
      if (isDeleted) return void endWith(emitter, new DeletedObject());
      const now = frozen(owner, live) as T;
      emitter.emit(isTold ? new UpdatedObject(now, changedProperties) : new InitialObject(now));
      isTold = true;
    };
    return database.notifier.onObject(live, tell, false, keyPaths);
  });
}

function endWith<T>(emitter: Emitter<T>, value: T): () => void {
  emitter.emit(value);
  emitter.complete();
  return nothing;
}

/** Follows results. */
export function resultsFlow<T>(owner: Owner, results: Results, keyPaths: KeyPaths): Flow<ResultsChange<T>> {
  call(() => owner.file.database.notifier.checkKeyPaths(results.layout.name, keyPaths));
  return owner.flow<ResultsChange<T>>((emitter) => {
    const { database } = owner.file;
    const live = resolveHandle(database, results);
    if (live === undefined) return endOfResults(emitter);
    let isTold = false;
    const tell = (changes: CollectionChanges): void => {
      const binding = owner.current();
      const found = resolveHandle(binding.file.database, live);
      if (found === undefined) return void endOfResults(emitter);
      const list = binding.results(found) as RealmResults<T>;
      emitter.emit(isTold ? new UpdatedResults(list, changes) : new InitialResults(list));
      isTold = true;
    };
    return database.notifier.onResults(live, tell, keyPaths);
  });
}

/** The collection that the results came from is gone. */
function endOfResults<T>(emitter: Emitter<T>): () => void {
  emitter.complete();
  return nothing;
}

/** Follows the first object of results. */
export function singleFlow<T>(owner: Owner, results: Results, keyPaths: KeyPaths): Flow<SingleQueryChange<T>> {
  call(() => owner.file.database.notifier.checkKeyPaths(results.layout.name, keyPaths));
  return owner.flow<SingleQueryChange<T>>((emitter) => {
    const { database } = owner.file;
    const live = resolveHandle(database, results);
    if (live === undefined) return endOfResults(emitter);
    let head: { readonly key: number; readonly end: () => void } | undefined;
    let isTold = false;
    const onHead = (): void => {
      const first = live.get(0);
      if (first === undefined) {
        if (head !== undefined) emitter.emit(new DeletedObject());
        else if (!isTold) emitter.emit(new PendingObject());
      } else if (first.key !== head?.key) {
        emitter.emit(new InitialObject(frozen(owner, first) as T));
      }
      isTold = true;
      if (first?.key === head?.key) return;
      head?.end();
      head = first === undefined ? undefined : { key: first.key, end: followHead(owner, first, emitter, keyPaths) };
    };
    const end = database.notifier.onResults(live, onHead);
    return () => {
      end();
      head?.end();
    };
  });
}

/** Tells changes of the first object; that it is gone is for the results to tell. */
function followHead<T>(
  owner: Owner,
  first: ObjectHandle,
  emitter: Emitter<SingleQueryChange<T>>,
  keyPaths: KeyPaths,
): () => void {
  const listener = ({ isDeleted, changedProperties }: ObjectChanges): void => {
    if (!isDeleted) emitter.emit(new UpdatedObject(frozen(owner, first) as T, changedProperties));
  };
  return owner.file.database.notifier.onObject(first, listener, true, keyPaths);
}

/** Follows a value that is computed from results. */
export function valueFlow<V>(
  owner: Owner,
  results: Results,
  valueOf: (results: Results) => V,
  areEqual: (a: V, b: V) => boolean,
): Flow<V> {
  return owner.flow<V>((emitter) => {
    const { database } = owner.file;
    const live = resolveHandle(database, results);
    if (live === undefined) return endOfResults(emitter);
    let last: { readonly value: V } | undefined;
    return database.notifier.onResults(live, () => {
      const value = valueOf(live);
      if (last !== undefined && areEqual(last.value, value)) return;
      last = { value };
      emitter.emit(value);
    });
  });
}

/** The end of a collection with its object. */
function onHolderGone(owner: Owner, live: List | ValueSet | Dictionary, tell: () => void): () => void {
  const holder = live.holder as ObjectHandle | EmbeddedHandle;
  return owner.file.database.notifier.onObject(holder, ({ isDeleted }) => {
    if (isDeleted) tell();
  });
}

/** What tells the changes of one kind of collection. */
interface CollectionTale<H extends List | ValueSet | Dictionary, C, Change> {
  /** Begins to listen. */
  listen(live: H, listener: (changes: C) => void): () => void;
  initial(now: unknown): Change;
  updated(now: unknown, changes: C): Change;
  deleted(): Change;
}

function collectionSource<H extends List | ValueSet | Dictionary, C, Change>(
  owner: Owner,
  handle: H,
  tale: CollectionTale<H, C, Change>,
): FlowSource<Change> {
  return (emitter) => {
    const live = resolveHandle(owner.file.database, handle);
    if (live === undefined) return endWith(emitter, tale.deleted());
    let isTold = false;
    const end = tale.listen(live, (changes) => {
      if (!live.isValid()) return;
      const now = frozen(owner, live);
      emitter.emit(isTold ? tale.updated(now, changes) : tale.initial(now));
      isTold = true;
    });
    const endOfHolder = onHolderGone(owner, live, () => endWith(emitter, tale.deleted()));
    return () => {
      end();
      endOfHolder();
    };
  };
}

/** Follows a list. */
export function listFlow<T>(list: RealmList<T>, keyPaths: KeyPaths): Flow<ListChange<T>> {
  const { owner, handle } = observed<List>(list, "lists");
  checkKeyPaths(handle, keyPaths);
  return owner.flow(
    collectionSource(owner, handle, {
      listen: (live, listener: (changes: CollectionChanges) => void) =>
        live.database.notifier.onCollection(live, listener, keyPaths),
      initial: (now): ListChange<T> => new InitialList(now as RealmList<T>),
      updated: (now, changes): ListChange<T> => new UpdatedList(now as RealmList<T>, changes),
      deleted: (): ListChange<T> => new DeletedList(new RealmList<T>()),
    }),
  );
}

/** Follows a set. */
export function setFlow<T>(set: RealmSet<T>, keyPaths: KeyPaths): Flow<SetChange<T>> {
  const { owner, handle } = observed<ValueSet>(set, "sets");
  checkKeyPaths(handle, keyPaths);
  return owner.flow(
    collectionSource(owner, handle, {
      listen: (live, listener: (changes: CollectionChanges) => void) =>
        live.database.notifier.onCollection(live, listener, keyPaths),
      initial: (now): SetChange<T> => new InitialSet(now as RealmSet<T>),
      updated: (now, changes): SetChange<T> => new UpdatedSet(now as RealmSet<T>, changes),
      deleted: (): SetChange<T> => new DeletedSet(new RealmSet<T>()),
    }),
  );
}

/** Follows a dictionary. */
export function mapFlow<T>(map: RealmDictionary<T>, keyPaths: KeyPaths): Flow<MapChange<T>> {
  const { owner, handle } = observed<Dictionary>(map, "dictionaries");
  checkKeyPaths(handle, keyPaths);
  return owner.flow(
    collectionSource(owner, handle, {
      listen: (live, listener: (changes: DictionaryChanges) => void) =>
        live.database.notifier.onDictionary(live, listener, keyPaths),
      initial: (now): MapChange<T> => new InitialMap(now as RealmDictionary<T>),
      updated: (now, changes): MapChange<T> => new UpdatedMap(now as RealmDictionary<T>, changes),
      deleted: (): MapChange<T> => new DeletedMap(new RealmDictionary<T>()),
    }),
  );
}
