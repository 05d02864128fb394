/**
 * Tidemark in the shape of the Realm C++ SDK: `import * as realm from "@tidemark/cpp"` stands for `namespace realm`.
 *
 * @module
 */

export { App, type app_configuration, sync_manager } from "./app/app.js";
export { credentials } from "./app/credentials.js";
export type { http_request, http_response, http_transport_client } from "./app/transport.js";
export { type bson_document, user, type user_state } from "./app/user.js";
export { managed_collection } from "./data/collection.js";
export {
  type managed,
  managed_object,
  type managed_value,
  type object_change,
  type property_change,
} from "./data/managed.js";
export { managed_map } from "./data/map.js";
export { type collection_change, type dictionary_collection_change, notification_token } from "./data/notification.js";
export { results, type results_change, type sort_descriptor } from "./data/results.js";
export { managed_set } from "./data/set.js";
export { managed_vector, type object_in } from "./data/vector.js";
export { db, type of_class, open } from "./db.js";
export { db_config, type proxy_config, scheduler, schema_mode } from "./db-config.js";
export { app_error, exception, invalid_argument, logic_error, out_of_range, runtime_error, status } from "./errors.js";
export { future, future_status } from "./future.js";
export type { names } from "./names.js";
export { logger, type logger_level, set_default_logger } from "./logger.js";
export {
  type collection_expression,
  type expression_of,
  type link_expression,
  type map_expression,
  not,
  type query_fn,
  type query_of,
  rbool,
  type text_expression,
  type value_expression,
} from "./query/expression.js";
export {
  type any_class,
  type asymmetric,
  type asymmetric_model,
  asymmetric_schema,
  type class_of,
  embedded_schema,
  type model,
  type model_of,
  schema,
  type struct,
} from "./schema/model.js";
export {
  type any_struct,
  binary,
  bool,
  decimal128,
  double,
  enumeration,
  float,
  type generator,
  type initial_of,
  int64,
  type int64_value,
  link,
  type linking,
  linking_objects,
  map,
  mixed,
  type mixed_value,
  type named,
  object_id,
  optional,
  type pointer,
  primary_key,
  type properties,
  type property,
  type property_role,
  type scalar,
  type single_value,
  set,
  string,
  type struct_of,
  time_point,
  type unmanaged,
  uuid,
  vector,
  with_default,
} from "./schema/types.js";
export {
  client_reset,
  type client_reset_handler,
  client_reset_mode,
  type after_reset,
  type before_reset,
} from "./sync/client-reset.js";
export { session_stop_policy, sync_config, type sync_error_handler } from "./sync/sync-config.js";
export { type compensating_write_info, sync_error } from "./sync/sync-error.js";
export { type connection_state, type session_state, sync_session } from "./sync/sync-session.js";
export { mutable_sync_subscription_set, type sync_subscription, sync_subscription_set } from "./sync/subscriptions.js";
export { thread_safe_reference } from "./thread-safe-reference.js";
