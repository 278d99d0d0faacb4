// SPDX-License-Identifier: BSD-3-Clause
// The page in a real browser: node test_page.js PLAYWRIGHT URL FOLDER SCENE. Prints a line for each failure.
"use strict";

const [playwright, url, folder, scene] = process.argv.slice(2);
const { chromium } = require(playwright);
const failures = [];
const must = (condition, what) => { if (!condition) failures.push(what); };
const get = async path => (await fetch(new URL(path, url))).json();
const near = (a, b, by) => Math.abs(a - b) <= by;

// Whatever the browser complains of, and whomever it asks, is a failure.
async function open(browser, name, options) {
  const page = await browser.newPage(options);
  page.on("console", message => must(!["error", "warning"].includes(message.type()), `${name}: console: ${message.text()}`));
  page.on("pageerror", error => must(false, `${name}: ${error}`));
  page.on("request", request => must(request.url().startsWith("data:") || new URL(request.url()).host === new URL(url).host,
    `${name}: it asks ${request.url()}`));
  await page.addInitScript(() => {
    window.violations = [];
    window.peek = (graph, x, y, width, height) => { // pixels, by way of a canvas made to be read
      const copy = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
      copy.drawImage(graph.hidden_, x, y, width, height, 0, 0, width, height);
      return copy.getImageData(0, 0, width, height);
    };
    document.addEventListener("securitypolicyviolation", e => window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  await page.goto(url);
  return page;
}

async function close(page, name) {
  const violations = await page.evaluate(() => window.violations);
  must(violations.length === 0, `${name}: against the policy: ${violations}`);
  must(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: wider than the screen`);
  await page.screenshot({ path: `${folder}/page-${name}.png` });
  await page.close();
}

const drawn = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));

// What the page shows at one moment.
const state = page => page.evaluate(() => ({
  time: Number(document.body.dataset.time),
  table: [...document.querySelectorAll("#now tbody tr")].map(row => [...row.cells].map(cell => cell.title || cell.textContent)),
  rate: charts.rate.rawData_.map(row => [row[0], ...row.slice(1)]),
  share: charts.share.rawData_.map(row => [row[0], ...row.slice(1)]),
  shown: charts.rate.xAxisRange(), same: String(charts.rate.xAxisRange()) === String(charts.share.xAxisRange()),
  clock: document.getElementById("clock").textContent, banner: document.getElementById("losses").hidden ? "" : document.getElementById("losses").textContent
}));

const sumOf = (second, key, asn, direction) => second.series.filter(s => s.upstream === asn && s.direction === direction)
  .reduce((n, s) => n + s[key], 0);

// The table and every point of both charts are the API's seconds.
function compare(name, now, seconds, asns) {
  const last = seconds[seconds.length - 1];
  must(last.time === now.time, `${name}: the page is at ${now.time}, the API's second is of ${last.time}`);
  must(now.clock.startsWith(new Date(last.time * 1000).toISOString().slice(0, 19).replace("T", " ")), `${name}: the clock says ${now.clock}`);
  for (const [target, who, direction, ...numbers] of now.table) {
    const asn = Number((who.match(/^AS(\d+)/) || [0, 0])[1]);
    const right = [sumOf(last, "packets", asn, direction), 8 * sumOf(last, "bytes", asn, direction), sumOf(last, "flows", asn, direction),
      sumOf(last, "active_flows", asn, direction)];
    must(target === "KP" && right.join() === numbers.slice(0, 4).map(Number).join(), `${name}: ${now.time}: ${[who, direction, ...numbers]}: the API has ${right}`);
  }
  must(now.table.length >= 2 * (asns.length - 1), `${name}: ${now.table.length} rows`);
  const start = Math.max(0, seconds.length - 3600); // the page keeps an hour
  const expected = seconds.slice(start).map(second => {
    const sums = asns.map(asn => [sumOf(second, "bytes", asn, "to"), sumOf(second, "bytes", asn, "from")]);
    const all = sums.reduce((n, s) => n + s[0] + s[1], 0);
    let to = 0, from = 0, part = 0;
    return { rate: [1000 * second.time, ...sums.map(s => to += 8 * s[0]), ...sums.map(s => from -= 8 * s[1])],
      share: [1000 * second.time, ...sums.map(s => (all ? part += 100 * (s[0] + s[1]) / all : 0))] };
  });
  must(now.rate.length === expected.length, `${name}: ${now.rate.length} points, the API has ${expected.length}`);
  for (const chart of ["rate", "share"]) {
    const wrong = expected.findIndex((e, i) => !now[chart][i] || e[chart].some((value, k) => !near(value, now[chart][i][k], 1e-6)));
    must(wrong < 0, `${name}: ${chart}: point ${wrong} is ${now[chart][wrong]}, the API has ${wrong >= 0 && expected[wrong][chart]}`);
  }
}

// Columns of the plot in which `colour` takes at least `part` of the height between two places.
const columns = (page, chart, colour, top, bottom, part) => page.evaluate(([id, rgb, from, to, least]) => {
  const graph = charts[id], area = graph.getArea(), height = to > 0 ? to - from : area.h - from;
  const { data, width } = peek(graph, area.x, area.y + from, area.w, height);
  const found = [];
  for (let x = 0; x < width; x++) {
    let n = 0;
    for (let y = 0; y < height; y++) n += rgb.every((value, k) => Math.abs(data[4 * (y * width + x) + k] - value) < 8);
    if (n >= least * height) found.push(x + area.x);
  }
  return found;
}, [chart, colour, top, bottom, part]);

const ink = { light: [27, 31, 36], dark: [227, 231, 236] }, warn = { light: [179, 38, 30], dark: [217, 83, 74] };
const clusters = xs => xs.filter((x, i) => i === 0 || x > xs[i - 1] + 1).length;

// Each event is marked at its second, and nothing else is.
async function seeEvents(page, name, events, scheme) {
  for (const { since } of events) {
    const expected = await page.evaluate(time => {
      show((time - 15) * 1000, (time + 15) * 1000);
      return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
        const [from, to] = charts.rate.xAxisRange();
        done([...new Set(events.map(e => e.since))].filter(t => t * 1000 > from && t * 1000 < to).map(t => Math.round(charts.rate.toDomXCoord(t * 1000))));
      })));
    }, since);
    for (const chart of ["rate", "share"]) {
      const found = await columns(page, chart, ink[scheme], 16, 0, 0.35);
      must(expected.length > 0 && expected.every(x => found.includes(x)) && found.every(x => expected.some(e => near(e, x, 1))),
        `${name}: ${chart}: around ${since} marks at ${found}, events are at ${expected}`);
      const flags = clusters(await columns(page, chart, ink[scheme], 6, 14, 0.9));
      must(flags >= 1 && flags <= expected.length, `${name}: ${chart}: ${flags} flags of ${expected.length} events`);
    }
  }
  await page.evaluate(() => followNewest(0));
  await drawn(page);
}

