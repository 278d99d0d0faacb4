// SPDX-License-Identifier: BSD-3-Clause
// The page in a real browser: node test_page.js PLAYWRIGHT URL FOLDER. Prints a line for each failure.
"use strict";

const [playwright, url, folder] = process.argv.slice(2);
const { chromium } = require(playwright);
const failures = [];
const must = (condition, what) => { if (!condition) failures.push(what); };
const get = async path => (await fetch(new URL(path, url))).json();

async function look(browser, width, height, colorScheme) {
  const name = `${width}x${height}-${colorScheme}`;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  const hosts = new Set();
  page.on("console", message => must(!["error", "warning"].includes(message.type()), `${name}: console: ${message.text()}`));
  page.on("pageerror", error => must(false, `${name}: ${error}`));
  page.on("request", request => { if (!request.url().startsWith("data:")) hosts.add(new URL(request.url()).host); });
  await page.goto(url);
  const { seconds } = await get("/api/v1/seconds"), { events } = await get("/api/v1/events");
  const last = seconds[seconds.length - 1];
  await page.waitForFunction(time => document.body.dataset.time === String(time), last.time, { timeout: 20000 });

  // Charts are drawn, in more than one colour.
  for (const id of ["rate", "share"]) {
    const colours = await page.evaluate(chart => {
      const found = new Map();
      for (const canvas of document.querySelectorAll(`#${chart} canvas`)) {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4)
          if (data[i + 3] > 200) {
            const key = `${data[i]},${data[i + 1]},${data[i + 2]}`;
            found.set(key, (found.get(key) || 0) + 1);
          }
      }
      return Object.fromEntries(found);
    }, id);
    must(colours["0,114,178"] > 500 && colours["230,159,0"] > 500, `${name}: ${id} is not drawn: ${JSON.stringify(colours).slice(0, 200)}`);
  }
  // The table says what the API says.
  const rows = await page.$$eval("#now tbody tr", found => found.map(row => [...row.cells].map(cell => cell.textContent)));
  for (const row of rows) {
    const [target, who, direction, packets] = row;
    const asn = Number((who.match(/^AS(\d+)/) || [0, 0])[1]);
    const sum = last.series.filter(s => s.target === target && s.upstream === asn && s.direction === direction)
      .reduce((n, s) => n + s.packets, 0);
    must(Number(packets) === sum, `${name}: ${row}: the API has ${sum}`);
  }
  must(rows.length === 4, `${name}: ${rows.length} rows`);
  const told = await page.$$eval("#events li", found => found.map(item => item.textContent));
  must(told.length === events.length && told.some(text => text.includes("overtook")), `${name}: events: ${told}`);
  must((await page.$$("#peers tbody tr")).length > 10, `${name}: no far ends`);
  must(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: wider than the screen`);
  // Names are text.
  must(await page.evaluate(() => !window.hacked && !document.querySelector("#legend b, #now b, #events b")), `${name}: a name is markup`);
  must((await page.textContent("#legend")).includes("<b onclick"), `${name}: the awkward name is not shown`);
  // By keyboard alone.
  await page.focus("#ip");
  await page.keyboard.type("175.45.176.1");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("answer").textContent.includes("131279"), null, { timeout: 5000 });
  await page.click("[data-span='600']");
  must(await page.getAttribute("[data-span='600']", "aria-pressed") === "true", `${name}: the span is not pressed`);
  await page.click("[data-span='0']");
  must([...hosts].every(host => host === new URL(url).host), `${name}: it asks ${[...hosts]}`);
  await page.screenshot({ path: `${folder}/page-${name}.png` });
  await page.close();
}

(async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    await look(browser, 1280, 800, "light");
    await look(browser, 1280, 800, "dark");
    await look(browser, 320, 640, "light");
  } catch (error) {
    must(false, String(error));
  }
  await browser.close();
  for (const failure of failures) console.log(failure);
  process.exit(failures.length ? 1 : 0);
})();
