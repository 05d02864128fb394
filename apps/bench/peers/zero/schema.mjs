// Class `Item` as Zero's schema; who asks may read all of it.
import { ANYONE_CAN, boolean, createSchema, definePermissions, number, string, table } from "@rocicorp/zero";

const item = table("item")
  .columns({ id: number(), name: string(), n: number(), d: number(), b: boolean(), t: number(), note: string() })
  .primaryKey("id");

export const schema = createSchema({ tables: [item] });

export const permissions = definePermissions(schema, () => ({ item: { row: { select: ANYONE_CAN } } }));