async function zoomByKeyboard(page, name) {
  const all = (await state(page)).shown, width = now => now.shown[1] - now.shown[0];
  const press = async key => { await page.keyboard.press(key); await drawn(page); const now = await state(page); must(now.same, `${name}: the charts show two times`); return now; };
  // By Tab alone from the list of targets to the chart.
  await page.focus("#target");
  for (let i = 0; i < 20 && await page.evaluate(() => document.activeElement.id) !== "rate"; i++) await page.keyboard.press("Tab");
  must(await page.evaluate(() => document.activeElement.id === "rate" && getComputedStyle(document.activeElement).outlineStyle !== "none"),
    `${name}: the chart is not reached by Tab, or does not look so`);
  let now = await press("+");
  must(near(width(now), (all[1] - all[0]) / 2, 1) && near(now.shown[0] + now.shown[1], all[0] + all[1], 2), `${name}: + shows ${now.shown} of ${all}`);
  const left = await press("ArrowLeft");
  must(near(left.shown[0], now.shown[0] - width(now) / 4, 1) && near(width(left), width(now), 1), `${name}: left shows ${left.shown}`);
  must(String((await press("ArrowRight")).shown) === String(now.shown), `${name}: right does not undo left`);
  must((await press("Home")).shown[0] === all[0], `${name}: Home is not the oldest second`);
  must((await press("End")).shown[1] === all[1], `${name}: End is not the newest second`);
  for (let i = 0; i < 20; i++) now = await press("+");
  must(width(now) === 5000, `${name}: it zooms in to ${width(now)} ms`);
  must(near(width(await press("-")), 10000, 1), `${name}: - does not zoom out`);
  must(String((await press("Escape")).shown) === String(all), `${name}: Escape does not show all`);
  await page.focus("[data-key='+']");
  must(width(await press("Enter")) < all[1] - all[0], `${name}: the button does not zoom`);
  await page.click("[data-span='600']");
  await drawn(page);
  must(await page.getAttribute("[data-span='600']", "aria-pressed") === "true" && width(await state(page)) === 600000, `${name}: not ten minutes`);
  await page.click("[data-span='0']");
  await drawn(page);
  must(String((await state(page)).shown) === String(all), `${name}: all is not all`);
}

