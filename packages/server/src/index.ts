/**
 * The sync server as a library.
 *
 * @module
 */

export { AdminError } from "./admin/admin.js";
export { type AdminOptions } from "./admin/administrator.js";
export type * from "./app-directory/configuration.js";
export {
  AppDirectoryError,
  type AppDirectoryLimits,
  type AppFile,
  type AppFiles,
  defaultAppDirectoryLimits,
  openAppFiles,
} from "./app-directory/files.js";
export { type Finding, formatFinding, type Location } from "./app-directory/findings.js";
export { type PositionedJson } from "./app-directory/json-document.js";
export { type AppDirectoryOptions, readAppDirectory, type ReadAppDirectory } from "./app-directory/read.js";
export { type ConfigureOptions } from "./app.js";
export { type App, AppError, type AppRegistry, type LedgerFactory } from "./app-registry.js";
export { readApp } from "./app-rules.js";
export { ConfigurationError } from "./configuration-error.js";
export { type ConnectionStatus } from "./connection.js";
export { type DownloadSettings } from "./download-settings.js";
export { type Host, systemHost } from "./host.js";
export { type KeyValue, type KeyValueChange, type KeyValueEntry, MemoryKeyValue } from "./key-value.js";
export type * from "./ledger.js";
export { defaultServerLimits, type ServerLimits } from "./limits.js";
export { createLogger, type LogFields, type Logger, type LogLevel, silentLogger } from "./logger.js";
export { TidemarkError } from "@tidemark/protocol";
export { type CounterName, type Metrics, type MetricsSink } from "./metrics.js";
export { openNativeKeyValue, openNativeLedger } from "./native.js";
export { type PasswordCost } from "./passwords.js";
export { type RescueCommand, type RescueReport } from "./control.js";
export { Rescue, RescueError, type RescueState } from "./rescue.js";
export { runRescueCommand } from "./rescue-command.js";
export { createServer, type Server, ServerError, type ServerOptions } from "./server.js";
export {
  type ClassInformation,
  type ColumnInformation,
  isGeoPoint,
  type PrimaryKeyInformation,
} from "./schema/classes.js";
export { compareSchemas, describeColumn, type SchemaMismatch } from "./schema/compare.js";
export { type CollectionPlace, type DerivationOptions, deriveJsonSchema } from "./schema/derive.js";
export { type CollectionSchema, type JsonPath, type JsonSchema, type Relationship } from "./schema/json-schema.js";
export { type CollectionSource, type SchemaProblem, type Severity } from "./schema/problem.js";
export { isEligibleField, isReservedFieldName } from "./schema/queryable-fields.js";
export { readRealmSchema, type RealmSchema } from "./schema/read.js";
export { type SessionPhase, type SessionStatus } from "./session-status.js";
export { type AheadDevice, type ClocksAhead } from "./clock-skew.js";
export { type AppStatus, type ServerStatus } from "./status.js";
export { defaultMaxOfflineMs } from "./upkeep.js";
export { customDataBytesMax, type UserRecord, type Users } from "./users.js";
