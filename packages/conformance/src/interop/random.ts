/**
 * Random edits of the same objects by both clients, offline, again and again.
 *
 * @module
 */

import { Realm } from "@tidemark/node";
import { Dice } from "../harness/dice.js";
import type { Task } from "./models.js";
import { oid, Pair, personLink, type Plain } from "./pair.js";
import type { Setting } from "./scripts.js";

const roundCount = 6;
const editsPerRound = 10;

const taskIds = ["64d000000000000000000001", "64d000000000000000000002", "64d000000000000000000003"];
const personIds = ["64d0000000000000000000a1", "64d0000000000000000000a2", "64d0000000000000000000a3"];

/** One edit in the words of both clients. */
interface Edit {
  readonly kotlin: unknown;
  readonly node: (pair: Pair) => void;
}

/** What a device holds, as far as edits depend on it. */
interface State {
  readonly tasks: ReadonlyMap<string, Plain>;
  readonly people: readonly string[];
}

type Make = (state: State, dice: Dice, mark: string) => Edit | undefined;

function idOf(object: Plain): string {
  return (object["_id"] as { readonly $oid: string }).$oid;
}

function stateOf(tasks: readonly Plain[], people: readonly Plain[]): State {
  return { tasks: new Map(tasks.map((task) => [idOf(task), task])), people: people.map(idOf) };
}

/** An edit of a task that is there. */
function onTask(make: (task: Plain, id: string, state: State, dice: Dice, mark: string) => Edit | undefined): Make {
  return (state, dice, mark) => {
    if (state.tasks.size === 0) return undefined;
    const [id, task] = dice.choose([...state.tasks]);
    return make(task, id, state, dice, mark);
  };
}

function operation(op: string, id: string, fields: Plain): unknown {
  return { op, class: "Task", _id: oid(id), ...fields };
}

/** An edit of a list property: insert, set, remove or clear. */
function listEdit(
  field: "tags" | "watchers" | "anything",
  valueOf: (state: State, dice: Dice, mark: string) => { kotlin: unknown; node: (pair: Pair) => unknown } | undefined,
): Make {
  return onTask((task, id, state, dice, mark) => {
    const size = (task[field] as readonly unknown[]).length;
    const listOf = (pair: Pair): Realm.List => pair.task(id)[field] as Realm.List;
    const kind = size === 0 ? 0 : dice.below(8);
    if (kind === 7) {
      const kotlin = operation("list", id, { field, action: "clear" });
      return { kotlin, node: (pair) => void listOf(pair).splice(0) };
    }
    const index = dice.below(kind < 4 ? size + 1 : size);
    if (kind > 5) {
      const kotlin = operation("list", id, { field, action: "remove", index });
      return { kotlin, node: (pair) => void listOf(pair).splice(index, 1) };
    }
    const value = valueOf(state, dice, mark);
    if (!value) return undefined;
    if (kind < 4) {
      const kotlin = operation("list", id, { field, action: "insert", index, value: value.kotlin });
      return { kotlin, node: (pair) => void listOf(pair).splice(index, 0, value.node(pair)) };
    }
    const kotlin = operation("list", id, { field, action: "set", index, value: value.kotlin });
    const set = (pair: Pair): void => {
      (listOf(pair) as { [position: number]: unknown })[index] = value.node(pair);
    };
    return { kotlin, node: set };
  });
}

function somebody(state: State, dice: Dice): { kotlin: unknown; node: (pair: Pair) => unknown } | undefined {
  if (state.people.length === 0) return undefined;
  const id = dice.choose(state.people);
  return { kotlin: personLink(id), node: (pair) => pair.person(id) };
}

function anything(
  state: State,
  dice: Dice,
  mark: string,
): { kotlin: unknown; node: (pair: Pair) => unknown } | undefined {
  if (dice.below(3) === 0) return somebody(state, dice);
  const value = dice.choose([mark, true, null]);
  return { kotlin: value, node: () => value };
}

const createTask: Make = (state, dice, mark) => {
  const missing = taskIds.filter((id) => !state.tasks.has(id));
  if (missing.length === 0) return undefined;
  const id = dice.choose(missing);
  const value = { owner_id: mark, summary: mark, tags: [mark], labels: [mark], attributes: { k: mark }, counter: 1 };
  const steps = [{ title: mark, done: false }];
  return {
    kotlin: { op: "insert", class: "Task", value: { ...value, _id: oid(id), steps } },
    node: ({ realm }) => {
      const others = { isComplete: false, score: 0, extra: null };
      realm.create("Task", { ...value, ...others, _id: new Realm.BSON.ObjectId(id), steps });
    },
  };
};

const makePerson: Make = (state, dice, mark) => {
  const id = dice.choose(personIds);
  if (state.people.includes(id)) {
    return {
      kotlin: { op: "delete", class: "Person", _id: oid(id) },
      node: (pair) => pair.realm.delete(pair.person(id)),
    };
  }
  return {
    kotlin: { op: "insert", class: "Person", value: { _id: oid(id), owner_id: mark, name: mark } },
    node: ({ realm }) =>
      void realm.create("Person", { _id: new Realm.BSON.ObjectId(id), owner_id: mark, name: mark, age: 0 }),
  };
};

const deleteTask = onTask((_, id) => ({
  kotlin: operation("delete", id, {}),
  node: (pair) => pair.realm.delete(pair.task(id)),
}));

