// `node scripts/apply-vectors.mjs`: writes packages/conformance/vectors/apply/own.jsonl, cases of what the
// recorded ones leave out, so that every type is in every kind of property.
//
// What a case expects is put together here from the rules of applying, with plain arrays, and not by running the core;
// the encoder is a second one, so that it and the core's decoder check each other.
import { writeFileSync } from "node:fs";
import { decimal, key, types, collections, nullsOf, oddKeys } from "./lib/apply-values.mjs";
import { changeset } from "./lib/changeset-writer.mjs";

// Instructions.
const addTable = (table, kind, pkType, pkNullable = false) => ({
  op: "AddTable",
  table,
  spec: kind === "embedded" ? { kind } : { kind, pkField: "_id", pkType, pkNullable },
});
const addColumn = (table, field, type, nullable, collectionType, target) => ({
  op: "AddColumn",
  table,
  field,
  type,
  nullable,
  collectionType,
  ...(target && { target }),
  ...(collectionType === "dictionary" && { keyType: "string" }),
});
const create = (table, pk) => ({ op: "CreateObject", table, pk });
const erase = (table, pk) => ({ op: "EraseObject", table, pk });
const at = (place, op, operands = {}) => ({
  op,
  table: place.table,
  pk: place.pk,
  field: place.field,
  path: place.path,
  ...operands,
});
const below = (place, ...steps) => ({ ...place, path: [...place.path, ...steps] });
const update = (place, value, isDefault = false) => at(place, "Update", { value, isDefault });
const updateElement = (place, value, priorSize) => at(place, "Update", { value, priorSize });
const insert = (place, value, priorSize) => at(place, "ArrayInsert", { value, priorSize });
const marker = (name) => ({ marker: name });
const erased = marker("erased");
const nothing = { null: true };

// Cases.
const lines = [];
function expecting(family, description, setup, instructions, expected) {
  const id = `apply-own-${String(lines.length + 1).padStart(4, "0")}`;
  const changesets = [changeset(instructions)];
  lines.push(
    JSON.stringify({
      id,
      family: `own/${family}`,
      description,
      input: { localFileIdent: 1, setup: [changeset(setup)], changesets },
      expected,
    }),
  );
}
function refused(family, description, setup, instruction) {
  const error = { class: "BadChangeset", message: "refused" };
  expecting(family, description, setup, [instruction], { error, failedChangeset: 0 });
}

const one = { int: "1" };
const emptyOf = { list: { list: [] }, set: { set: [] }, dictionary: { dictionary: {} } };
const zeroOf = {
  int: { int: "0" },
  bool: { bool: false },
  string: { string: "" },
  binary: { binary: "" },
  timestamp: { timestamp: ["0", "0"] },
  float: { float: "0" },
  double: { double: "0" },
  decimal: decimal("0", 0),
  objectId: { objectId: "0".repeat(24) },
  uuid: { uuid: "00000000-0000-0000-0000-000000000000" },
};
const resting = ({ type, nullable, collection }) => emptyOf[collection] ?? (nullable ? nothing : zeroOf[type]);

