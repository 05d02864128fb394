/**
 * What applications compile against: every name under each of its addresses, for modules and for CommonJS.
 */
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Compiles applications of this package, by the names of their files, checking the declarations that they get too. */
function compile(files: Readonly<Record<string, string>>, options: ts.CompilerOptions): ts.Program {
  const texts = new Map(Object.entries(files).map(([name, text]) => [root + name, text]));
  const all: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    esModuleInterop: true,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts"],
    types: ["node"],
    ...options,
  };
  const host = ts.createCompilerHost(all);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  return ts.createProgram([...texts.keys()], all, host);
}

function errorsOf(program: ts.Program): string[] {
  return ts.getPreEmitDiagnostics(program).map(({ messageText, file }) => {
    return `${file?.fileName.slice(root.length) ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
}

const application = `
class Task extends Realm.Object<Task, "_id"> {
  _id!: BSON.ObjectId;
  tags!: Realm.List<string>;
  static schema: Realm.ObjectSchema = { name: "Task", primaryKey: "_id", properties: { _id: "objectId", tags: "string[]" } };
}
export async function run(app: App, user: Realm.User): Promise<Named> {
  const configuration: Configuration = {
    schema: [Task],
    sync: {
      user,
      flexible: true,
      newRealmFileBehavior: { type: OpenRealmBehaviorType.OpenImmediately },
      existingRealmFileBehavior: Realm.App.Sync.openLocalRealmBehavior,
      initialSubscriptions: { update: (subs, realm) => void subs.add(realm.objects(Task).filtered("tags.@size > 0")) },
      onError: (session, error) => {
        if (error instanceof Realm.CompensatingWriteError) session.pause();
      },
    },
  };
  const realm: Realm = await Realm.open(configuration);
  const values: Realm.Unmanaged<Task, "_id"> = { _id: new BSON.ObjectId(), tags: ["a"] };
  const task: Task = realm.write(() => realm.create(Task, values) && new Task(realm, values));
  const found: Named.Results<Task> = realm.objects(Task);
  const last: Task | undefined = found.findLast((one) => one._id.equals(task._id));
  const session: App.Sync.Session | Realm.App.Sync.Session | Realm.SyncSession | null = realm.syncSession;
  type State = Realm.ConnectionState | App.Sync.ConnectionState | ConnectionState;
  const states: (State | undefined)[] = [session?.connectionState];
  await session?.uploadAllLocalChanges(1000);
  const made: InstanceType<typeof Realm.App> = app;
  return [last, states, made].length === 3 ? realm : new Named();
}`;
const names = `Realm, { App, BSON, type Configuration, type ConnectionState, OpenRealmBehaviorType, Realm as Named }`;

const whole = `import ${names} from "@tidemark/node";${application}`;
const wrong = `import Realm from "@tidemark/node"; export const path: number = new Realm().path;`;
const required = `import Realm = require("@tidemark/node");
export const realm: Realm = new Realm({ path: "x" });
export const values: Realm.Unmanaged<{ name: string; age: number }, "name"> = { name: "x" };
export const results: Realm.Results<Realm.Object> = realm.objects("Task");`;
const imported = `import * as all from "@tidemark/node"; export const names = all;`;
const files = {
  "application.mts": whole,
  "application.cts": whole,
  "required.cts": required,
  "names.mts": imported,
  "names.cts": imported,
  "wrong.mts": wrong,
  "wrong.cts": wrong,
};
const program = compile(files, { module: ts.ModuleKind.Node16 });

test("modules and CommonJS compile against the declarations, which are right themselves", { timeout: 120_000 }, () => {
  const message = "Type 'string' is not assignable to type 'number'.";
  expect(errorsOf(program).toSorted()).toEqual([`wrong.cts: ${message}`, `wrong.mts: ${message}`]);
});

test("so do modules for a bundler", { timeout: 120_000 }, () => {
  const options = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  expect(errorsOf(compile({ "application.mts": whole }, options))).toEqual([]);
});

/** Names that are exported, and those of the class and its namespace. */
function namesOf(file: string): { readonly exported: string[]; readonly members: string[] } {
  const checker = program.getTypeChecker();
  const statement = program.getSourceFile(root + file)?.statements[0];
  if (statement === undefined || !ts.isImportDeclaration(statement)) throw new Error("the import is there");
  const module = checker.getSymbolAtLocation(statement.moduleSpecifier);
  if (module === undefined) throw new Error("the package is found");
  const exported = checker.getExportsOfModule(module);
  const found = exported.find(({ name }) => name === "Realm");
  if (found === undefined) throw new Error("the class is there");
  const real = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
  return {
    exported: exported.map(({ name }) => name),
    members: checker.getExportsOfModule(real).map(({ name }) => name),
  };
}

test(
  "every name of the module is one of the class or its namespace, and one for CommonJS",
  { timeout: 120_000 },
  () => {
    const module = namesOf("names.mts");
    const commonjs = namesOf("names.cts");
    const wanted = module.exported.filter((name) => name !== "module.exports" && name !== "default");
    expect(wanted).toContain("SSLConfiguration");
    expect(wanted.filter((name) => !module.members.includes(name))).toEqual([]);
    expect(wanted.filter((name) => !commonjs.exported.includes(name))).toEqual([]);
    // Names of classes and types; what else is static is inherited.
    const types = module.members.filter((name) => /^[A-Z]/u.test(name));
    expect(types.filter((name) => !commonjs.members.includes(name))).toEqual([]);
  },
);
