/**
 * Admin API: the schemas of collections.
 *
 * @module
 */

import type { Context, Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer } from "./admin-call.js";
import { servicesOf } from "./service-files.js";
import {
  fileById,
  type FileEdits,
  filesBelow,
  pathSegment,
  type VirtualFile,
  type VirtualFiles,
} from "./virtual-files.js";

const object = z.record(z.string(), z.unknown());
const schemaBody = z.looseObject({
  metadata: z.looseObject({ data_source: z.string(), database: z.string(), collection: z.string() }),
  schema: object,
  relationships: object.nullish(),
});
type SchemaBody = z.output<typeof schemaBody>;

const schemaPattern = /^data_sources\/([^/]+)\/([^/]+)\/([^/]+)\/schema\.json$/;

/** Adds the routes. */
export function addSchemas(api: Hono, context: AdminApiContext): void {
  const { limits } = context;

  api.get(`${appPath}/schemas`, (call) => {
    const files = filesBelow(appOf(context, call).files, "data_sources/");
    const schemas = files.filter(([path]) => schemaPattern.test(path));
    return jsonAnswer(
      call,
      200,
      schemas.map(([path, { id }]) => ({ _id: id, metadata: metadataOf(path) })),
    );
  });

  api.get(`${appPath}/schemas/:id`, (call) => {
    const { files } = appOf(context, call);
    const [path, { id, content }] = schemaIn(files, call);
    const relationships = files.get(relationshipsPath(path))?.content ?? {};
    return jsonAnswer(call, 200, { _id: id, metadata: metadataOf(path), schema: content, relationships });
  });

  api.post(`${appPath}/schemas`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, schemaBody);
    const path = schemaPath(body);
    const { id } = await app.change((files) => {
      const { data_source: source, collection } = body.metadata;
      if (!servicesOf(files.result()).some((one) => one.isDataSource && one.name === source)) {
        throw adminErrors.notFound("ServiceNotFound", "service", source);
      }
      if (files.get(path) !== undefined) throw adminErrors.exists("SchemaAlreadyExists", "schema", collection);
      return putSchema(files, path, body);
    });
    return jsonAnswer(call, 201, { _id: id, metadata: metadataOf(path) });
  });

  api.put(`${appPath}/schemas/:id`, async (call) => {
    const app = appOf(context, call);
    const body = await readBody(limits, call, schemaBody);
    await app.change((files) => {
      const [path] = schemaIn(files.result(), call);
      if (path !== schemaPath(body)) {
        throw adminErrors.invalid("metadata: a schema keeps its data source, database and collection");
      }
      putSchema(files, path, body);
    });
    return emptyAnswer(call);
  });

  api.delete(`${appPath}/schemas/:id`, async (call) => {
    await appOf(context, call).change((files) => {
      const [path] = schemaIn(files.result(), call);
      files.remove(path);
      files.remove(relationshipsPath(path));
    });
    return emptyAnswer(call);
  });
}

function schemaPath({ metadata }: SchemaBody): string {
  const source = pathSegment("data_source", metadata.data_source);
  const database = pathSegment("database", metadata.database);
  return `data_sources/${source}/${database}/${pathSegment("collection", metadata.collection)}/schema.json`;
}

function relationshipsPath(path: string): string {
  return path.replace(/schema\.json$/, "relationships.json");
}

function metadataOf(path: string): object {
  const [, dataSource, database, collection] = schemaPattern.exec(path) ?? [];
  return { data_source: dataSource, database, collection };
}

function schemaIn(files: VirtualFiles, call: Context): readonly [string, VirtualFile] {
  const id = call.req.param("id") ?? "";
  const found = fileById(files, schemaPattern, id);
  if (found === undefined) throw adminErrors.notFound("SchemaNotFound", "schema", id);
  return found;
}

function putSchema(files: FileEdits, path: string, { schema, relationships }: SchemaBody): VirtualFile {
  const hasRelationships = Object.keys(relationships ?? {}).length > 0;
  if (hasRelationships) files.put(relationshipsPath(path), relationships);
  else files.remove(relationshipsPath(path));
  return files.put(path, schema);
}
