/**
 * The process that holds the clients; it does what the process in command says.
 *
 * @module
 */

import { Fleet } from "./fleet.js";
import type { Answer, Order } from "./orders.js";
import { verify } from "./verify.js";

let fleet: Fleet | undefined;

function present(): Fleet {
  if (fleet === undefined) throw new Error("no clients are open");
  return fleet;
}

async function obey(order: Order): Promise<Answer> {
  switch (order.do) {
    case "open":
      fleet = new Fleet(order.settings);
      await fleet.open();
      return { to: "open", victims: fleet.victims() };
    case "write":
      present().write();
      return { to: "write" };
    case "count":
      return { to: "count", counts: present().counts() };
    case "quiet":
      return { to: "quiet", ...(await present().quiet()) };
    case "verify":
      return { to: "verify", checks: await verify(present()) };
  }
}

function answer(value: Answer): void {
  process.send?.(value);
}

process.on("message", (order: Order) => {
  obey(order).then(answer, (error: unknown) => {
    answer({ to: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
// Nothing of it is needed any more when the process in command is gone.
process.on("disconnect", () => process.exit());
