// The token that lets a process do everything with the server of one benchmark run.
import { createHmac } from "node:crypto";

export const jwtSecret = "benchmark";
export const projectId = "bench";

export function serviceToken() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { "x-triplit-token-type": "secret", "x-triplit-project-id": projectId };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", jwtSecret).update(signed).digest("base64url")}`;
}
