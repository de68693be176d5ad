// The function's entry: the published handler.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { handler as published } from "@hyperframes/aws-lambda/handler";

// Frames with alpha reach ffmpeg as PNG, which the ZIP's usual one doesn't decode. A ZIP
// for such formats has a second one; the renderer looks for it in this variable.
const forAlpha = join(process.env.LAMBDA_TASK_ROOT ?? "/var/task", "bin/ffmpeg-alpha");

export function handler(event, context) {
  const { Format, Config } = event.Payload ?? event;
  delete process.env.HYPERFRAMES_FFMPEG_PATH;
  if (["webm", "mov"].includes(Format ?? Config?.format) && existsSync(forAlpha)) {
    process.env.HYPERFRAMES_FFMPEG_PATH = forAlpha;
  }
  return published(event, context);
}