// By mouse, a range; twice on it, all.
async function zoomByMouse(page, name) {
  const all = (await state(page)).shown, box = await page.locator("#share").boundingBox();
  const middle = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.5, middle);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, middle, { steps: 5 });
  await page.mouse.up();
  await drawn(page);
  const now = await state(page);
  must(now.same && near((now.shown[1] - now.shown[0]) / (all[1] - all[0]), 0.27, 0.03), `${name}: the mouse shows ${now.shown} of ${all}`);
  await page.mouse.move(box.x + box.width * 0.6, middle);
  must((await page.textContent("#share .dygraph-legend")).includes("AS20485"), `${name}: no numbers under the pointer`);
  await page.mouse.dblclick(box.x + box.width * 0.6, middle);
  await drawn(page);
  must(String((await state(page)).shown) === String(all), `${name}: a double click does not show all`);
}

// Fingers as the browser gets them from a touch screen.
async function zoomByTouch(page, name) {
  const session = await page.context().newCDPSession(page);
  await page.locator("#rate").scrollIntoViewIfNeeded();
  const all = (await state(page)).shown, box = await page.locator("#rate").boundingBox(), y = box.y + box.height / 2;
  const area = await page.evaluate(() => charts.rate.getArea()), x = part => box.x + area.x + area.w * part;
  const touch = (type, ...parts) => session.send("Input.dispatchTouchEvent", { type, touchPoints: parts.map((part, id) => ({ x: x(part), y, id })) });
  const time = (now, part) => now.shown[0] + (now.shown[1] - now.shown[0]) * part;
  await touch("touchStart", 0.4, 0.6);
  for (let i = 1; i <= 10; i++) await touch("touchMove", 0.4 - 0.03 * i, 0.6 + 0.03 * i);
  await touch("touchEnd");
  await drawn(page);
  const wide = await state(page), second = (all[1] - all[0]) / area.w * 3;
  must(wide.same && near(time(wide, 0.1), time({ shown: all }, 0.4), second) && near(time(wide, 0.9), time({ shown: all }, 0.6), second),
    `${name}: two fingers show ${wide.shown} of ${all}`);
  await touch("touchStart", 0.8);
  for (let i = 1; i <= 10; i++) await touch("touchMove", 0.8 - 0.04 * i);
  await touch("touchEnd");
  await drawn(page);
  const moved = await state(page);
  must(near(time(moved, 0.4), time(wide, 0.8), second) && near(moved.shown[1] - moved.shown[0], wide.shown[1] - wide.shown[0], 1),
    `${name}: a finger shows ${moved.shown}, before ${wide.shown}`);
  // Up and down, the page is scrolled and the chart stays.
  const before = await page.evaluate(() => scrollY);
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: x(0.5), y }] });
  for (let i = 1; i <= 12; i++) {
    await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x: x(0.5), y: y - 10 * i }] });
    await page.waitForTimeout(16);
  }
  await touch("touchEnd");
  await page.waitForFunction(y => scrollY > y + 50, before, { timeout: 3000 }).catch(() => must(false, `${name}: the page cannot be scrolled with a finger on the chart`));
  must(String((await state(page)).shown) === String(moved.shown), `${name}: scrolling moves the time`);
  await page.tap("[data-span='0']");
  await drawn(page);
  must(String((await state(page)).shown) === String(all), `${name}: a tap does not show all`);
  await page.evaluate(() => scrollTo(0, 0));
}

