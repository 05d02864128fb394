import express, { type Express, type Request } from "express";
import Realm, { BSON } from "realm";
import { Project, Task } from "./models.js";

/** What a client may send. */
interface TaskBody {
  title?: string;
  isDone?: boolean;
  priority?: number;
  due?: string | null;
  labels?: string[];
  project?: string;
}

export function createApp(realm: Realm): Express {
  const app = express();
  app.use(express.json());
  app.get("/health", (_request, response) => {
    const session = realm.syncSession;
    response.json({
      state: session?.state,
      isConnected: session?.isConnected(),
      subscriptions: realm.subscriptions.state,
      names: [...realm.subscriptions].map(({ name }) => name),
    });
  });

  addReading(app, realm);
  addWriting(app, realm);
  addEvents(app, realm);
  return app;
}

function findTask(realm: Realm, request: Request): Task | null {
  const id = String(request.params["id"]);
  return BSON.ObjectId.isValid(id) ? realm.objectForPrimaryKey(Task, new BSON.ObjectId(id)) : null;
}

function addReading(app: Express, realm: Realm): void {
  app.get("/tasks", (request, response) => {
    let tasks: Realm.Results<Task> = realm.objects(Task);
    const { done, ids, text, label, project } = request.query;
    if (done !== undefined) tasks = tasks.filtered("isDone == $0", done === "true");
    if (typeof ids === "string")
      tasks = tasks.filtered(
        "_id IN $0",
        ids.split(",").map((id) => new BSON.ObjectId(id)),
      );
    if (text !== undefined) tasks = tasks.filtered("title CONTAINS[c] $0", text);
    if (label !== undefined) tasks = tasks.filtered("$0 IN labels", label);
    if (project !== undefined) tasks = tasks.filtered("ANY projects._id == $0", project);
    const page = tasks.sorted([
      ["priority", true],
      ["title", false],
    ]);
    response.json({ total: page.length, tasks: page.slice(0, 100) });
  });

  app.get("/tasks/:id", (request, response) => {
    const task = findTask(realm, request);
    if (!task) {
      response.status(404).json({ error: "no such task" });
      return;
    }
    const projects = task.linkingObjects<Project>("Project", "tasks").map((project) => project._id);
    response.json({ ...task.toJSON(), projects });
  });

  app.get("/projects/:id", (request, response) => {
    const project = realm.objectForPrimaryKey(Project, request.params.id);
    if (!project) {
      response.status(404).json({ error: "no such project" });
      return;
    }
    const { _id, tasks } = project;
    response.json({ _id, open: tasks.filtered("isDone == false").length, highest: tasks.max("priority") ?? null });
  });
}

function addWriting(app: Express, realm: Realm): void {
  app.post("/tasks", (request, response) => {
    const { title, priority, due, labels, project } = request.body as TaskBody;
    if (!title) {
      response.status(400).json({ error: "a task needs a title" });
      return;
    }
    const task = realm.write(() => {
      const values = { title, priority, due: due ? new Date(due) : undefined, labels };
      const created = new Task(realm, values);
      if (project) realm.create(Project, { _id: project }, Realm.UpdateMode.Modified).tasks.push(created);
      return created;
    });
    response.status(201).location(`/tasks/${task._id.toHexString()}`).json(task);
  });

  app.patch("/tasks/:id", (request, response) => {
    const task = findTask(realm, request);
    if (!task) {
      response.status(404).json({ error: "no such task" });
      return;
    }
    const { title, isDone, priority, labels } = request.body as TaskBody;
    realm.write(() => {
      if (title !== undefined) task.title = title;
      if (priority !== undefined) task.priority = priority;
      if (isDone === true && !task.isDone) task.finish();
      for (const label of labels ?? []) task.labels.add(label);
    });
    response.json(task);
  });

  app.delete("/tasks/:id", (request, response) => {
    const task = findTask(realm, request);
    if (task) realm.write(() => realm.delete(task));
    response.status(task ? 204 : 404).end();
  });
}

/** Server-sent events: what the realm tells its listeners, whoever made the change. */
function addEvents(app: Express, realm: Realm): void {
  app.get("/events", (request, response) => {
    response.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
    response.flushHeaders();
    const tasks = realm.objects(Task);
    const listener: Realm.CollectionChangeCallback<Task> = (collection, changes) => {
      const { insertions, newModifications, deletions } = changes;
      const titles = [...insertions, ...newModifications].map((index) => collection[index].title);
      response.write(`data: ${JSON.stringify({ total: collection.length, titles, deleted: deletions.length })}\n\n`);
    };
    tasks.addListener(listener);
    request.on("close", () => tasks.removeListener(listener));
  });
}