// Class T with a column f, where values are set; U is what links lead to. `inside`: how T has the object of
// E with the column.
function scene(type, nullable, collection, inside) {
  const column = { type, nullable, collection };
  const owner = inside === undefined ? "T" : "E";
  const target = type === "link" ? "U" : undefined;
  const setup = [
    addTable("T", "top", "int"),
    addTable("U", "top", "string"),
    ...(inside ? [addTable("E", "embedded")] : []),
  ];
  setup.push(addColumn(owner, "f", type, nullable, collection, target));
  if (inside) setup.push(addColumn("T", "e", "link", inside !== "list", inside, "E"));
  setup.push(create("T", one), create("U", { string: "a" }), create("U", { string: "b" }));
  const property = { table: "T", pk: one, field: inside ? "e" : "f", path: [] };
  const outer = { single: [], list: [0], dictionary: ["k 😀"] }[inside];
  const holder = inside && below(property, ...outer);
  if (inside) setup.push(inside === "list" ? insert(holder, marker("object"), 0) : update(holder, marker("object")));
  const place = inside ? below(holder, "f") : property;
  const columnState = { type, nullable, collection, ...(target && { target }) };
  const wrap = {
    single: (object) => object,
    list: (object) => ({ list: [object] }),
    dictionary: (object) => ({ dictionary: { "k 😀": object } }),
  }[inside];
  const top = (columns, objects) => ({
    kind: "top",
    pk: { name: "_id", type: "int", nullable: false },
    columns,
    objects,
  });
  const state = (field) => ({
    ...(inside && { E: { kind: "embedded", columns: { f: columnState } } }),
    T: inside
      ? top({ e: { type: "link", nullable: inside !== "list", collection: inside, target: "E" } }, [
          { pk: one, fields: { e: wrap({ object: { f: field } }) } },
        ])
      : top({ f: columnState }, [{ pk: one, fields: { f: field } }]),
    U: {
      kind: "top",
      pk: { name: "_id", type: "string", nullable: false },
      columns: {},
      objects: ["a", "b"].map((string) => ({ pk: { string }, fields: {} })),
    },
  });
  return {
    column,
    setup,
    place,
    state,
    name: `${collection} of ${nullable ? "optional" : "required"} ${type}${inside ? ` in an embedded object in a ${inside}` : ""}`,
  };
}

/** Puts all values into a collection, one after the other: instructions, and what is there then. */
function filling({ place, column }) {
  const { values, same = values[0] } = types[column.type];
  const all = column.nullable && column.type !== "mixed" ? [nothing, ...values] : values;
  switch (column.collection) {
    case "list":
      return [
        [...all, same].map((value, index) => insert(below(place, index), value, index)),
        { list: [...all, same] },
      ];
    case "set": {
      // In descending order, and the first once more: sets keep their own order and what came first.
      const inserted = [...all.toReversed(), same];
      return [inserted.map((value) => at(place, "SetInsert", { value })), { set: all }];
    }
    default: {
      const entries = all.map((value, index) => [oddKeys[index], value]);
      return [
        entries.toReversed().map(([name, value]) => update(below(place, name), value)),
        { dictionary: Object.fromEntries(entries) },
      ];
    }
  }
}

function valuesOf(type, nullable, collection, inside) {
  const made = scene(type, nullable, collection, inside);
  const { place, setup, state, name } = made;
  const { values } = types[type];
  if (collection === "single" && inside !== undefined) {
    const all = values.map((value) => update(place, value));
    expecting("values", `${name}: all values, one after the other`, setup, all, { state: state(values.at(-1)) });
    return;
  }
  if (collection === "single") {
    const all = nullable && type !== "mixed" ? [...values, nothing] : values;
    for (const [index, value] of all.entries()) {
      // Over another value, for −0 over 0 is a matter of its own (OT12).
      const other = update(place, all[(index + 1) % all.length]);
      expecting("values", `${name}: value ${index}`, setup, [other, update(place, value, index % 2 === 1)], {
        state: state(value),
      });
    }
    expecting("values", `${name}: as it is made`, setup, [], { state: state(resting(made.column)) });
    return;
  }
  const [fill, full] = filling(made);
  expecting("values", `${name}: all values`, setup, fill, { state: state(full) });
  expecting("values", `${name}: cleared`, setup, [...fill, at(place, "Clear", { collectionType: collection })], {
    state: state(emptyOf[collection]),
  });
  if (collection === "list") {
    const elements = full.list;
    const size = elements.length;
    const last = elements[size - 1];
    const edits = [
      updateElement(below(place, 0), elements[1], size),
      at(below(place, size - 1), "ArrayMove", { to: 0, priorSize: size }),
      at(below(place, 2), "ArrayErase", { priorSize: size }),
    ];
    const after = [last, elements[1], ...elements.slice(2, -1)];
    const turned = elements.map((_, index) => elements[(index + 1) % size]);
    const turning = turned.map((value, index) => updateElement(below(place, index), value, size));
    expecting("values", `${name}: all set`, setup, [...fill, ...turning], { state: state({ list: turned }) });
    expecting("values", `${name}: set, moved, erased`, setup, [...fill, ...edits], { state: state({ list: after }) });
  } else if (collection === "set") {
    const edits = [
      at(place, "SetErase", { value: full.set.at(-1) }),
      at(place, "SetErase", { value: full.set.at(-1) }),
    ];
    expecting("values", `${name}: erased, twice`, setup, [...fill, ...edits], {
      state: state({ set: full.set.slice(0, -1) }),
    });
    const none = full.set.map((value) => at(place, "SetErase", { value }));
    expecting("values", `${name}: all erased`, setup, [...fill, ...none], { state: state(emptyOf.set) });
  } else {
    const [[first, value], ...rest] = Object.entries(full.dictionary);
    const edits = [
      update(below(place, first), erased),
      update(below(place, "none"), erased),
      update(below(place, rest[0][0]), value),
    ];
    const after = { [rest[0][0]]: value, ...Object.fromEntries(rest.slice(1)) };
    expecting("values", `${name}: erased, erased without being there, replaced`, setup, [...fill, ...edits], {
      state: state({ dictionary: after }),
    });
  }
}

