/**
 * What TypeScript accepts for the values of an object, and what the program then makes of it.
 */
import { expect, expectTypeOf, test } from "vitest";
import { Realm } from "../index.js";
import { useFolder } from "../testing/folder.js";

class Tag extends Realm.Object<Tag> {
  text!: string;
  static schema: Realm.ObjectSchema = { name: "Tag", embedded: true, properties: { text: "string" } };
}

class Task extends Realm.Object<Task, "_id" | "title"> {
  _id!: number;
  title!: string;
  note?: string;
  done!: boolean;
  count!: Realm.Counter;
  data?: ArrayBuffer;
  words!: Realm.List<string>;
  numbers!: Realm.Set<number>;
  named!: Realm.Dictionary<number | null>;
  tag?: Tag | null;
  tags!: Realm.List<Tag>;
  parent?: Task | null;
  children!: Realm.Results<Task>;
  any: unknown;
  shout(): string {
    return this.title.toUpperCase();
  }
  static schema: Realm.ObjectSchema = {
    name: "Task",
    primaryKey: "_id",
    properties: {
      _id: "int",
      title: "string",
      note: "string?",
      done: { type: "bool", default: false },
      count: { type: "counter", default: 0 },
      data: "data?",
      words: "string[]",
      numbers: "int<>",
      named: "int?{}",
      tag: "Tag",
      tags: "Tag[]",
      parent: "Task",
      children: { type: "linkingObjects", objectType: "Task", property: "parent" },
      any: "mixed",
    },
  };
}

const folder = useFolder();

test("what an object is made of is plain, and the properties that are named must be given", () => {
  const realm = folder.open([Task, Tag]);
  const [made, created] = realm.write(() => {
    const first = new Task(realm, {
      _id: 1,
      title: "one",
      count: 3,
      data: Uint8Array.of(1),
      words: ["a"],
      numbers: new Set([1, 2]),
      named: { a: 1, b: null },
      tag: { text: "x" },
      tags: [{ text: "y" }],
      any: [1, { a: 2 }],
    });
    // Only `new` asks for them: objects that exist are updated by `create`.
    const second = realm.create(Task, { _id: 2, title: "two", parent: first, words: first.words });
    realm.create(Task, { _id: 1, note: "later" }, Realm.UpdateMode.Modified);
    return [first, second];
  });
  expect(made.toJSON()).toMatchObject({ title: "one", note: "later", count: 3, named: { a: 1, b: null } });
  expect([made.tag?.text, made.tags[0]?.text, ...made.words, ...made.numbers]).toEqual(["x", "y", "a", 1, 2]);
  expect([created.parent?.shout(), made.children.length, [...created.words]]).toEqual(["ONE", 1, ["a"]]);
  realm.write(() => realm.objects(Task).update("done", true));
  expect(realm.objects(Task).filtered("done == true")).toHaveLength(2);
});

test("what is missing, misspelled or of another type does not compile", () => {
  expectTypeOf<Realm.Unmanaged<Task, "title">["title"]>().toEqualTypeOf<string>();
  expectTypeOf<Realm.Unmanaged<Task>["title"]>().toEqualTypeOf<string | undefined>();
  expectTypeOf<keyof Realm.Unmanaged<Tag>>().toEqualTypeOf<"text">();
  expectTypeOf<Extract<keyof Realm.Unmanaged<Task>, "children" | "shout" | "isValid" | "toJSON">>().toBeNever();
  const realm = folder.open([Task, Tag]);
  // Never called: the compiler looks at it.
  const wrong = (): void => {
    const make = (values: Realm.Unmanaged<Task, "_id" | "title">): Task => new Task(realm, values);
    // @ts-expect-error the title is missing
    make({ _id: 1 });
    // @ts-expect-error a number is no title
    make({ _id: 1, title: 1 });
    // @ts-expect-error what `new` takes is the same
    expectTypeOf(Task).toBeConstructibleWith(realm, { _id: 1 });
    // @ts-expect-error there is no such property
    realm.create(Task, { _id: 1, titel: "one" });
    // @ts-expect-error elements are texts
    realm.create(Task, { _id: 1, words: [1] });
    // @ts-expect-error a tag has a text
    realm.create(Task, { _id: 1, tag: { text: 1 } });
    // @ts-expect-error what links here is computed
    realm.create(Task, { _id: 1, children: [] });
    // @ts-expect-error there is no such property
    realm.objects(Task).update("titel", "x");
    // @ts-expect-error the interface says what it is made of
    realm.create<{ _id: number }>("Task", { _id: "1" });
  };
  expect(wrong).toBeTypeOf("function");
});

test("where nothing is known of a class anything goes, as before", () => {
  const realm = folder.open([Task, Tag]);
  const task = realm.write(() => realm.create("Task", { _id: 1, title: "one", words: ["a"] }));
  expectTypeOf(task.words).toBeAny();
  realm.write(() => realm.objects("Task").update("note", "all"));
  expect(task.note).toBe("all");
});
