/**
 * The private API of App Services, as far as the SDKs' harnesses use it: flags, and how downloads are made.
 *
 * @module
 */

import type { Hono } from "hono";
import { z } from "zod";
import { jsonAnswer, readBody } from "../http-answers.js";
import { type AdminApiContext, appOf, emptyAnswer, privateAppPath } from "./admin-call.js";
import { adminErrors } from "./admin-errors.js";

const features = z.looseObject({
  action: z.enum(["enable", "disable"]),
  feature_flags: z.array(z.string().max(200)).max(100),
});
const featuresMax = 200;

/** Longest pause between two downloads. */
const sleepMsMax = 60_000;
const settings = z.looseObject({
  sync: z.looseObject({
    num_objects_before_bootstrap_flush: z.int().min(1).optional(),
    qbs_download_changeset_soft_max_byte_size: z.int().min(1).optional(),
    download_loop_sleep_millis: z.int().min(0).max(sleepMsMax).optional(),
  }),
});

/** Adds the routes. */
export function addPrivate(api: Hono, context: AdminApiContext): void {
  const { limits } = context;

  api.get(`${privateAppPath}/features`, (call) =>
    jsonAnswer(call, 200, { enabled: appOf(context, call).record.features }),
  );

  api.post(`${privateAppPath}/features`, async (call) => {
    const app = appOf(context, call);
    const { action, feature_flags: flags } = await readBody(limits, call, features);
    await app.changeFeatures((known) => {
      const changed = new Set(known);
      for (const flag of flags) {
        if (action === "enable") changed.add(flag);
        else changed.delete(flag);
      }
      if (changed.size > featuresMax) throw adminErrors.limit("feature flags", featuresMax);
      return [...changed];
    });
    return emptyAnswer(call);
  });

  api.get(`${privateAppPath}/settings`, async (call) => {
    const { app, record } = appOf(context, call);
    const { downloadSettings } = await app.sync();
    const inForce = {
      qbs_download_changeset_soft_max_byte_size: downloadSettings.downloadBytesMax,
      download_loop_sleep_millis: downloadSettings.pauseMs,
    };
    return jsonAnswer(call, 200, { sync: { ...inForce, ...record.tuning } });
  });

  api.patch(`${privateAppPath}/settings`, async (call) => {
    const app = appOf(context, call);
    const { sync } = await readBody(limits, call, settings);
    const {
      num_objects_before_bootstrap_flush: objects,
      qbs_download_changeset_soft_max_byte_size: bytes,
      download_loop_sleep_millis: sleepMs,
    } = sync;
    await app.tune({
      ...(objects === undefined ? {} : { num_objects_before_bootstrap_flush: objects }),
      ...(bytes === undefined ? {} : { qbs_download_changeset_soft_max_byte_size: bytes }),
      ...(sleepMs === undefined ? {} : { download_loop_sleep_millis: sleepMs }),
    });
    return emptyAnswer(call);
  });
}
