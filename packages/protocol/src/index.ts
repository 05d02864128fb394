/**
 * Messages, error codes and JSON of Device Sync and App Services, used by the engine and by the server.
 *
 * @module
 */

export {};