/** Assigns properties of a task. */
const assign = onTask((_, id, state, dice, mark) => {
  const person = dice.below(2) === 0 ? somebody(state, dice) : { kotlin: null, node: () => null };
  const extra = anything(state, dice, mark);
  if (!person || !extra) return undefined;
  const value = { summary: mark, assignee: person.kotlin, extra: extra.kotlin };
  const node = (pair: Pair): void => {
    const task = pair.task(id);
    task.summary = mark;
    task.assignee = person.node(pair) as Task["assignee"];
    task.extra = extra.node(pair);
  };
  return { kotlin: operation("update", id, { value }), node };
});

const count = onTask((_, id, __, dice) => {
  const by = dice.below(20) - 10;
  return {
    kotlin: operation("increment", id, { field: "counter", by }),
    node: (pair) => pair.task(id).counter.increment(by),
  };
});

const label = onTask((task, id, _, dice, mark) => {
  const labels = task["labels"] as readonly string[];
  if (labels.length > 0 && dice.below(3) === 0) {
    const value = dice.choose(labels);
    const kotlin = operation("set", id, { field: "labels", action: "remove", value });
    return { kotlin, node: (pair) => void pair.task(id).labels.delete(value) };
  }
  const value = dice.choose(["red", "blue", mark]);
  const kotlin = operation("set", id, { field: "labels", action: "add", value });
  return { kotlin, node: (pair) => void pair.task(id).labels.add(value) };
});

const attribute = onTask((task, id, _, dice, mark) => {
  const key = dice.choose(["k", "l", "m"]);
  if (key in (task["attributes"] as Plain) && dice.below(3) === 0) {
    const kotlin = operation("dictionary", id, { field: "attributes", action: "remove", key });
    return { kotlin, node: (pair) => void pair.task(id).attributes.remove(key) };
  }
  const kotlin = operation("dictionary", id, { field: "attributes", action: "put", key, value: mark });
  return { kotlin, node: (pair) => void (pair.task(id).attributes[key] = mark) };
});

const step = onTask((task, id, _, dice, mark) => {
  const size = (task["steps"] as readonly unknown[]).length;
  const index = dice.below(size + 1);
  if (index === size) {
    const value = { title: mark, done: false };
    const kotlin = operation("list", id, { field: "steps", action: "add", value });
    return { kotlin, node: (pair) => void pair.task(id).steps.push(value) };
  }
  if (dice.below(3) === 0) {
    const kotlin = operation("list", id, { field: "steps", action: "remove", index });
    return { kotlin, node: (pair) => pair.realm.delete(pair.task(id).steps[index] as object) };
  }
  const kotlin = operation("embedded", id, { field: "steps", index, value: { title: mark } });
  const node = (pair: Pair): void => {
    const found = pair.task(id).steps[index];
    if (found) found.title = mark;
  };
  return { kotlin, node };
});

const place = onTask((task, id, _, dice, mark) => {
  const kind = dice.below(4);
  if (kind > 1 && task["place"] !== null) {
    const kotlin = operation("embedded", id, { field: "place", value: { street: mark } });
    const node = (pair: Pair): void => {
      const found = pair.task(id).place;
      if (found) found.street = mark;
    };
    return { kotlin, node };
  }
  const value = kind === 0 ? null : { city: mark, street: null, zip: null };
  const node = (pair: Pair): void => void (pair.task(id).place = value);
  return { kotlin: operation("update", id, { value: { place: value } }), node };
});

/** Every kind of edit; those named twice happen twice as often. */
const kinds: readonly Make[] = [
  createTask,
  createTask,
  deleteTask,
  makePerson,
  assign,
  assign,
  count,
  label,
  attribute,
  step,
  step,
  place,
  listEdit("tags", (_, __, mark) => ({ kotlin: mark, node: () => mark })),
  listEdit("tags", (_, __, mark) => ({ kotlin: mark, node: () => mark })),
  listEdit("watchers", somebody),
  listEdit("anything", anything),
];

/** A random edit that is possible now. */
function nextEdit(state: State, dice: Dice, mark: string): Edit {
  for (;;) {
    const edit = dice.choose(kinds)(state, dice, mark);
    if (edit) return edit;
  }
}

/** Both clients edit offline and come back, several times; a new device gets the same in the end. */
export async function editRandomly(setting: Setting, seed: number): Promise<void> {
  const appId = `random-${seed}`;
  const pair = await Pair.open(setting, appId);
  const dice = new Dice(seed);
  try {
    for (let round = 0; round < roundCount; round += 1) {
      await pair.goOffline();
      for (let i = 0; i < editsPerRound; i += 1) {
        if (dice.below(2) === 0) {
          const state = stateOf(await pair.there("Task"), await pair.there("Person"));
          await pair.kotlin.run({ cmd: "write", ops: [nextEdit(state, dice, `k${round}.${i}`).kotlin] });
        } else {
          const state = stateOf(pair.here("Task"), pair.here("Person"));
          const edit = nextEdit(state, dice, `n${round}.${i}`);
          pair.realm.write(() => edit.node(pair));
        }
      }
      await pair.comeBack(dice.choose(["kotlin", "node"]));
    }
    await pair.checkFresh(setting, appId);
  } finally {
    await pair.end();
  }
}