/** Each way to put a value there, with what has to be there before. */
function ways({ place, column }, value) {
  const fit = types[column.type].values[0];
  const way = (op, instruction, before = []) => ({ op, instruction, before });
  switch (column.collection) {
    case "single":
      return [way("Update", update(place, value))];
    case "list": {
      const first = below(place, 0);
      return [
        way("ArrayInsert", insert(first, value, 0)),
        way("Update", updateElement(first, value, 1), [insert(first, fit, 0)]),
      ];
    }
    case "set":
      return ["SetInsert", "SetErase"].map((op) => way(op, at(place, op, { value })));
    default:
      return [way("Update", update(below(place, "k"), value))];
  }
}

function refusals(type, nullable, collection) {
  const made = scene(type, nullable, collection);
  const { wrong } = types[type];
  const bad = [
    ...(wrong ? [["a value of another type", wrong]] : []),
    ["a marker of an object", marker("object")],
    ["a marker of a set", marker("set")],
  ];
  if (!nullable) bad.push(["null", nothing]);
  for (const [what, value] of bad) {
    for (const { op, before, instruction } of ways(made, value)) {
      const description = `${made.name}: ${op} with ${what}`;
      // Whatever is there already stays as it is, of whatever type.
      const isThere = collection === "single" ? !nullable : op === "Update" && collection === "list";
      if (value.marker === "object" && isThere) {
        const kept = collection === "single" ? resting(made.column) : { list: [types[type].values[0]] };
        expecting("refused", description, [...made.setup, ...before], [instruction], { state: made.state(kept) });
      } else {
        refused("refused", description, [...made.setup, ...before], instruction);
      }
    }
  }
  if (collection !== "dictionary") return;
  for (const name of ["$", "$a", ".", "a.b"]) {
    const instruction = update(below(made.place, name), types[type].values[0]);
    refused("refused", `${made.name}: the key ${name}`, made.setup, instruction);
  }
}

for (const type of Object.keys(types)) {
  for (const collection of collections) {
    for (const nullable of nullsOf(type, collection)) {
      valuesOf(type, nullable, collection);
      refusals(type, nullable, collection);
    }
    for (const inside of ["single", "list", "dictionary"]) {
      valuesOf(type, nullsOf(type, collection).at(-1), collection, inside);
    }
  }
}

