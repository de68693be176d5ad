// Renders one composition folder in this process: the baseline that the function's
// renders are measured against.
//
//   node --experimental-import-meta-resolve render.mjs --packages <dir>
//     --project <dir> --output <file> --fps <30 | 30000/1001>
//     [--format mp4|mov|webm|png-sequence] [--quality draft|standard|high]
//     [--variables <json>] [--hdr] [--workers <n>]
//
// The renderer and @sparticuz/chromium are those that a package in the folder
// `packages` would import, ffmpeg and ffprobe come from PATH. Progress goes to stderr;
// stdout carries one line of JSON that says what rendered what. The last lines of a failure
// on stderr say why: from "error: " on.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { useUnpackedFonts } from "./fontconfig.mjs";

const options = readOptions();

// Chromium, its libraries and every cache of the renderer land in a folder of this
// process's own: two renders that shared one would race to unpack the browser.
const scratch = mkdtempSync(join(tmpdir(), "render-in-process-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
process.env.TMPDIR = scratch;
process.env.HOME = scratch;
// Makes @sparticuz/chromium unpack the shared libraries it carries for Lambda, so
// that the machine needs none of a browser's packages.
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs22.x";
useUnpackedFonts();

// The renderer reports on stdout too, which belongs to the result. What the browser
// reported last often explains a failure.
const report = console.error.bind(console);
let lastOfBrowser;
console.log = console.info = console.debug = console.error = (...words) => {
  const line = words.join(" ");
  if (/\[(Browser:(ERROR|PAGEERROR|REQUESTFAILED|HTTP\d+)|FrameCapture:ERROR)\]/.test(line)) lastOfBrowser = line;
  report(...words);
};

const cancelled = new AbortController();
for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]]) {
  process.once(signal, () => {
    process.exitCode = 128 + number;
    cancelled.abort();
  });
}

try {
  const { default: chromium } = await load("@sparticuz/chromium");
  const browser = await chromium.executablePath();
  process.env.PRODUCER_HEADLESS_SHELL_PATH = browser;
  const { createConsoleLogger, createRenderJob, executeRenderJob } = await load("@hyperframes/producer");

  const job = createRenderJob({
    fps: options.fps,
    quality: options.quality,
    format: options.format,
    variables: options.variables,
    workers: options.workers,
    hdrMode: options.hdr ? "force-hdr" : "force-sdr",
    useGpu: false,
    logger: createConsoleLogger("warn"),
  });
  const started = performance.now();
  await executeRenderJob(job, options.project, options.output, showProgress, cancelled.signal);
  const durationMs = Math.round(performance.now() - started);
  for (const warning of job.warnings) console.error(`warning: ${JSON.stringify(warning)}`);

  const result = {
    producerVersion: producerVersion(),
    ffmpegVersion: firstLine(process.env.HYPERFRAMES_FFMPEG_PATH || "ffmpeg", "-version"),
    chromiumVersion: firstLine(browser, "--version"),
    nodeVersion: process.version,
    quality: options.quality,
    frames: job.totalFrames,
    durationMs,
  };
  process.stdout.write(JSON.stringify(result) + "\n");
} catch (error) {
  report(error);
  report(`error: ${chainOf(error)}`);
  if (lastOfBrowser) report(`the browser's last error: ${lastOfBrowser}`);
  process.exitCode ||= 1;
}
// The renderer keeps its browser pool alive; nothing is left to wait for.
process.exit();

function chainOf(error) {
  const messages = [];
  for (let cause = error; cause && messages.length < 9; cause = cause.cause) {
    const message = cause.message ?? String(cause);
    if (!messages.some((known) => known.includes(message))) messages.push(message);
  }
  return (error?.code ? `${error.code}: ` : "") + messages.join(": ");
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        packages: { type: "string" },
        project: { type: "string" },
        output: { type: "string" },
        fps: { type: "string" },
        format: { type: "string", default: "mp4" },
        quality: { type: "string", default: "high" },
        variables: { type: "string" },
        hdr: { type: "boolean", default: false },
        workers: { type: "string" },
      },
    });
    for (const name of ["packages", "project", "output", "fps"]) {
      if (!values[name]) throw new Error(`--${name} is missing`);
    }
    oneOf("format", values.format, ["mp4", "mov", "webm", "png-sequence"]);
    oneOf("quality", values.quality, ["draft", "standard", "high"]);
    const fps = /^([1-9]\d*)(?:\/([1-9]\d*))?$/.exec(values.fps);
    if (!fps) throw new Error(`--fps ${values.fps} is neither a whole number nor a fraction`);
    if (values.workers && !/^[1-9]\d*$/.test(values.workers)) throw new Error(`--workers ${values.workers} is no count`);
    if (!statSync(join(values.project, "index.html"), { throwIfNoEntry: false })?.isFile()) {
      throw new Error(`${values.project} holds no index.html`);
    }
    return {
      ...values,
      project: resolve(values.project),
      output: resolve(values.output),
      fps: { num: Number(fps[1]), den: Number(fps[2] ?? 1) },
      variables: values.variables && JSON.parse(values.variables),
      workers: values.workers && Number(values.workers),
    };
  } catch (error) {
    console.error(`render.mjs: ${error.message}`);
    process.exit(2);
  }
}

function oneOf(name, value, choices) {
  if (!choices.includes(value)) throw new Error(`--${name} ${value} is none of ${choices.join(", ")}`);
}

// Where the importing package in the folder would find it.
function resolvePackage(name) {
  return import.meta.resolve(name, pathToFileURL(join(resolve(options.packages), "package.json")));
}

async function load(name) {
  try {
    return await import(resolvePackage(name));
  } catch (error) {
    throw new Error(`${name} can't be loaded from ${options.packages}`, { cause: error });
  }
}

function showProgress(job, message) {
  console.error(`${String(Math.round(job.progress)).padStart(3)}% ${message}`);
}

function producerVersion() {
  const manifest = new URL("../package.json", resolvePackage("@hyperframes/producer"));
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}

function firstLine(program, argument) {
  return execFileSync(program, [argument], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .split("\n")[0]
    .trim();
}