// The whole capture is read.
async function look(browser, width, height, colorScheme) {
  const name = `${width}x${height}-${colorScheme}`, hasTouch = width < 500;
  const page = await open(browser, name, { viewport: { width, height }, colorScheme, hasTouch });
  const { seconds } = await get("/api/v1/seconds"), { events } = await get("/api/v1/events");
  const last = seconds[seconds.length - 1];
  await page.waitForFunction(time => document.body.dataset.time === String(time), last.time, { timeout: 20000 });
  compare(name, await state(page), seconds, [0, 4837, 20485]);
  for (const chart of ["rate", "share"])
    for (const colour of [[0, 114, 178], [230, 159, 0]])
      must((await columns(page, chart, colour, 0, 0, 0.05)).length > 30, `${name}: ${chart}: ${colour} is not drawn`);
  must((await columns(page, "rate", warn[colorScheme], 0, 5, 0.9)).length === 0, `${name}: exact seconds are shaded`);
  must((await state(page)).banner === "", `${name}: losses of an exact capture`);
  const told = await page.$$eval("#events li", found => found.map(item => item.textContent));
  must(told.length === events.length && told.some(text => text.includes("overtook")), `${name}: events: ${told}`);
  must((await page.$$("#peers tbody tr")).length > 10, `${name}: no far ends`);
  await seeEvents(page, name, events, colorScheme);
  await zoomByKeyboard(page, name);
  await (hasTouch ? zoomByTouch : zoomByMouse)(page, name);
  must(!(await page.isVisible("#routing-part")), `${name}: routes are shown where there are none`);
  // Names are text.
  must(await page.evaluate(() => !window.hacked && !document.querySelector("#legend b, #now b, #events b, .chart b[onclick]")), `${name}: a name is markup`);
  must((await page.textContent("#legend")).includes("<b onclick"), `${name}: the awkward name is not shown`);
  await page.focus("#ip");
  await page.keyboard.type("175.45.176.1");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("answer").textContent.includes("131279"), null, { timeout: 5000 });
  await page.evaluate(() => scrollTo(0, 0));
  await close(page, name);
}

// While the capture is read, the chart grows, and whenever one looks, it holds what the API does.
async function running(browser) {
  const name = "running", page = await open(browser, name, { viewport: { width: 320, height: 640 }, colorScheme: "dark" });
  await page.waitForFunction(() => document.body.dataset.time, null, { timeout: 20000 });
  let before = 0, looks = 0;
  for (; looks < 6; looks++) {
    const now = await state(page), all = (await get("/api/v1/seconds")).seconds;
    must(now.rate.length > before, `${name}: the chart does not grow from ${before} seconds on`);
    must(now.shown[0] === 1000 * all[0].time && now.shown[1] === 1000 * now.time, `${name}: ${now.shown} is not all that was read`);
    compare(`${name} ${looks}`, now, all.filter(s => s.time <= now.time), [0, 4837, 20485]);
    before = now.rate.length;
    await page.waitForTimeout(800);
  }
  must(!(await get("/api/v1/summary")).ended, `${name}: the replay came to its end before it was looked at ${looks} times`);
  // What is zoomed into stays where it is, what is followed moves on.
  await page.focus("#rate");
  await page.keyboard.press("+");
  await drawn(page);
  const still = await state(page);
  await page.waitForFunction(time => Number(document.body.dataset.time) > time + 20, still.time, { timeout: 5000 });
  must(String((await state(page)).shown) === String(still.shown), `${name}: the time shown runs away`);
  await page.keyboard.press("End");
  await drawn(page);
  const followed = await state(page);
  await page.waitForFunction(time => Number(document.body.dataset.time) > time + 20, followed.time, { timeout: 5000 });
  const later = await state(page);
  must(later.shown[1] === 1000 * later.time && later.shown[1] - later.shown[0] === followed.shown[1] - followed.shown[0], `${name}: the newest second is not followed`);
  await page.keyboard.press("0");
  await page.waitForFunction(() => document.getElementById("state").textContent.includes("come to its end"), null, { timeout: 60000 });
  await page.waitForTimeout(600);
  const { seconds } = await get("/api/v1/seconds");
  compare(`${name} to the end`, await state(page), seconds, [0, 4837, 20485]);
  must((await page.$$("#events li")).length === (await get("/api/v1/events")).events.length, `${name}: events are missing`);
  await close(page, name);
}

