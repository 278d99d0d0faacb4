// SPDX-License-Identifier: BSD-3-Clause
"use strict";

// The two charts and the time that they show, by mouse, touch and keyboard. What is drawn, and everything named here that is
// not made here, is page.js's.

const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#8a6d3b"];
const GREY = "#8c939b";
const NARROWEST = 5000; // ms
const NAMED = 6; // upstreams whose numbers the pointer shows

const colour = i => (i === 0 ? GREY : OKABE_ITO[(i - 1) % OKABE_ITO.length]);
let charts = null;
let span = 0; // ms that are followed up to the newest second; 0: all
let fixed = null; // [from, to], where the time shown stands still

// ---- drawing ----

// Areas are stacked here, not by the library: what goes to the target grows upwards, what comes from it downwards.
function rows(target) {
  const rate = [], share = [], nothing = upstreams().map(() => 0);
  const silence = time => {
    rate.push([new Date(time * 1000), ...nothing, ...nothing]);
    share.push([new Date(time * 1000), ...nothing]);
  };
  let before = null;
  for (const second of seconds) {
    if (before !== null && second.time > before + 1) { // a gap in the record is no slope
      silence(before + 1);
      silence(second.time - 1);
    }
    before = second.time;
    const sums = bytesOf(second, target), total = sums.reduce((n, s) => n + s[0] + s[1], 0);
    const when = new Date(second.time * 1000);
    let to = 0, from = 0, percent = 0;
    const up = [], down = [], shares = [];
    for (const [b, c] of sums) {
      up.push(to += 8 * b);
      down.push(from -= 8 * c);
      shares.push(total ? (percent += 100 * (b + c) / total) : 0);
    }
    rate.push([when, ...up, ...down]);
    share.push([when, ...shares]);
  }
  return { rate, share };
}

// Fills between neighbouring lines, so that each upstream is one band; then what must be seen over them.
function band({ drawingContext: context, allSeriesPoints: all, seriesIndex, plotArea, dygraph }) {
  if (seriesIndex > 0) return; // all bands at once
  const n = upstreams().length, base = Math.min(Math.max(dygraph.toDomYCoord(0), plotArea.y), plotArea.y + plotArea.h);
  all.forEach((upper, s) => {
    const lower = s % n === 0 ? null : all[s - 1];
    context.fillStyle = colour(s % n);
    context.beginPath();
    for (const p of upper) context.lineTo(p.canvasx, p.canvasy);
    for (let k = upper.length - 1; k >= 0; k--) context.lineTo(upper[k].canvasx, lower ? lower[k].canvasy : base);
    context.closePath();
    context.fill();
  });
  shade(context, plotArea, dygraph);
  mark(context, plotArea, dygraph);
}

// Seconds that are not exact: paled, under a bar along the top. The bar tells them where a second is but a pixel wide.
function shade(context, area, graph) {
  const style = getComputedStyle(document.documentElement), paper = style.getPropertyValue("--paper"), warn = style.getPropertyValue("--warn");
  for (const second of seconds) {
    if (second.exact) continue;
    const left = graph.toDomXCoord((second.time - 0.5) * 1000), width = Math.max(2, graph.toDomXCoord((second.time + 0.5) * 1000) - left);
    context.globalAlpha = 0.6;
    context.fillStyle = paper;
    context.fillRect(left, area.y, width, area.h);
    context.globalAlpha = 1;
    context.fillStyle = warn;
    context.fillRect(left, area.y, width, 6);
  }
}

// Events: a dashed line at the second since when, with a flag on it.
function mark(context, area, graph) {
  context.save();
  context.strokeStyle = context.fillStyle = getComputedStyle(document.body).color;
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  for (const event of shownEvents()) {
    const x = Math.round(graph.toDomXCoord(event.since * 1000)) + 0.5;
    context.beginPath();
    context.moveTo(x, area.y);
    context.lineTo(x, area.y + area.h);
    context.stroke();
    context.beginPath();
    context.moveTo(x - 0.5, area.y + 6);
    context.lineTo(x + 7, area.y + 10);
    context.lineTo(x - 0.5, area.y + 14);
    context.fill();
  }
  context.restore();
}

// What the pointer is at.
function legend(data) {
  const made = document.createDocumentFragment();
  if (data.x === undefined) return made;
  const time = Math.round(data.x / 1000), second = seconds.find(s => s.time === time);
  made.append(element("div", `${utc(time)}${second && !second.exact ? ", not exact" : ""}`));
  const sums = second ? bytesOf(second, $("target").value) : [];
  sums.map(([to, from], i) => ({ to, from, i })).filter(s => s.to + s.from).sort((a, b) => b.to + b.from - a.to - a.from).slice(0, NAMED)
    .forEach(({ to, from, i }) => {
      const line = element("div", ""), box = element("span", "", "swatch");
      box.style.background = colour(i);
      line.append(box, `${label(upstreams()[i])}: to ${si(8 * to)}, from ${si(8 * from, "bit/s")}`);
      made.append(line);
    });
  for (const event of shownEvents().filter(e => e.since === time)) made.append(element("div", tellEvent(event), "flag"));
  return made;
}

