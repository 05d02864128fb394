/**
 * Tags of packed values (`docs/boundary.md`).
 *
 * @module
 */

export const tag = {
  null: 0x00,
  int: 0x01,
  bool: 0x02,
  string: 0x03,
  binary: 0x04,
  timestamp: 0x05,
  float: 0x06,
  double: 0x07,
  decimal: 0x08,
  link: 0x09,
  objectId: 0x0a,
  uuid: 0x0b,
  list: 0x0c,
  dictionary: 0x0d,
  set: 0x0e,
  embedded: 0x0f,
  globalKey: 0x10,
  objectMarker: 0x20,
  listMarker: 0x21,
  dictionaryMarker: 0x22,
  erasedMarker: 0x23,
} as const;
