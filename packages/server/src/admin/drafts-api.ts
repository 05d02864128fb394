/**
 * Admin API: drafts, which collect changes, and deployments, which put them in force.
 *
 * @module
 */

import type { Hono } from "hono";
import { jsonAnswer } from "../http-answers.js";
import type { Deployment, Draft } from "./admin-app.js";
import { adminErrors } from "./admin-errors.js";
import { type AdminApiContext, appOf, appPath, emptyAnswer, seconds } from "./admin-call.js";

/** Adds the routes. */
export function addDrafts(api: Hono, context: AdminApiContext): void {
  api.get(`${appPath}/drafts`, (call) => {
    const { draft } = appOf(context, call);
    return jsonAnswer(call, 200, draft === null ? [] : [describeDraft(draft)]);
  });

  api.post(`${appPath}/drafts`, async (call) => {
    const draft = await appOf(context, call).openDraft(context.administrator.userId);
    return jsonAnswer(call, 201, describeDraft(draft));
  });

  api.delete(`${appPath}/drafts/:draft`, async (call) => {
    await appOf(context, call).discardDraft(call.req.param("draft"));
    return emptyAnswer(call);
  });

  api.post(`${appPath}/drafts/:draft/deployment`, async (call) => {
    const deployment = await appOf(context, call).deployDraft(call.req.param("draft"));
    return jsonAnswer(call, 201, describeDeployment(deployment));
  });

  api.get(`${appPath}/deployments`, (call) =>
    jsonAnswer(call, 200, appOf(context, call).record.deployments.map(describeDeployment)),
  );

  api.get(`${appPath}/deployments/:deployment`, (call) => {
    const id = call.req.param("deployment");
    const deployment = appOf(context, call).record.deployments.find((one) => one.id === id);
    if (deployment === undefined) throw adminErrors.notFound("DeploymentNotFound", "deployment", id);
    return jsonAnswer(call, 200, describeDeployment(deployment));
  });
}

function describeDraft({ id, userId, createdMs, changes }: Draft): object {
  return { _id: id, user_id: userId, created_at: seconds(createdMs), app: { changes: changes.map(([path]) => path) } };
}

function describeDeployment({ id, deployedMs, draftId }: Deployment): object {
  return {
    _id: id,
    deployed_at: seconds(deployedMs),
    // A deployment is over before anybody can ask for it.
    status: "successful",
    ...(draftId === null ? {} : { draft_id: draftId }),
  };
}
