import type { Dice } from "../../harness/dice.js";
import type { Check, Victim } from "../orders.js";
import type { Target } from "../server.js";

export interface SiegeSettings {
  readonly target: Target;
  readonly appId: string;
  readonly victims: readonly Victim[];
  readonly dice: Dice;
}

export class Siege {
  static async start(_settings: SiegeSettings): Promise<Siege> {
    return new Siege();
  }
  begin(): void {}
  async stop(): Promise<void> {}
  summary(): string {
    return "";
  }
  checks(): Check[] {
    return [];
  }
}
