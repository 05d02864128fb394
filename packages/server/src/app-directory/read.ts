/**
 * Reads the directory of an exported App Services app.
 *
 * @module
 */

import type { ClassInformation } from "../schema/classes.js";
import type { JsonPath } from "../schema/json-schema.js";
import { asObject, type CollectionSource, type Severity } from "../schema/problem.js";
import { indexedFieldProblems, queryableFieldProblems } from "../schema/queryable-fields.js";
import { readRealmSchema, type RealmSchema } from "../schema/read.js";
import { readCustomUserData, readProviders } from "./auth.js";
import type {
  AppConfiguration,
  CollectionConfiguration,
  CustomUserDataConfiguration,
  SyncConfiguration,
} from "./configuration.js";
import { type CollectionFiles, type DataSources, readDataSources } from "./data-sources.js";
import { Directory } from "./directory.js";
import { type AppDirectoryLimits, type AppFiles, defaultAppDirectoryLimits } from "./files.js";
import type { Finding } from "./findings.js";
import type { PositionedJson } from "./json-document.js";
import { environmentSubstitution, readEnvironment, readRoot, readValues, type RootConfiguration } from "./root.js";
import { readSyncFile, type SyncFile, syncFilePath } from "./sync-file.js";
import { reportUnsupported } from "./unsupported.js";

/** What may be said beside the directory. */
export interface AppDirectoryOptions {
  /** Environment to take instead of the one that the app's configuration names; empty for none. */
  readonly environment?: string;
  /** Secrets by name: exports do not hold them. None by default. */
  readonly secrets?: Readonly<Record<string, unknown>>;
  /** {@link defaultAppDirectoryLimits} by default. */
  readonly limits?: Partial<AppDirectoryLimits>;
}

/** What reading a directory gives. */
export interface ReadAppDirectory {
  /** Complete in its form; to be used only if no finding is an error. */
  readonly configuration: AppConfiguration;
  /** By file, line and column. */
  readonly findings: readonly Finding[];
}

/**
 * Reads an app's directory in the current format or that of 20210101, and says of everything that is wrong or will not
 * work where it is. Nothing that the files hold makes it throw.
 *
 * The roles are left as parsed JSON; whoever reads them finds places by {@link PositionedJson.locate}.
 */
export function readAppDirectory(files: AppFiles, options: AppDirectoryOptions = {}): ReadAppDirectory {
  const directory = new Directory(files, { ...defaultAppDirectoryLimits, ...options.limits });
  const root = readRoot(directory);
  const configuration = root === undefined ? emptyConfiguration : readConfiguration(directory, root, options);
  return { configuration, findings: directory.findings.sorted() };
}

const emptySync: SyncConfiguration = {
  type: "flexible",
  state: "off",
  isDevelopmentMode: false,
  serviceName: null,
  databaseName: null,
  maxOfflineDays: null,
  isRecoveryModeDisabled: false,
  queryableFields: [],
  collectionQueryableFields: {},
  indexedQueryableField: null,
  asymmetricTables: [],
};

const emptyConfiguration: AppConfiguration = {
  name: "",
  appId: null,
  allowedRequestOrigins: [],
  values: {},
  environment: { tag: "", values: {} },
  providers: [],
  customUserData: null,
  sync: emptySync,
  collections: [],
  classes: [],
  defaults: new Map(),
  defaultRoles: {},
};

function readConfiguration(
  directory: Directory,
  root: RootConfiguration,
  options: AppDirectoryOptions,
): AppConfiguration {
  const environment = readEnvironment(directory, options.environment ?? root.environmentTag);
  directory.substitute(environmentSubstitution(environment));
  const values = readValues(directory, options.secrets ?? {});
  const providers = readProviders(directory);
  const data = readDataSources(directory);
  const customUserData = readCustomUserData(directory, data.services);
  const sync = chooseService(directory, readSyncFile(directory), data);
  const schema = readSchema(directory, sync, data);
  if (sync.configuration.serviceName !== null) {
    checkFields(sync, schema, isWhole(directory, sync, data, schema));
  }
  reportUnsynced(directory, sync, data, customUserData);
  reportUnsupported(directory);
  return {
    name: root.name,
    appId: root.appId,
    allowedRequestOrigins: root.allowedRequestOrigins,
    values,
    environment,
    providers,
    customUserData,
    sync: sync.configuration,
    collections: describeCollections(sync, data, schema),
    classes: schema.classes,
    defaults: schema.defaults,
    defaultRoles: Object.fromEntries(chooseDefaultRoles(sync, data)),
  };
}

