import { expect, test } from "vitest";
import { open } from "../db.js";
import { logic_error } from "../errors.js";
import { Dog, Person, Reading } from "../testing/models.js";
import { object_id } from "../schema/types.js";
import { useServer } from "../testing/synced.js";

const synced = useServer();

// As the first test of realm-cpp's own suite of flexible sync.
test("subscriptions are added, found, changed and removed", async () => {
  const database = (await synced.device("all")).open();
  const subscriptions = database.subscriptions();
  const isAdded = subscriptions.update((set) => {
    set.add(Dog, "foo-strings", (o) => o.name.eq("foo"));
    set.add(Person, "people");
  });
  expect(subscriptions.size()).toBe(2);
  expect(await isAdded.get()).toBe(true);
  const found = subscriptions.find("foo-strings");
  expect(found).toMatchObject({ name: "foo-strings", object_class_name: "Dog", query_string: 'name == "foo"' });
  expect(found?.identifier).toMatch(/^[0-9a-f]{24}$/);
  expect(subscriptions.find("people")?.query_string).toBe("TRUEPREDICATE");
  const isChanged = await subscriptions.update((set) => {
    set.update_subscription(Dog, "foo-strings", (o) => o.name.eq("bar").and(o._id.eq(1230)));
    set.remove("people");
  });
  expect([isChanged, database.subscriptions().size()]).toEqual([true, 1]);
  const changed = database.subscriptions().find("foo-strings");
  expect(changed?.query_string).toBe('name == "bar" and _id == 1230');
  expect([changed?.identifier, changed?.created_at]).toEqual([found?.identifier, found?.created_at]);
  expect((changed?.updated_at.getTime() ?? 0) >= (found?.updated_at.getTime() ?? 0)).toBe(true);
  expect(await subscriptions.update((set) => set.clear())).toBe(true);
  expect([subscriptions.size(), subscriptions.find("foo-strings")]).toEqual([0, undefined]);
});

test("adding a name twice replaces", async () => {
  const subscriptions = (await synced.device("twice")).open().subscriptions();
  await subscriptions.update((set) => {
    set.add(Dog, "one", (o) => o.age.gt(2));
    set.add(Dog, "one");
    expect([set.size(), set.find("one")?.query_string]).toEqual([1, "TRUEPREDICATE"]);
  });
  expect(subscriptions.size()).toBe(1);
});

test("a name that is not there is an error, and nothing of the change stays", async () => {
  const subscriptions = (await synced.device("missing")).open().subscriptions();
  for (const change of ["remove", "update_subscription"] as const) {
    expect(() =>
      subscriptions.update((set) => {
        set.add(Dog, "new");
        if (change === "remove") set.remove("nobody");
        else set.update_subscription(Dog, "nobody");
      }),
    ).toThrow(new logic_error("InvalidArgument", "Subscription cannot be found"));
  }
  expect(subscriptions.size()).toBe(0);
});

test("an update is false when the session stops, and shows at once all the same", async () => {
  const database = (await synced.device("false")).open();
  const subscriptions = database.subscriptions();
  database.get_sync_session()?.pause();
  const update = subscriptions.update((set) => set.add(Dog, "one"));
  expect(subscriptions.size()).toBe(1);
  expect(await update).toBe(false);
  database.get_sync_session()?.resume();
  expect(await subscriptions.update((set) => set.add(Dog, "two"))).toBe(true);
});

test("objects of asymmetric classes are sent without a subscription, and not kept", async () => {
  const user = (await synced.device("sent")).user;
  const database = open(user.flexible_sync_configuration(), Reading);
  database.write(() => {
    const added: unknown = database.add(Reading({ _id: object_id.generate(), value: 21.5 }));
    expect(added).toBeUndefined();
  });
  await database.get_sync_session()?.wait_for_upload_completion();
  expect(() => database.objects(Reading as never)).toThrow(logic_error);
  database.close();
});

test("what leaves the subscriptions leaves the database; what is outside of them is not written", async () => {
  const database = await (await synced.device("leaves")).openSubscribed();
  database.write(() => database.add(Dog({ _id: 1 })));
  await database.get_sync_session()?.wait_for_upload_completion();
  await database.subscriptions().update((set) => set.remove("dogs"));
  await database.get_sync_session()?.wait_for_download_completion();
  expect(database.objects(Dog).size()).toBe(0);
  expect(() => database.write(() => database.add(Dog({ _id: 2 })))).toThrow(
    "Cannot write to class Dog when no flexible sync subscription has been created.",
  );
});
