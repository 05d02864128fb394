/**
 * The status page: plain HTML that refreshes itself from `/api/tidemark/status`.
 *
 * Values of clients go into the page as text nodes only, never as markup.
 *
 * @module
 */

const style = `
:root { color-scheme: light dark; --ink: #17212b; --soft: #5b6b7a; --line: #d9e0e6; --ground: #f6f8fa;
  --card: #ffffff; --accent: #0b6e99; --bar: #cfe6f0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa8b5; --line: #2c3742; --ground: #0f151b;
  --card: #171f27; --accent: #58b7de; --bar: #1d3a49; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, header { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
h1 { font-size: 1.5rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.figures dt { color: var(--soft); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.frame { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .8rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; font-size: .85rem; }
td.number, th.number { text-align: right; }
code { font: .9em ui-monospace, monospace; }
a { color: var(--accent); }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
#live::before { content: ""; display: inline-block; width: .6em; height: .6em; border-radius: 50%;
  background: #2da44e; margin-right: .4em; }
#live.lost::before { background: #d1242f; }
footer { margin: 2rem 0; color: var(--soft); font-size: .9rem; }
`;

const script = `
const element = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const short = (value) => number.format(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10);
function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return short(value) + " " + units[unit];
}
function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return seconds + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  return Math.floor(seconds / 3600) + " h " + Math.floor(seconds / 60) % 60 + " min";
}
function row(cells, numbers) {
  const line = document.createElement("tr");
  cells.forEach((cell, index) => {
    const field = document.createElement("td");
    if (numbers.includes(index)) field.className = "number";
    field.textContent = cell;
    line.append(field);
  });
  return line;
}
function fill(id, rows, numbers, empty) {
  const body = element(id);
  if (rows.length > 0) return body.replaceChildren(...rows.map((cells) => row(cells, numbers)));
  const line = row([empty], []);
  line.firstChild.colSpan = 20;
  line.firstChild.className = "soft";
  body.replaceChildren(line);
}
function figure(id, text) { element(id).textContent = text; }
function show(status) {
  figure("uptime", duration(status.nowMs - status.startedMs));
  figure("connections", number.format(status.totals.openConnections));
  figure("sessions", number.format(status.apps.reduce((sum, app) => sum + app.sessions, 0)));
  figure("uploads", short(status.perSecond.uploads) + " /s");
  figure("changes", short(status.perSecond.instructions) + " /s");
  figure("in", bytes(status.perSecond.bytesReceived) + "/s");
  figure("out", bytes(status.perSecond.bytesSent) + "/s");
  figure("conflicts", number.format(status.totals.conflicts ?? 0));
  const apps = status.apps.map((app) => [app.id, number.format(app.version), number.format(app.epoch),
    number.format(app.clientFiles), number.format(app.expiredClientFiles), number.format(app.sessions),
    number.format(app.uploadsWaiting), number.format(app.entries), bytes(app.bytes)]);
  fill("apps", apps, [1, 2, 3, 4, 5, 6, 7, 8], "No app has synced yet.");
  const clocks = status.apps.flatMap((app) => app.clocksAhead.listed.map((device) =>
    [app.id, device.userId, device.fileIdent, duration(device.aheadMs)]));
  fill("clocks", clocks, [2, 3], "No device's clock is ahead.");
  const objects = status.apps.flatMap((app) =>
    Object.entries(app.objects).map(([name, count]) => [app.id, name, number.format(count)]));
  fill("objects", objects, [2], "No objects yet.");
  const sessions = status.connections.flatMap((connection) => {
    const start = [connection.app, connection.user];
    const end = [bytes(connection.waitingBytes), duration(status.nowMs - connection.connectedMs),
      String(connection.protocolVersion)];
    if (connection.sessions.length === 0) return [[...start, "–", "no session", "–", "–", "–", ...end]];
    return connection.sessions.map((session) => [...start, session.fileIdent,
      session.isBootstrapping ? "bootstrapping" : session.phase, number.format(session.downloadServerVersion),
      number.format(session.uploadClientVersion), number.format(session.queryVersion), ...end]);
  });
  fill("connected", sessions, [2, 4, 5, 6, 7, 8, 9], "Nobody is connected.");
}
async function refresh() {
  const live = element("live");
  try {
    const answer = await fetch("/api/tidemark/status", { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
    live.className = ""; live.textContent = "live";
  } catch {
    live.className = "lost"; live.textContent = "no answer from the server";
  }
  setTimeout(refresh, document.hidden ? 5000 : 1000);
}
refresh();
`;

function figure(id: string, label: string): string {
  return `<div><dt>${label}</dt><dd id="${id}">–</dd></div>`;
}

function table(id: string, caption: string, columns: readonly (readonly [string, boolean])[]): string {
  const heads = columns
    .map(([name, isNumber]) => `<th scope="col"${isNumber ? ' class="number"' : ""}>${name}</th>`)
    .join("");
  return `<section aria-labelledby="${id}-title"><h2 id="${id}-title">${caption}</h2><div class="frame" tabindex="0"
role="region" aria-labelledby="${id}-title"><table><thead><tr>${heads}</tr></thead>
<tbody id="${id}"></tbody></table></div></section>`;
}

/** The page. It holds no state: everything comes from the status endpoint. */
export function statusPage(nonce: string): string {
  const figures = [
    figure("uptime", "Up for"),
    figure("connections", "Connections"),
    figure("sessions", "Sessions"),
    figure("uploads", "Uploads"),
    figure("changes", "Changes"),
    figure("in", "Received"),
    figure("out", "Sent"),
    figure("conflicts", "Conflicts merged"),
  ];
  const apps = table("apps", "Apps", [
    ["App", false],
    ["Version", true],
    ["Epoch", true],
    ["Client files", true],
    ["Expired", true],
    ["Sessions", true],
    ["Uploads waiting", true],
    ["Log entries", true],
    ["Log", true],
  ]);
  const clocks = table("clocks", "Clocks that are ahead", [
    ["App", false],
    ["User", false],
    ["File", true],
    ["Ahead by", true],
  ]);
  const objects = table("objects", "Objects", [
    ["App", false],
    ["Class", false],
    ["Objects", true],
  ]);
  const connected = table("connected", "Connected", [
    ["App", false],
    ["User", false],
    ["File", true],
    ["State", false],
    ["Server version", true],
    ["Client version", true],
    ["Query", true],
    ["Waiting", true],
    ["Since", true],
    ["Protocol", true],
  ]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidemark</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
<header><h1>Tidemark</h1><p id="live" class="lost" role="status">connecting</p></header>
<main>
<dl class="figures">${figures.join("")}</dl>
${apps}
${objects}
${connected}
${clocks}
<footer><p>As JSON: <a href="/api/tidemark/status">status</a>, <a href="/api/tidemark/schema">schema</a>.</p>
<noscript><p>This page needs JavaScript to refresh; the same figures are in the JSON.</p></noscript></footer>
</main>
<script nonce="${nonce}">${script}</script>
</body>
</html>
`;
}