function makeCharts() {
  const names = upstreams().map(label), style = getComputedStyle(document.documentElement);
  const { mousedown, dblclick, willDestroyContextMyself } = Dygraph.defaultInteractionModel;
  const common = {
    plotter: band, legend: "onmouseover", legendFormatter: legend, labelsUTC: true,
    gridLineColor: style.getPropertyValue("--line"), axisLineColor: style.getPropertyValue("--line"), highlightCircleSize: 0,
    animatedZooms: false, axisLabelWidth: 56, xRangePad: 0, strokeWidth: 0,
    interactionModel: { mousedown, dblclick, willDestroyContextMyself }, // touch is below, and leaves the page its scrolling
    zoomCallback: (from, to) => { if (from !== shown()[0] || to !== shown()[1]) show(from, to); } // else it was upwards
  };
  const { rate, share } = rows($("target").value);
  const unique = prefix => names.map((name, i) => `${prefix}${i} ${name}`);
  charts = {
    rate: new Dygraph($("rate"), rate, { ...common, labels: ["time", ...unique("to "), ...unique("from ")],
      axes: { y: { axisLabelFormatter: v => si(Math.abs(v)) } } }),
    share: new Dygraph($("share"), share, { ...common, labels: ["time", ...unique("")], valueRange: [0, 100.5] })
  };
}

function unmakeCharts() {
  if (!charts) return;
  charts.rate.destroy();
  charts.share.destroy();
  charts = null;
}

function drawCharts() {
  if (!charts) makeCharts();
  const { rate, share } = rows($("target").value), dateWindow = chosen();
  charts.rate.updateOptions({ file: rate, dateWindow });
  charts.share.updateOptions({ file: share, dateWindow });
}

// ---- the time shown ----

const oldest = () => (seconds.length ? seconds[0].time * 1000 : 0);
const newest = () => (seconds.length ? seconds[seconds.length - 1].time * 1000 : 0);
const chosen = () => fixed || (span ? [newest() - span, newest()] : null);
const shown = () => chosen() || [oldest(), newest()];

function press() {
  for (const button of document.querySelectorAll("[data-span]"))
    button.setAttribute("aria-pressed", String(!fixed && Number(button.dataset.span) * 1000 === span));
}

// Both charts show the same time; all of it goes on to grow.
function show(from, to) {
  const width = Math.max(to - from, NARROWEST), middle = (from + to) / 2;
  const left = Math.min(Math.max(middle - width / 2, oldest()), Math.max(newest() - width, oldest()));
  fixed = left <= oldest() && left + width >= newest() ? null : [left, left + width];
  span = 0;
  update();
}

// The newest seconds, as they come.
function followNewest(width) {
  fixed = null;
  span = width;
  update();
}

let drawing = 0;
function update() {
  press();
  if (!charts || drawing) return;
  drawing = requestAnimationFrame(() => {
    drawing = 0;
    if (!charts) return;
    for (const chart of [charts.rate, charts.share]) chart.updateOptions({ dateWindow: chosen() });
  });
}

function zoom(factor) {
  const [from, to] = shown(), half = (to - from) * factor / 2, middle = (from + to) / 2;
  if (span) followNewest(span * factor < newest() - oldest() ? Math.max(span * factor, NARROWEST) : 0);
  else show(middle - half, middle + half);
}

function pan(part) {
  const [from, to] = shown(), by = (to - from) * part;
  show(from + by, to + by);
}

function ends(first) {
  const [from, to] = shown();
  if (first) show(oldest(), oldest() + to - from);
  else if (chosen()) followNewest(to - from);
}

const KEYS = {
  "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "ArrowLeft": () => pan(-0.25), "ArrowRight": () => pan(0.25),
  "Home": () => ends(true), "End": () => ends(false), "0": () => followNewest(0), "Escape": () => followNewest(0)
};

// One finger moves, two stretch: the time that a finger came down on stays below it.
function touch(chart) {
  const fingers = new Map(); // id: { x, time }
  const settle = () => {
    const [from, to] = shown(), box = $(chart).getBoundingClientRect(), area = charts[chart].getArea();
    for (const finger of fingers.values()) finger.time = from + (to - from) * (finger.x - box.left - area.x) / area.w;
  };
  const leave = event => { if (fingers.delete(event.pointerId) && charts) settle(); };
  $(chart).addEventListener("pointerdown", event => {
    if (event.pointerType !== "touch" || !charts || fingers.size === 2) return;
    fingers.set(event.pointerId, { x: event.clientX });
    settle();
  });
  $(chart).addEventListener("pointermove", event => {
    const moved = fingers.get(event.pointerId);
    if (!moved || !charts || moved.x === event.clientX) return;
    moved.x = event.clientX;
    const [from, to] = shown(), box = $(chart).getBoundingClientRect(), area = charts[chart].getArea();
    const [a, b] = [...fingers.values()], at = x => (x - box.left - area.x) / area.w;
    let width = to - from;
    if (b && Math.abs(b.x - a.x) > 1 && (b.time - a.time) / (b.x - a.x) > 0) width = (b.time - a.time) * area.w / (b.x - a.x);
    width = Math.max(width, NARROWEST);
    if (b || chosen()) show(a.time - at(a.x) * width, a.time + (1 - at(a.x)) * width);
  });
  $(chart).addEventListener("pointerup", leave);
  $(chart).addEventListener("pointercancel", leave);
}

function listenToHands() {
  for (const chart of ["rate", "share"]) {
    touch(chart);
    $(chart).addEventListener("keydown", event => {
      if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey || !charts) return;
      event.preventDefault();
      KEYS[event.key]();
    });
  }
  for (const button of document.querySelectorAll("[data-span]"))
    button.addEventListener("click", () => followNewest(Number(button.dataset.span) * 1000));
  for (const button of document.querySelectorAll("[data-key]"))
    button.addEventListener("click", () => { if (charts) KEYS[button.dataset.key](); });
}