/** The data source that is synchronised: the one named, else the only one. */
function chooseService(directory: Directory, sync: SyncFile, { services }: DataSources): SyncFile {
  const { serviceName, state } = sync.configuration;
  if (serviceName !== null && services.includes(serviceName)) return sync;
  const [only = null] = services.length === 1 ? services : [];
  if (serviceName !== null) {
    sync.document?.report("error", ["service_name"], `there is no data source "${serviceName}"`);
  } else if (only === null && state !== "off") {
    const message = `service_name is missing, and there are ${services.length} data sources`;
    directory.findings.addFile("error", syncFilePath, message);
  }
  return { ...sync, configuration: { ...sync.configuration, serviceName: only } };
}

/** Whether a name in the synchronisation's configuration means the collection: by its own name or its class's. */
function isNamed(name: string, files: CollectionFiles): boolean {
  return name === files.collection || name === asObject(files.schema?.value)?.["title"];
}

function syncedFiles(sync: SyncFile, data: DataSources): readonly CollectionFiles[] {
  return data.collections.filter((one) => one.service === sync.configuration.serviceName);
}

function readSchema(directory: Directory, sync: SyncFile, data: DataSources): RealmSchema {
  const synced = syncedFiles(sync, data);
  const { asymmetricTables, isDevelopmentMode } = sync.configuration;
  for (const [index, name] of asymmetricTables.entries()) {
    if (synced.some((files) => isNamed(name, files))) continue;
    // In Development Mode the collection comes with the first client.
    const severity = isDevelopmentMode ? "information" : "error";
    sync.document?.report(severity, ["asymmetric_tables", index], `there is no collection "${name}"`);
  }
  const filesOf = new Map<CollectionSource, CollectionFiles>();
  for (const files of synced) {
    const { service, database, collection } = files;
    const isAsymmetric = asymmetricTables.some((name) => isNamed(name, files));
    const [schema, relationships] = [files.schema?.value, files.relationships?.value];
    filesOf.set(
      { service, database, collection, schema: isEmpty(schema) ? undefined : schema, relationships, isAsymmetric },
      files,
    );
  }
  const read = readRealmSchema([...filesOf.keys()]);
  for (const { source, document, path, severity, message } of read.problems) {
    filesOf.get(source)?.[document]?.report(severity, path, message);
  }
  return read;
}

/** The original exports an empty object for a collection without a schema. */
function isEmpty(schema: unknown): boolean {
  const object = asObject(schema);
  return object !== undefined && Object.keys(object).length === 0;
}

/** Whether no class is left out because something is wrong with it. */
function isWhole(directory: Directory, sync: SyncFile, data: DataSources, schema: RealmSchema): boolean {
  const isRead = syncedFiles(sync, data).every(({ folder, schema: document }) =>
    document === undefined ? !directory.has(`${folder}schema.json`) : !document.isBroken,
  );
  return isRead && schema.problems.every((one) => one.severity !== "error");
}

/**
 * Checks the queryable fields against the classes.
 *
 * @param isComplete whether what is not among the classes is nowhere.
 */
