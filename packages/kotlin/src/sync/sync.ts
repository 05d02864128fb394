/**
 * Synchronisation of a whole app.
 *
 * @module
 */

import type { App as EngineApp } from "@tidemark/engine";
import { engine } from "../engine.js";

/** Synchronisation of an app: `app.sync`. */
export class Sync {
  readonly #app: EngineApp;

  /** @internal */
  constructor(app: EngineApp) {
    this.#app = app;
  }

  /** Whether any realm is synchronised, those that are closed and still upload too. */
  get hasSyncSessions(): boolean {
    return engine().sync.sessionsOfApp(this.#app).length > 0;
  }

  /**
   * Connects all sessions at once, instead of waiting for the next attempt. Does nothing for sessions that are
   * connected, connecting or paused. A connection that has died silently is noticed after two minutes.
   */
  reconnect(): void {
    engine().sync.reconnect(this.#app);
  }

  /**
   * Waits until no session is left, so that files can be deleted. All realms should be closed before: sessions of open
   * ones are waited for too. In realm-kotlin this blocks.
   */
  waitForSessionsToTerminate(): Promise<void> {
    return engine().waitForSessionsToEnd(this.#app);
  }
}