// Mixed values inside each other, to several levels, with a value of each type in the innermost.
{
  const made = scene("mixed", true, "single");
  const instructions = [];
  let place = made.place;
  let expected = (inner) => inner;
  for (const [level, kind] of [
    "list",
    "dictionary",
    "list",
    "dictionary",
    "dictionary",
    "list",
    "list",
    "dictionary",
  ].entries()) {
    const isElement = typeof place.path.at(-1) === "number";
    instructions.push(isElement ? insert(place, marker(kind), 0) : update(place, marker(kind)));
    const outer = expected;
    const step = oddKeys[level];
    expected =
      kind === "list" ? (inner) => outer({ list: [inner] }) : (inner) => outer({ dictionary: { [step]: inner } });
    place = below(place, kind === "list" ? 0 : step);
  }
  for (const [index, value] of types.mixed.values.entries()) {
    expecting(
      "nested",
      `a mixed value in eight collections: value ${index}`,
      made.setup,
      [...instructions, update(place, value)],
      { state: made.state(expected(value)) },
    );
  }
  const parent = { ...place, path: place.path.slice(0, -1) };
  expecting(
    "nested",
    "the eighth collection cleared",
    made.setup,
    [...instructions, update(place, { int: "1" }), at(parent, "Clear", { collectionType: "dictionary" })],
    {
      state: made.state(
        JSON.parse(
          JSON.stringify(expected(nothing)).replace(
            /\{"dictionary":\{[^{}]*:\{"null":true\}\}\}/u,
            '{"dictionary":{}}',
          ),
        ),
      ),
    },
  );
  refused("nested", "a set inside a mixed value", made.setup, update(made.place, marker("set")));
}

// Edits inside mixed values inside each other.
{
  const made = scene("mixed", true, "single");
  const to = (...steps) => below(made.place, ...steps);
  const int = (number) => ({ int: String(number) });
  const list = (...elements) => ({ list: elements });
  const dictionary = (entries) => ({ dictionary: entries });
  const full = () => list(int(1), list(int(2), list(int(3))), dictionary({ k: int(4), l: dictionary({ m: int(5) }) }));
  const fill = [
    update(to(), marker("list")),
    insert(to(0), int(1), 0),
    insert(to(1), marker("list"), 1),
    insert(to(2), marker("dictionary"), 2),
    insert(to(1, 0), int(2), 0),
    insert(to(1, 1), marker("list"), 1),
    insert(to(1, 1, 0), int(3), 0),
    update(to(2, "k"), int(4)),
    update(to(2, "l"), marker("dictionary")),
    update(to(2, "l", "m"), int(5)),
  ];
  const clear = (place, collectionType) => at(place, "Clear", { collectionType });
  const edited = (what, instructions, edit) => ({ what, instructions, edit });
  const edits = [
    edited("nothing", [], () => {}),
    edited("an element set", [updateElement(to(0), int(6), 3)], ({ list: all }) => all.splice(0, 1, int(6))),
    edited("an element moved", [at(to(0), "ArrayMove", { to: 2, priorSize: 3 })], ({ list: all }) =>
      all.push(...all.splice(0, 1)),
    ),
    edited("an element erased", [at(to(1), "ArrayErase", { priorSize: 3 })], ({ list: all }) => all.splice(1, 1)),
    edited(
      "an inner element erased",
      [at(to(1, 1, 0), "ArrayErase", { priorSize: 1 })],
      ({ list: [, { list: all }] }) => all.splice(1, 1, list()),
    ),
    edited("a list said again", [updateElement(to(1, 1), marker("list"), 2)], () => {}),
    edited(
      "a list made a dictionary",
      [updateElement(to(1, 1), marker("dictionary"), 2)],
      ({ list: [, { list: all }] }) => all.splice(1, 1, dictionary({})),
    ),
    edited("a list cleared", [clear(to(1, 1), "list")], ({ list: [, { list: all }] }) => all.splice(1, 1, list())),
    edited("a list cleared as a dictionary", [clear(to(1, 1), "dictionary")], ({ list: [, { list: all }] }) =>
      all.splice(1, 1, dictionary({})),
    ),
    edited("a number cleared as a list", [clear(to(0), "list")], ({ list: all }) => all.splice(0, 1, list())),
    edited("an entry set", [update(to(2, "k"), int(6))], ({ list: [, , { dictionary: all }] }) =>
      Object.assign(all, { k: int(6) }),
    ),
    edited("an entry erased", [update(to(2, "k"), erased)], ({ list: [, , { dictionary: all }] }) => delete all.k),
    edited("an entry made a list", [update(to(2, "l"), marker("list"))], ({ list: [, , { dictionary: all }] }) =>
      Object.assign(all, { l: list() }),
    ),
    edited("an entry cleared", [clear(to(2, "l"), "dictionary")], ({ list: [, , { dictionary: all }] }) =>
      Object.assign(all, { l: dictionary({}) }),
    ),
    edited(
      "a number cleared as a dictionary",
      [clear(to(2, "k"), "dictionary")],
      ({ list: [, , { dictionary: all }] }) => Object.assign(all, { k: dictionary({}) }),
    ),
  ];
  for (const { what, instructions, edit } of edits) {
    const after = full();
    edit(after);
    expecting("nested", `inside a mixed value: ${what}`, made.setup, [...fill, ...instructions], {
      state: made.state(after),
    });
  }
}

