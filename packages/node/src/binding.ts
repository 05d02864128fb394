/**
 * What ties this facade's objects and collections to the engine.
 *
 * @module
 */

import {
  type Binding as EngineBinding,
  type Bound,
  type Conventions,
  type EmbeddedHandle,
  type ObjectHandle,
  plainConventions,
  unwrap,
  type Wrappers as EngineWrappers,
} from "@tidemark/engine";
import type { CanonicalObjectSchema } from "./schema/types.js";

/** One class of a realm, ready to make objects. */
export interface BoundClass extends Bound {
  readonly schema: CanonicalObjectSchema;
  readonly prototype: object;
  /** Makes what stands behind the proxy of an object. */
  readonly target: new (handle: ObjectHandle | EmbeddedHandle, binding: Binding) => object;
  readonly proxyHandler: ProxyHandler<object>;
  /** The application's class, or a generated one. */
  readonly ctor: unknown;
}

/** One realm's view of its file. */
export type Binding = EngineBinding<BoundClass>;

/** The wrappers, filled in when the modules are loaded; this breaks the circle between them. */
export const wrappers: Partial<EngineWrappers<BoundClass>> = {};

/** Values as the Node SDK shows them. */
export const nodeConventions: Conventions = { ...plainConventions, unwrap };