// A live run that loses packets now and then.
async function losses(browser, colorScheme) {
  const name = `losses-${colorScheme}`, page = await open(browser, name, { viewport: { width: 1024, height: 700 }, colorScheme });
  await page.waitForFunction(() => /imissed \d+ at port 0/.test(document.getElementById("losses").textContent), null, { timeout: 30000 });
  await page.waitForFunction(() => /the newest second is exact/.test(document.getElementById("losses").textContent), null, { timeout: 30000 });
  const box = await page.evaluate(() => ({ hidden: document.getElementById("losses").hidden, role: document.getElementById("losses").getAttribute("role"),
    back: getComputedStyle(document.getElementById("losses")).backgroundColor, top: document.getElementById("losses").getBoundingClientRect().top }));
  must(!box.hidden && box.role === "alert" && box.back === `rgb(${warn[colorScheme].join(", ")})` && box.top < 200, `${name}: the banner is not in plain sight: ${JSON.stringify(box)}`);
  await page.click("[data-span='60']");
  await drawn(page);
  // Drawing and what was drawn, at one moment: no second comes in between.
  const seen = await page.evaluate(() => {
    draw();
    const flags = {};
    for (const id of ["rate", "share"]) {
      const graph = charts[id], area = graph.getArea(), [from] = graph.xAxisRange();
      flags[id] = seconds.filter(s => s.time * 1000 > from && s.time * 1000 < graph.xAxisRange()[1]).map(s => {
        const at = y => [...peek(graph, Math.round(graph.toDomXCoord(s.time * 1000)) - 4, y, 1, 1).data].slice(0, 3).join(", ");
        return { time: s.time, exact: s.exact, top: at(area.y + 2) };
      });
    }
    return { flags, banner: document.getElementById("losses").textContent, time: Number(document.body.dataset.time) };
  });
  const { seconds } = await get("/api/v1/seconds"), until = seconds.filter(s => s.time <= seen.time), lost = until.filter(s => !s.exact);
  const packets = lost.reduce((n, s) => n + Object.values(s.dropped).reduce((a, b) => a + b, 0), 0);
  must(seen.banner.includes(`${lost.length} second`) && seen.banner.includes(`${packets} packets lost`), `${name}: ${seen.banner}: the API has ${lost.length} seconds, ${packets} packets`);
  for (const [chart, flags] of Object.entries(seen.flags)) {
    must(flags.some(f => f.exact) && flags.some(f => !f.exact), `${name}: ${chart}: seconds of one kind alone`);
    for (const flag of flags) {
      must(flag.exact === until.find(s => s.time === flag.time).exact, `${name}: ${flag.time}: the API says otherwise`);
      must((flag.top === warn[colorScheme].join(", ")) === !flag.exact, `${name}: ${chart}: ${JSON.stringify(flag)}`);
    }
  }
  must(until.some(s => s.series.length > 0) && (await columns(page, "share", [0, 114, 178], 20, 0, 0.1)).length > 5, `${name}: no traffic is drawn`);
  const { events } = await get("/api/v1/events"), loss = events.find(e => e.event === "loss");
  must(loss && (await page.textContent("#events")).includes(`loss: ${loss.packets} packets`), `${name}: no event tells the loss: ${JSON.stringify(events)}`);
  await close(page, name);
}

(async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    if (scene === "whole") {
      await look(browser, 1280, 800, "light");
      await look(browser, 1280, 800, "dark");
      await look(browser, 320, 640, "light");
      await look(browser, 320, 640, "dark");
    } else if (scene === "running") {
      await running(browser);
    } else {
      await losses(browser, "light");
      await losses(browser, "dark");
    }
  } catch (error) {
    must(false, error.stack);
  }
  await browser.close();
  for (const failure of failures) console.log(failure);
  process.exit(failures.length ? 1 : 0);
})();
