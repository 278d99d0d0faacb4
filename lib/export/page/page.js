// SPDX-License-Identifier: BSD-3-Clause
"use strict";

// Seconds come by the stream, and are drawn at most a few times a second: a replay may bring thousands. All times are the
// server's; names come from databases and configurations, and are only ever set as text.

const KEEP = 3600;
const SOON = 250; // ms between two drawings

const $ = id => document.getElementById(id);
const seconds = []; // by rising time
const events = [];
let about = null; // the summary: who is watched
let inexact = 0, lost = 0, timer = null, peersAt = 0;

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function si(value, unit = "") {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let i = 0;
  for (; value >= 999.5 && i < prefixes.length - 1; i++) value /= 1000;
  const digits = i === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${prefixes[i]}${unit}`.trim();
}

const utc = time => new Date(time * 1000).toISOString().replace("T", " ").slice(0, 19);

// Unknown first, as everywhere.
const upstreams = () => [{ upstream: 0, name: "unknown", kind: "unknown" }, ...about.upstreams];
const label = u => (u.upstream ? `AS${u.upstream} ${u.name}`.trim() : u.name);
const keyOf = u => u.upstream || u.name; // what has no ASN is told by its name

// Bytes [to, from] of each upstream of a target.
function bytesOf(second, target) {
  const sums = upstreams().map(() => [0, 0]);
  for (const series of second.series) {
    if (series.target !== target) continue;
    sums[about.place.get(keyOf(series)) || 0][series.direction === "to" ? 0 : 1] += series.bytes;
  }
  return sums;
}

const shownEvents = () => events.filter(e => !e.target || e.target === $("target").value);

// ---- tables ----

// A number for the eye, and the exact one to point at.
function number(value, unit = "") {
  const cell = element("td", si(value, unit));
  cell.title = String(value);
  return cell;
}

function fill(body, lines) {
  body.replaceChildren(...lines.map(cells => {
    const row = document.createElement("tr");
    row.append(...cells.map(cell => (cell instanceof Node ? cell : element("td", cell))));
    return row;
  }));
}

function swatch(i, text) {
  const cell = element("td", "", "text"), box = element("span", "", "swatch");
  box.style.background = colour(i);
  cell.append(box, text);
  cell.title = text;
  return cell;
}

function drawNow(second) {
  const lines = [];
  for (const target of about.targets) {
    for (const direction of ["to", "from"]) {
      const sums = upstreams().map(() => [0, 0, 0, 0]);
      for (const s of second.series) {
        if (s.target !== target || s.direction !== direction) continue;
        const sum = sums[about.place.get(keyOf(s)) || 0];
        sum[0] += s.packets;
        sum[1] += s.bytes;
        sum[2] += s.flows;
        sum[3] += s.active_flows;
      }
      const total = sums.reduce((n, s) => n + s[1], 0);
      upstreams().forEach((u, i) => {
        const [packets, bytes, flows, active] = sums[i];
        if (u.kind !== "configured" && packets + active === 0) return;
        lines.push([element("td", target, "text"), swatch(i, label(u)), element("td", direction, "text"), number(packets), number(8 * bytes), number(flows), number(active),
          total ? `${(100 * bytes / total).toFixed(0)} %` : "–"]);
      });
    }
  }
  fill($("now").tBodies[0], lines);
  $("busy").textContent = second.busy ? `workers busy: ${second.busy.map(b => `${(100 * b).toFixed(0)} %`).join(", ")}` : "";
}

function drawLosses(second) {
  const box = $("losses");
  box.hidden = inexact === 0;
  if (!inexact) return;
  const where = (second.losses || []).map(l => `${l.cause} ${l.packets} at ${l.port !== undefined ? `port ${l.port}` : `worker ${l.worker}`}`);
  const all = `${inexact} second${inexact > 1 ? "s" : ""} so far, ${lost} packets lost`;
  box.textContent = second.exact ? `NOT exact: ${all}; the newest second is exact`
    : `NOT exact: ${where.join(", ") || "packets may be missing"} (${all})`;
}

function tellEvent(e) {
  const who = e.name !== undefined ? `AS${e.upstream} ${e.name}`.replace("AS0 ", "") : "", pct = x => `${(100 * x).toFixed(0)} %`;
  const other = label({ upstream: e.other, name: e.other_name });
  const texts = {
    upstream_appeared: () => `${who} appeared, ${pct(e.share)}`,
    upstream_vanished: () => `${who} vanished, had ${pct(e.share_before)}`,
    upstream_overtook: () => `${who} overtook ${other}, ${pct(e.share)} to ${pct(e.other_share)}`,
    attribution_disagreement: () => `${who}, routes say ${other}, ${pct(e.share)}`,
    share_shift: () => `${who} shifted from ${pct(e.share_before)} to ${pct(e.share)}`,
    target_dark: () => "dark", target_back: () => "back", loss: () => `loss: ${e.packets} packets`
  };
  return `${e.target ? `${e.target}: ` : ""}${(texts[e.event] || (() => e.event))()}`;
}

function drawEvents() {
  $("events").replaceChildren(...[...events].reverse().map(e => {
    const item = element("li", ""), time = element("time", utc(e.since));
    time.dateTime = new Date(e.since * 1000).toISOString();
    item.append(time, element("span", tellEvent(e) + (e.exact ? "" : " (not exact)"), e.event));
    return item;
  }));
  if (!events.length) $("events").append(element("li", "none so far"));
}

function draw() {
  timer = null;
  const second = seconds[seconds.length - 1];
  if (!second) return;
  $("clock").textContent = `${utc(second.time)} UTC`;
  $("rates").textContent = `${si(second.received.packets)} packets/s, ${si(8 * second.received.bytes, "bit/s")}, ` +
    `targets ${si(second.classes.target)} packets/s`;
  drawLosses(second);
  drawNow(second);
  drawCharts();
  if (performance.now() > peersAt) refreshPeers();
  document.body.dataset.time = second.time;
}

function soon() {
  if (timer === null) timer = setTimeout(draw, SOON);
}

// ---- links beside routes ----

const ALL = ["agree", "disagree", "undecided", "no_route"];

// Of the bytes so far; and of the IPv4 addresses, which upstream the routes give them.
function drawRouting(summary) {
  const pct = (part, total) => (total ? `${(100 * part / total).toFixed(1)} %` : "–");
  const shares = target => (summary.routes ? summary.routes.shares : []).filter(s => s.target === target && s.ip_version === 4);
  const lines = about.targets.map(target => {
    const found = (summary.routing || []).find(r => r.target === target), of = shares(target);
    const bytes = found ? ALL.reduce((n, key) => n + found[key].bytes, 0) : 0, addresses = of.reduce((n, s) => n + s.addresses, 0);
    return [element("td", target, "text"), ...ALL.map(key => pct(found ? found[key].bytes : 0, bytes)),
      element("td", of.map(s => `${label(s)} ${pct(s.addresses, addresses)}`).join(", "), "text")];
  });
  $("routing-part").hidden = !summary.routes && !summary.routing;
  fill($("routing").tBodies[0], lines);
}

// ---- what comes ----

const total = object => Object.values(object).reduce((n, value) => n + value, 0);

// Routes find upstreams as they come; a reload brings others, and targets.
function know(second) {
  for (const series of second.series) {
    if (!about.targets.includes(series.target)) {
      about.targets.push(series.target);
      $("target").append(element("option", series.target));
    }
    if (about.place.has(keyOf(series)) || keyOf(series) === "unknown") continue;
    about.place.set(keyOf(series), about.upstreams.push({ upstream: series.upstream, name: series.name, kind: "found" }));
    unmakeCharts();
    drawLegend();
  }
}

function drawLegend() {
  $("legend").replaceChildren(...upstreams().map((u, i) => {
    const item = element("li", ""), box = element("span", "", "swatch");
    box.style.background = colour(i);
    item.append(box, label(u));
    return item;
  }));
}

function add(second) {
  const last = seconds[seconds.length - 1];
  if (last && second.time <= last.time) return;
  know(second);
  seconds.push(second);
  if (second.time > about.last) { // else it is in the sums
    inexact += !second.exact;
    lost += total(second.dropped);
  }
  if (seconds.length > KEEP) seconds.shift();
}

function addEvent(event) {
  events.push(event);
  if (events.length > 1000) events.shift();
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ? body.error.message : answer.statusText);
  return body;
}

async function refreshPeers() {
  peersAt = performance.now() + 5000;
  try {
    const summary = await get("/api/v1/summary");
    fill($("peers").tBodies[0], summary.peers.map(p => [element("td", p.direction, "text"),
      element("td", p.asn ? `AS${p.asn}` : "unknown", "text"), element("td", p.name, "text"),
      number(p.packets), number(p.bytes, "B")]));
    drawRouting(summary);
  } catch (error) {
    state("disconnected", true);
  }
}

function state(text, bad = false) {
  $("state").textContent = text;
  $("state").className = bad ? "bad" : "";
}

function listen() {
  const last = seconds[seconds.length - 1];
  const source = new EventSource(`/api/v1/stream${last ? `?since=${last.time + 1}` : ""}`);
  source.addEventListener("open", () => state("connected"));
  source.addEventListener("second", message => { add(JSON.parse(message.data)); soon(); });
  source.addEventListener("event", message => { addEvent(JSON.parse(message.data)); drawEvents(); soon(); });
  source.addEventListener("end", () => { source.close(); peersAt = 0; soon(); state("the capture has come to its end"); });
  source.addEventListener("error", () => state("disconnected, trying again", true)); // it does so by itself
}

async function start() {
  try {
    about = await get("/api/v1/summary");
    about.upstreams = about.upstreams.filter(u => u.kind === "configured"); // others once they are seen
    about.place = new Map(about.upstreams.map((u, i) => [keyOf(u), i + 1]));
    inexact = about.inexact;
    lost = total(about.dropped);
    document.title = `${about.targets.join(", ")} – transitwatch`;
    $("target").replaceChildren(...about.targets.map(name => element("option", name)));
    drawLegend();
    for (const second of (await get(`/api/v1/seconds?since=${Math.max(0, about.last - KEEP + 1)}`)).seconds) add(second);
    for (const event of (await get("/api/v1/events")).events) addEvent(event);
    drawEvents();
    draw();
    listen();
  } catch (error) {
    state(`no answer: ${error.message}`, true);
    setTimeout(start, 3000);
  }
}

$("target").addEventListener("change", () => { drawEvents(); draw(); });
listenToHands();
$("explain").addEventListener("submit", async event => {
  event.preventDefault();
  const put = object => $("answer").replaceChildren(...Object.entries(object).flatMap(([key, value]) =>
    [element("dt", key), element("dd", typeof value === "object" ? JSON.stringify(value) : String(value))]));
  try {
    put(await get(`/api/v1/explain?ip=${encodeURIComponent($("ip").value.trim())}`));
  } catch (error) {
    put({ error: error.message });
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { unmakeCharts(); draw(); });
start();
