/**
 * Enumerations: frozen objects whose members have their own names as values.
 *
 * @module
 */

/** The enumeration of some names. */
export type names<Name extends string> = { readonly [K in Name]: K };
