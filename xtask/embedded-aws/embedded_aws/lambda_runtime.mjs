// The Lambda Node.js runtime: one JSON request a line in, one JSON answer a line out.

import fs from "node:fs";
import { Socket } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const [requestFd, answerFd] = process.env._EMBEDDED_AWS_PIPES.split(",").map(Number);
delete process.env._EMBEDDED_AWS_PIPES;
const STDOUT = 1;
let requestId = "";

useLambdaConsole();
process.on("uncaughtException", endWith("Runtime.UncaughtException"));
process.on("unhandledRejection", endWith("Runtime.UnhandledPromiseRejection"));

const handler = await loadHandler().catch((error) => {
  answer({ initError: errorBody(error) });
  process.exit(1);
});
answer({ ready: true });

const requests = new Socket({ fd: requestFd, readable: true, writable: false });
for await (const line of createInterface({ input: requests, crlfDelay: Infinity })) {
  const { event, context } = JSON.parse(line);
  requestId = context.requestId;
  setTraceId(context.traceId);
  try {
    const result = await invoke(handler, event, contextObject(context));
    answer({ result: result === undefined ? null : result });
  } catch (error) {
    const body = errorBody(error);
    const { errorType, errorMessage, trace: stack } = body;
    console.error("Invoke Error", "\t" + JSON.stringify({ errorType, errorMessage, stack }));
    answer({ error: body });
  }
}
// The launcher closed the pipe or is gone.
process.exit(0);

async function loadHandler() {
  const dot = process.env._HANDLER.lastIndexOf(".");
  const file = process.env._HANDLER.slice(0, dot);
  const name = process.env._HANDLER.slice(dot + 1);
  const base = path.resolve(process.env.LAMBDA_TASK_ROOT, file);
  const found = ["", ".js", ".mjs", ".cjs"].map((extension) => base + extension).find(isFile);
  if (!found) throw named("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
  const module = await importModule(found);
  const handler = module[name] ?? module.default?.[name];
  if (handler === undefined)
    throw named("Runtime.HandlerNotFound", `${process.env._HANDLER} is undefined or not exported`);
  if (typeof handler !== "function")
    throw named("Runtime.HandlerNotFound", `${process.env._HANDLER} is not a function`);
  return handler;
}

function isFile(candidate) {
  return fs.statSync(candidate, { throwIfNoEntry: false })?.isFile() ?? false;
}

async function importModule(file) {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(error, { name: "Runtime.UserCodeSyntaxError" });
    if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "MODULE_NOT_FOUND")
      throw Object.assign(named("Runtime.ImportModuleError", `Error: ${error.message}`), { stack: error.stack });
    throw error;
  }
}

function named(name, message) {
  return Object.assign(new Error(message), { name });
}

function invoke(handler, event, context) {
  if (handler.length < 3) return handler(event, context);
  return new Promise((resolve, reject) => {
    const returned = handler(event, context, (error, value) => (error ? reject(error) : resolve(value)));
    if (typeof returned?.then === "function") returned.then(resolve, reject);
  });
}

function contextObject({ functionArn, deadlineMs }) {
  const env = process.env;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: undefined,
    identity: undefined,
    invokedFunctionArn: functionArn,
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function setTraceId(traceId) {
  if (traceId) process.env._X_AMZN_TRACE_ID = traceId;
  else delete process.env._X_AMZN_TRACE_ID;
}

function errorBody(error) {
  if (error instanceof Error || (typeof error === "object" && error !== null && "message" in error)) {
    return {
      errorType: String(error.name ?? "Error"),
      errorMessage: String(error.message ?? ""),
      trace: String(error.stack ?? "").split("\n"),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function endWith(errorType) {
  return (error) => {
    const errorMessage = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    try {
      answer({ error: { ...errorBody(error), errorType, errorMessage }, fatal: true });
    } finally {
      process.exit(129);
    }
  };
}

function answer(message) {
  const text = Buffer.from(JSON.stringify(message) + "\n");
  // Everything the handler logged lies before this mark, so the launcher need not guess when the log ends.
  writeFully(STDOUT, Buffer.from(`\0${requestId}\n`));
  writeFully(answerFd, text);
}

function writeFully(fd, bytes) {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += fs.writeSync(fd, bytes, written);
    } catch (error) {
      // A handler that uses process.stdout leaves the pipe in non-blocking mode.
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function useLambdaConsole() {
  const levels = { log: "INFO", info: "INFO", debug: "DEBUG", warn: "WARN", error: "ERROR", trace: "TRACE" };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...values) => {
      const text = format(...values).replaceAll("\n", "\r");
      writeFully(STDOUT, Buffer.from(`${new Date().toISOString()}\t${requestId || "undefined"}\t${level}\t${text}\n`));
    };
  }
}
