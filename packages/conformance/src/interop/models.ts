/**
 * The real client's classes, declared for the node facade.
 *
 * @module
 */

import type { Counter, Dictionary, List, ObjectSchema, Object as RealmObject, Set as RealmSet } from "@tidemark/node";

const person: ObjectSchema = {
  name: "Person",
  primaryKey: "_id",
  properties: { _id: "objectId", owner_id: "string", name: "string", age: "int", bestFriend: "Person" },
};

const note: ObjectSchema = {
  name: "Note",
  primaryKey: "_id",
  properties: { _id: "string", owner_id: "string", text: "string" },
};

const task: ObjectSchema = {
  name: "Task",
  primaryKey: "_id",
  properties: {
    _id: "objectId",
    owner_id: "string",
    summary: "string",
    isComplete: "bool",
    priority: "int?",
    score: "double",
    ratio: "float?",
    counter: { type: "int", presentation: "counter" },
    due: "date?",
    estimate: "decimal128?",
    token: "uuid?",
    blob: "data?",
    extra: "mixed",
    assignee: "Person",
    place: "Address",
    tags: "string[]",
    steps: "Step[]",
    watchers: "Person[]",
    labels: "string<>",
    attributes: "string{}",
    anything: "mixed[]",
  },
};

const address: ObjectSchema = {
  name: "Address",
  embedded: true,
  properties: { street: "string?", city: "string", zip: "int?" },
};

const step: ObjectSchema = {
  name: "Step",
  embedded: true,
  properties: { title: "string", done: "bool" },
};

/** Every class that the joint tests use. */
export const models: readonly ObjectSchema[] = [task, person, address, step, note];

/** Fields of a task that the joint tests edit here. */
export interface Task {
  summary: string;
  isComplete: boolean;
  counter: Counter;
  extra: unknown;
  assignee: RealmObject | null;
  place: { street: string | null; city: string; zip: number | null } | null;
  tags: List<string>;
  steps: List<{ title: string; done: boolean }>;
  watchers: List<RealmObject>;
  labels: RealmSet<string>;
  attributes: Dictionary<string>;
  anything: List;
}