// Counters.
for (const [start, delta, sum] of [
  ["5", "-7", "-2"],
  ["9223372036854775807", "1", "-9223372036854775808"],
  ["-9223372036854775808", "-9223372036854775808", "0"],
]) {
  for (const [type, nullable] of [
    ["int", false],
    ["int", true],
    ["mixed", true],
  ]) {
    for (const inside of [undefined, "single", "list", "dictionary"]) {
      const { setup, place, state, name } = scene(type, nullable, "single", inside);
      expecting(
        "counters",
        `${name}: ${start} and ${delta}`,
        setup,
        [update(place, { int: start }), at(place, "AddInteger", { delta })],
        { state: state({ int: sum }) },
      );
    }
  }
}
{
  const optional = scene("int", true, "single");
  expecting("counters", "null stays null", optional.setup, [at(optional.place, "AddInteger", { delta: "5" })], {
    state: optional.state(nothing),
  });
}
for (const type of Object.keys(types)) {
  for (const value of type === "mixed"
    ? types.mixed.values.filter((other) => !("int" in other || "null" in other))
    : type === "int"
      ? []
      : [types[type].values[0]]) {
    const { setup, place, name } = scene(type, nullsOf(type, "single")[0], "single");
    refused(
      "counters",
      `${name}: to ${Object.keys(value)[0]}`,
      [...setup, update(place, value)],
      at(place, "AddInteger", { delta: "1" }),
    );
  }
}

// Embedded objects: made, filled, replaced, gone.
for (const inside of ["single", "list", "dictionary"]) {
  const { setup, place, state, name } = scene("string", true, "single", inside);
  const holder = { ...place, path: place.path.slice(0, -1) };
  const text = { string: "x" };
  expecting("embedded", `${name}: filled`, setup, [update(place, text)], { state: state(text) });
  const gone = state(text);
  const clear = (collection) => at({ ...holder, path: [] }, "Clear", { collectionType: collection });
  if (inside === "single") {
    gone.T.objects[0].fields.e = nothing;
    expecting("embedded", `${name}: set to null`, setup, [update(place, text), update(holder, nothing)], {
      state: gone,
    });
    expecting(
      "embedded",
      `${name}: null, and made again`,
      setup,
      [update(place, text), update(holder, nothing), update(holder, marker("object"))],
      { state: state(nothing) },
    );
  } else {
    gone.T.objects[0].fields.e = emptyOf[inside];
    const out = inside === "list" ? at(holder, "ArrayErase", { priorSize: 1 }) : update(holder, erased);
    expecting("embedded", `${name}: erased`, setup, [update(place, text), out], { state: gone });
    expecting("embedded", `${name}: cleared`, setup, [update(place, text), clear(inside)], { state: gone });
  }
  refused(
    "embedded",
    `${name}: a link in its place`,
    setup,
    inside === "list" ? insert(holder, key("U", { string: "a" }), 1) : update(holder, key("U", { string: "a" })),
  );
  refused("embedded", `${name}: made by name`, setup, create("E", one));
}

