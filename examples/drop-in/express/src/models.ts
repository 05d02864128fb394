import Realm from "realm";

export class Step extends Realm.Object<Step, "text"> {
  text!: string;
  at!: Date;

  static schema: Realm.ObjectSchema = {
    name: "Step",
    embedded: true,
    properties: { text: "string", at: { type: "date", default: () => new Date() } },
  };
}

export class Task extends Realm.Object<Task, "title"> {
  _id!: Realm.BSON.ObjectId;
  title!: string;
  isDone!: boolean;
  priority!: Realm.Types.Int;
  due?: Date;
  labels!: Realm.Set<string>;
  steps!: Realm.List<Step>;
  projects!: Realm.Types.LinkingObjects<Project, "tasks">;

  static schema: Realm.ObjectSchema = {
    name: "Task",
    primaryKey: "_id",
    properties: {
      _id: { type: "objectId", default: () => new Realm.BSON.ObjectId() },
      title: "string",
      isDone: { type: "bool", default: false },
      priority: { type: "int", default: 0, indexed: true },
      due: "date?",
      labels: "string<>",
      steps: "Step[]",
      projects: { type: "linkingObjects", objectType: "Project", property: "tasks" },
    },
  };

  finish(): void {
    this.isDone = true;
    this.steps.push({ text: "finished", at: new Date() } as Step);
  }
}

export class Project extends Realm.Object<Project, "_id"> {
  /** Its name. */
  _id!: string;
  tasks!: Realm.List<Task>;
  settings!: Realm.Dictionary;

  static schema: Realm.ObjectSchema = {
    name: "Project",
    primaryKey: "_id",
    properties: { _id: "string", tasks: "Task[]", settings: "mixed{}" },
  };
}
