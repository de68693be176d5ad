// Stages what the function's ZIP holds, `bin/ffmpeg` and `bin/ffprobe` apart:
//
//   bun run bundle.ts <staging-dir>
//
// The staged bytes depend on bun's version, bun.lock and this folder's files alone,
// not on where the repository lies, so that equal inputs give equal ZIPs.

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { BunPlugin } from "bun";

const CHROMIUM = "node_modules/@sparticuz/chromium";
const PRODUCER = "node_modules/@hyperframes/producer";

// Imported at run time inside try/catch, with a fallback when absent: for puppeteer
// that is the puppeteer-core which the producer inlines.
const OPTIONAL = ["puppeteer", "proxy-agent", "yauzl", "canvas", "bufferutil", "utf-8-validate"];

// Some inlined CommonJS reads these three at module scope, and ES modules lack them.
const COMMONJS_GLOBALS = `
import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;
`.trim();

// The producer imports esbuild and never calls it: the code that would, building
// its browser runtime from source, is shaken out of the published package.
const withoutEsbuild: BunPlugin = {
  name: "without-esbuild",
  setup(build) {
    build.onResolve({ filter: /^esbuild$/ }, () => ({ path: "esbuild", namespace: "absent" }));
    build.onLoad({ filter: /.*/, namespace: "absent" }, () => ({
      loader: "js",
      contents: `
        const absent = () => { throw new Error("esbuild is not part of this bundle"); };
        export { absent as buildSync, absent as transformSync };
      `,
    }));
  },
};

const staging = stagingFolder();
// Bun writes the modules' paths into comments, relative to the working directory.
process.chdir(import.meta.dir);
try {
  await bundle("index.mjs", { external: ["@sparticuz/chromium", ...OPTIONAL] });
  await stageChromium();
  stageRuntime();
  await stagePackageJson();
} catch (error) {
  // A half-filled folder must not be packed by mistake.
  rmSync(staging, { recursive: true, force: true });
  throw error;
}

function stagingFolder(): string {
  const [argument] = process.argv.slice(2);
  if (!argument) {
    console.error("usage: bun run bundle.ts <staging-dir>");
    process.exit(2);
  }
  const folder = resolve(argument);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    console.error(`${folder} is not empty`);
    process.exit(2);
  }
  return folder;
}

/** Bundles a module and all that it imports into one file of the same path. */
async function bundle(path: string, options: { external: string[] }): Promise<void> {
  const result = await Bun.build({
    entrypoints: [path],
    target: "node",
    format: "esm",
    banner: COMMONJS_GLOBALS,
    plugins: [withoutEsbuild],
    ...options,
  });
  const code = await result.outputs[0].text();
  if (code.includes(import.meta.dir)) {
    throw new Error(`the bundle of ${path} names ${import.meta.dir}: its bytes would depend on the folder`);
  }
  const target = join(staging, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code);
}

// Stays a package of its own because it looks for its `bin` folder relative to its
// module; what it imports is inlined there.
async function stageChromium(): Promise<void> {
  await bundle(`${CHROMIUM}/build/esm/index.mjs`, { external: [] });
  for (const part of ["bin", "package.json", "LICENSE"]) {
    cpSync(`${CHROMIUM}/${part}`, join(staging, CHROMIUM, part), { recursive: true });
  }
}

// The producer looks for these next to the module that it is bundled into.
function stageRuntime(): void {
  for (const file of ["hyperframe.manifest.json", "hyperframe.runtime.iife.js"]) {
    cpSync(`${PRODUCER}/dist/${file}`, join(staging, file));
  }
}

// The producer reads its version from the nearest package.json that bears its
// name; without one every plan says 0.0.0-unknown.
async function stagePackageJson(): Promise<void> {
  const { name, version } = await Bun.file(`${PRODUCER}/package.json`).json();
  const contents = { name, version, private: true, type: "module" };
  writeFileSync(join(staging, "package.json"), JSON.stringify(contents, null, 2) + "\n");
}