// Links by every type of key, to what is there, what is not yet there, and what is gone.
const keyTypes = {
  int: { int: "-9223372036854775808" },
  string: { string: "\u0000😀" },
  objectId: { objectId: "f".repeat(24) },
  uuid: { uuid: "ffffffff-ffff-ffff-ffff-ffffffffffff" },
  null: nothing,
};
for (const [name, pk] of Object.entries(keyTypes)) {
  const pkType = name === "null" ? "string" : name;
  const isNullable = name === "null";
  const link = key("K", pk);
  for (const [type, collection] of ["link", "mixed"].flatMap((kind) => collections.map((shape) => [kind, shape]))) {
    const setup = [addTable("T", "top", "int"), addTable("K", "top", pkType, isNullable)];
    setup.push(
      addColumn(
        "T",
        "f",
        type,
        type === "mixed" || collection === "single" || collection === "dictionary",
        collection,
        type === "link" ? "K" : undefined,
      ),
      create("T", one),
    );
    const place = { table: "T", pk: one, field: "f", path: [] };
    const put = {
      single: update(place, link),
      list: insert(below(place, 0), link, 0),
      set: at(place, "SetInsert", { value: link }),
      dictionary: update(below(place, "k"), link),
    }[collection];
    const within = (value) =>
      ({ single: value, list: { list: [value] }, set: { set: [value] }, dictionary: { dictionary: { k: value } } })[
        collection
      ];
    const state = (isThere) => ({
      K: {
        kind: "top",
        pk: { name: "_id", type: pkType, nullable: isNullable },
        columns: {},
        objects: isThere ? [{ pk, fields: {} }] : [],
      },
      T: {
        kind: "top",
        pk: { name: "_id", type: "int", nullable: false },
        columns: { f: { type, nullable: setup[2].nullable, collection, ...(type === "link" && { target: "K" }) } },
        objects: [{ pk: one, fields: { f: within(isThere ? link : { unresolvedLink: link.link }) } }],
      },
    });
    const what = `${collection} of ${type} by a key of ${name}`;
    expecting("links", `${what}: to what is there`, setup, [create("K", pk), put], { state: state(true) });
    expecting("links", `${what}: to what is not there`, setup, [put], { state: state(false) });
    expecting("links", `${what}: there later`, setup, [put, create("K", pk)], { state: state(true) });
    expecting(
      "links",
      `${what}: gone, and there again`,
      setup,
      [create("K", pk), put, erase("K", pk), create("K", pk)],
      { state: state(true) },
    );
    expecting("links", `${what}: gone`, setup, [create("K", pk), put, erase("K", pk)], { state: state(false) });
  }
}

// Objects that are only sent: all that an object holds.
for (const type of Object.keys(types)) {
  for (const collection of collections) {
    const nullable = nullsOf(type, collection).at(-1);
    const made = scene(type, nullable, collection);
    const place = { ...made.place, table: "Q" };
    const [fill, full] =
      collection === "single"
        ? [[update(place, types[type].values[0])], types[type].values[0]]
        : filling({ ...made, place });
    const target = type === "link" ? "U" : undefined;
    const setup = [
      ...made.setup,
      addTable("Q", "asymmetric", "int"),
      addColumn("Q", "f", type, nullable, collection, target),
    ];
    const state = made.state(resting(made.column));
    state.Q = {
      kind: "asymmetric",
      pk: { name: "_id", type: "int", nullable: false },
      columns: state.T.columns,
      objects: [{ pk: one, fields: { f: full } }],
    };
    expecting("asymmetric", `${made.name} of an asymmetric class`, setup, [create("Q", one), ...fill], { state });
  }
}

writeFileSync(new URL("../packages/conformance/vectors/apply/own.jsonl", import.meta.url), `${lines.join("\n")}\n`);