function checkFields(sync: SyncFile, schema: RealmSchema, isComplete: boolean): void {
  const byName = new Map(schema.classes.map((one) => [one.name, one]));
  const topLevel = schema.classes.filter((one) => one.kind === "top");
  const { configuration, document } = sync;
  const { isDevelopmentMode, queryableFields, collectionQueryableFields, indexedQueryableField } = configuration;
  const report = (severity: Severity, path: JsonPath, message: string): void => {
    if (severity === "warning" && !isComplete) return;
    // In Development Mode classes and fields come with the clients.
    const softened = severity === "warning" && isDevelopmentMode ? "information" : severity;
    document?.report(softened, path, message);
  };
  const check = (fields: readonly string[], path: JsonPath, classes: readonly ClassInformation[]): void => {
    for (const [index, field] of fields.entries()) {
      for (const { severity, message } of queryableFieldProblems(field, classes, byName)) {
        report(severity, [...path, index], message);
      }
    }
  };
  check(queryableFields, ["queryable_fields_names"], topLevel);
  for (const [name, fields] of Object.entries(collectionQueryableFields)) {
    const path = ["collection_queryable_fields_names", name];
    const classes = topLevel.filter(
      (one) => one.name === name || schema.collections.get(one.name)?.collection === name,
    );
    if (classes.length > 0) check(fields, path, classes);
    else report("warning", path, `no collection "${name}" is synchronised with clients' queries`);
  }
  if (indexedQueryableField === null) return;
  for (const message of indexedFieldProblems(indexedQueryableField, topLevel)) {
    document?.report("error", ["indexed_queryable_fields_names", 0], message);
  }
}

/** Names collections that clients will not see, beside those whose schema says why. */
function reportUnsynced(
  directory: Directory,
  sync: SyncFile,
  data: DataSources,
  userData: CustomUserDataConfiguration | null,
): void {
  const { serviceName, state, isDevelopmentMode } = sync.configuration;
  if (state === "off" || isDevelopmentMode || serviceName === null) return;
  for (const { service, database, collection, folder, schema } of data.collections) {
    const isUserData =
      service === userData?.service && database === userData.database && collection === userData.collection;
    const hasSchema = schema !== undefined ? !isEmpty(schema.value) : directory.has(`${folder}schema.json`);
    if (isUserData || (service === serviceName && hasSchema)) continue;
    const [reason, file] =
      service === serviceName
        ? [`it has no schema`, schema === undefined ? `${folder}rules.json` : `${folder}schema.json`]
        : [`synchronised is the data source "${serviceName}"`, schema?.file ?? `${folder}rules.json`];
    const place = [file, `${folder}relationships.json`].find((path) => directory.has(path)) ?? file;
    directory.findings.addFile("information", place, `collection "${collection}" is not synchronised: ${reason}`);
  }
}

function describeCollections(
  sync: SyncFile,
  data: DataSources,
  schema: RealmSchema,
): readonly CollectionConfiguration[] {
  const classNames = new Map(
    [...schema.collections].map(([name, { service, database, collection }]) => [
      JSON.stringify([service, database, collection]),
      name,
    ]),
  );
  const migrated = new Map(sync.migratedRoles);
  const collections = data.collections.map((files): CollectionConfiguration => {
    const { service, database, collection } = files;
    const isSynced = service === sync.configuration.serviceName;
    const name = [...migrated.keys()].find((one) => isSynced && isNamed(one, files));
    const old = name === undefined ? null : (migrated.get(name) ?? null);
    if (name !== undefined) migrated.delete(name);
    if (name !== undefined && files.roles !== null) {
      const message = `these rules are ignored: there are roles in ${files.folder}rules.json`;
      sync.document?.report("warning", ["permissions", "rules", name], message);
    }
    return {
      service,
      database,
      collection,
      className: classNames.get(JSON.stringify([service, database, collection])) ?? null,
      schema: files.schema?.value,
      relationships: files.relationships?.value,
      roles: files.roles ?? old,
    };
  });
  for (const name of migrated.keys()) {
    sync.document?.report("warning", ["permissions", "rules", name], `there is no collection "${name}"`);
  }
  return collections;
}

function chooseDefaultRoles(sync: SyncFile, data: DataSources): ReadonlyMap<string, PositionedJson> {
  const { serviceName } = sync.configuration;
  const old = sync.migratedDefaultRoles;
  if (old === null || serviceName === null) return data.defaultRoles;
  if (!data.defaultRoles.has(serviceName)) return new Map([...data.defaultRoles, [serviceName, old]]);
  const message = `these roles are ignored: there are roles in data_sources/${serviceName}/default_rule.json`;
  sync.document?.report("warning", ["permissions", "defaultRoles"], message);
  return data.defaultRoles;
}
