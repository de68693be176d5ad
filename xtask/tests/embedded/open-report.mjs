// Opens pages in headless Chromium, as their readers will, and says what it met.
//
//   node open-report.mjs --handler <dir> [--screenshots <dir>] [--drive] [--axe <axe.min.js>] <report.html>...
//
// The browser comes from <dir>/node_modules: @sparticuz/chromium and puppeteer-core.
// stdout carries one line of JSON: for each page what was wrong, in words, and how long it took.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values: options, positionals: reports } = parseArgs({
  options: { handler: { type: "string" }, screenshots: { type: "string" }, drive: { type: "boolean" }, axe: { type: "string" } },
  allowPositionals: true,
});

// The browser unpacks itself and its libraries into a folder of this process's own.
const scratch = mkdtempSync(join(tmpdir(), "open-report-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
process.env.TMPDIR = process.env.HOME = scratch;
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs22.x";
// The machine may have no font at all; without one every text is as wide as nothing.
const { useUnpackedFonts } = await import("../../in-process/fontconfig.mjs");
useUnpackedFonts();

const from = createRequire(join(resolve(options.handler), "package.json"));
const load = async (name) => (await import(pathToFileURL(from.resolve(name)))).default;
const chromium = await load("@sparticuz/chromium");
const puppeteer = await load("puppeteer-core");

const axe = options.axe && readFileSync(options.axe, "utf8");
const WIDTHS = [360, 1280];
const SCHEMES = ["light", "dark"];
const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  args: chromium.args,
  headless: "shell",
});
const met = [];
try {
  for (const report of reports) met.push(await meet(pathToFileURL(resolve(report)).href));
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(met) + "\n");

async function meet(address) {
  const collected = { wrong: [], openMs: 0 };
  for (const width of WIDTHS) for (const scheme of SCHEMES) await look(address, collected, width, scheme);
  await print(address, collected);
  if (options.drive) await drive(address, collected);
  return collected;
}

// Uses the first player, the line between two pictures, and a link to a frame, by mouse and by keys.
async function drive(address, collected) {
  const { wrong } = collected;
  const page = await open(address, collected, "driven", 1280, "light", true);
  const expect = async (what, expected, look, ...args) => {
    const found = await page.evaluate(look, ...args);
    if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push(`driven: ${what} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
  };
  const at = (frame) => page.waitForFunction(
    (frame) => {
      const { fps } = document.querySelector(".player").dataset;
      return [...document.querySelectorAll(".player:first-of-type video")].every(
        (video) => !video.seeking && video.readyState >= 2 && Math.floor(video.currentTime * fps) === frame,
      );
    },
    { timeout: 20_000 },
    frame,
  ).catch(() => wrong.push(`driven: the videos do not show frame ${frame}`));
  const output = () => document.querySelector(".player output").textContent.split(",")[0];
  await page.evaluate(() => document.querySelectorAll("details").forEach((folded) => (folded.open = true)));
  await expect("what is read before anyone asks", [0, 0], () => [...document.querySelectorAll(".player video")].slice(0, 2).map((video) => video.readyState));

  await page.click(".player [data-do=on]");
  await expect("the frame after a step", "frame 1", output);
  await at(1);
  await page.focus(".player input[type=range]");
  await page.keyboard.press("ArrowRight");
  await expect("the frame after a key", "frame 2", output);
  await at(2);
  await page.click(".player [data-do=difference]");
  await expect("the blending", "difference", () => getComputedStyle(document.querySelectorAll(".player video")[1]).mixBlendMode);
  await page.click(".player [data-do=difference]");
  await page.click(".player [data-do=play]");
  await page.waitForFunction(() => document.querySelector(".player video").currentTime > 0.2, { timeout: 20_000 })
    .catch(() => wrong.push("driven: it does not play"));
  await page.click(".player [data-do=back]");
  await expect("playing after a step back", [true, true], () => [...document.querySelectorAll(".player video")].slice(0, 2).map((video) => video.paused));

  await page.focus(".swipe input");
  await page.keyboard.press("End");
  await expect("the picture at the end of the line", "inset(0px 0px 0px 100%)", () => document.querySelectorAll(".both img")[1].style.clipPath);

  const render = await page.evaluate(() => document.querySelector(".render:has(.player)").id);
  await page.evaluate((render) => { document.getElementById(render).open = false; location.hash = `#${render},5`; }, render);
  await at(5);
  await expect("the render of a link", true, (render) => document.getElementById(render).open, render);
  if (options.screenshots) await page.screenshot({ path: join(options.screenshots, "driven.png") });
  await page.close();
}

async function look(address, collected, width, scheme) {
  const { wrong } = collected;
  const at = `${width} px, ${scheme}`;
  const page = await open(address, collected, at, width, scheme);
  await page.evaluate(() => document.querySelectorAll("details").forEach((folded) => (folded.open = true)));
  const found = await page.evaluate(faults);
  wrong.push(...found.map((fault) => `${at}: ${fault}`));
  if (axe && width > 1000 && scheme === "light") {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
    const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    wrong.push(...serious.map(({ id, help, nodes }) => `${at}: axe: ${id}, ${help}: ${nodes[0].html}`));
  }
  if (options.screenshots) {
    mkdirSync(options.screenshots, { recursive: true });
    await page.reload();
    await page.screenshot({ path: join(options.screenshots, `${width}-${scheme}.png`), fullPage: true });
  }
  await page.close();
}

async function open(address, collected, at, width, scheme, plays = false) {
  const { wrong } = collected;
  const page = await browser.newPage();
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) wrong.push(`${at}: the console says ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`${at}: ${error}`));
  page.on("request", (request) => {
    const isVideo = request.url().startsWith(new URL(".", address).href) && /\.(mp4|webm)$/.test(request.url());
    const own = request.url() === address || request.url().startsWith("data:") || (plays && isVideo);
    if (!own) wrong.push(`${at}: it asks for ${request.url()}`);
  });
  const started = performance.now();
  await page.goto(address, { waitUntil: "load" });
  // Until it is painted, not only read.
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  collected.openMs = Math.max(collected.openMs, Math.round(performance.now() - started));
  return page;
}

async function print(address, collected) {
  const { wrong } = collected;
  const page = await open(address, collected, "print", 1280, "dark");
  await page.emulateMediaType("print");
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  if (ground !== "rgb(255, 255, 255)") wrong.push(`print: the paper is ${ground}`);
  const folded = await page.evaluate(() => {
    const plots = [...document.querySelectorAll("details:not([open]) svg.plot")];
    return plots.filter((plot) => !plot.checkVisibility({ contentVisibilityAuto: true })).length;
  });
  if (folded) wrong.push(`print: ${folded} plots are folded away`);
  // A page of a thousand chunks takes half a minute to print on two cores, and a time is no assertion.
  const pdf = await page.pdf({ format: "A4", timeout: 180_000 });
  if (pdf.length < 10_000) wrong.push(`print: the PDF has ${pdf.length} bytes`);
  await page.close();
}

// Runs in the page. Gives what is wrong with it, a line each.
function faults() {
  const faults = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(`the page is ${wide} px wider than the window`);

  const plots = [...document.querySelectorAll("svg.plot")];
  if (plots.length === 0) faults.push("there is no plot");
  for (const plot of plots) {
    const name = plot.getAttribute("aria-label");
    const box = plot.getBoundingClientRect();
    if (!name || plot.getAttribute("role") !== "img") faults.push("a plot has no name");
    if (box.width < 100 || box.height < 30) faults.push(`${name}: it is ${box.width} x ${box.height} px`);
    const marks = [...plot.querySelectorAll(".mark")];
    if (marks.length === 0) faults.push(`${name}: nothing is drawn`);
    const shapes = marks.flatMap((mark) => (mark.matches("g") ? [...mark.querySelectorAll("path, circle")] : [mark]));
    const unseen = shapes.filter((shape) => ["fill", "stroke"].every((paint) => getComputedStyle(shape)[paint] === "none"));
    if (unseen.length) faults.push(`${name}: ${unseen.length} of ${marks.length} marks have no color`);
    const inside = (mark) => {
      const { left, right, top, bottom } = mark.getBoundingClientRect();
      return left >= box.left - 8 && right <= box.right + 8 && top >= box.top - 8 && bottom <= box.bottom + 8;
    };
    const outside = marks.filter((mark) => !inside(mark)).length;
    if (outside) faults.push(`${name}: ${outside} of ${marks.length} marks lie outside`);
    for (const text of plot.querySelectorAll("text")) {
      const { left, right } = text.getBoundingClientRect();
      if (right > left && (left < -0.5 || right > innerWidth + 0.5)) faults.push(`${name}: "${text.textContent}" is cut off`);
    }
  }
  for (const image of document.images) {
    if (!image.complete || image.naturalWidth === 0) faults.push("an image does not show");
    if (!image.alt) faults.push("an image has no words");
  }

  // Headings go down one step at a time.
  let last = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const level = Number(heading.tagName[1]);
    if (level > last + 1) faults.push(`${heading.textContent}: h${level} follows on h${last}`);
    last = level;
  }
  for (const landmark of ["header", "nav", "main", "footer"]) {
    if (document.querySelectorAll(`body > ${landmark}`).length !== 1) faults.push(`there is not one ${landmark}`);
  }

  const color = (text) => {
    const [r, g, b, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, alpha };
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = color(getComputedStyle(at).backgroundColor);
      if (found.alpha > 0) return found;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("title, style, desc")) continue;
    const style = getComputedStyle(element);
    const ink = color(element.closest("svg") ? style.fill : style.color);
    const [light, dark] = [luminance(ink), luminance(ground(element))].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) poor.add(`${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""} ${contrast.toFixed(2)}`);
  }
  faults.push(...[...poor].map((text) => `too little contrast: ${text}`));

  // What scrolls can be reached by keys.
  for (const box of document.querySelectorAll("*")) {
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX === "auto" && box.tabIndex < 0) {
      faults.push(`${box.tagName} scrolls, but not by keys`);
    }
  }
  return faults;
}
