// Keeps the handler's contract without rendering: the video it "assembles" lies in
// the ZIP. What goes wrong is asked for by Config.variables.standIn, so that one
// ZIP serves every test:
//   {"throwIn": "renderChunk"}   that action throws STAND_IN_FAILURE
//   {"startMs": 500}             a new environment takes that much longer for its first plan
//   {"chunkMs": 5000}            every chunk takes that long
//   {"audioMs": 5000}            mixing the sound takes that long
//   {"video": "other.mp4"}       another video of the ZIP is delivered
//   {"framesEncoded": 59}        what Assemble claims
import fs from "node:fs";
import path from "node:path";

const endpoint = process.env.AWS_ENDPOINT_URL;

let isNew = true;

export async function handler(event) {
  // Before the time that the handler reports, as a start is.
  if (isNew) await new Promise((done) => setTimeout(done, event.Config?.variables?.standIn?.startMs ?? 0));
  isNew = false;
  const started = Date.now();
  const answer = await actions[event.Action](event);
  return { ...answer, Action: event.Action, DurationMs: Date.now() - started };
}

const actions = {
  async plan({ PlanProtocol, PlanOutputS3Prefix, Config }) {
    const standIn = Config.variables?.standIn ?? {};
    misbehave("plan", standIn);
    const frames = standIn.frames ?? 60;
    const manifest = `${PlanOutputS3Prefix}plan.json`;
    await put(manifest, JSON.stringify({ standIn, frames, chunkSize: Config.chunkSize }));
    const locators = PlanProtocol === "v2"
      ? { PlanV2ManifestS3Uri: manifest, PlanV2ArtifactS3Prefix: PlanOutputS3Prefix }
      : { PlanS3Uri: manifest, AudioS3Uri: null };
    return {
      ...locators, PlanProtocol, PlanHash: "0".repeat(64), ChunkCount: Math.ceil(frames / Config.chunkSize),
      TotalFrames: frames, Fps: Config.fps, Width: Config.width, Height: Config.height, Format: Config.format,
      HasAudio: false, FfmpegVersion: "none", ProducerVersion: "stand-in",
    };
  },
  async renderChunk(event) {
    const { standIn, frames, chunkSize } = await planOf(event);
    misbehave("renderChunk", standIn);
    await new Promise((done) => setTimeout(done, standIn.chunkMs ?? 0));
    const uri = `${event.ChunkOutputS3Prefix}chunk-${event.ChunkIndex}.mp4`;
    await put(uri, "chunk");
    const FramesEncoded = Math.min(chunkSize, frames - event.ChunkIndex * chunkSize);
    return { ChunkS3Uri: uri, ChunkIndex: event.ChunkIndex, Sha256: "0".repeat(64), FramesEncoded };
  },
  async mixAudio(event) {
    const { standIn } = await planOf(event);
    misbehave("mixAudio", standIn);
    await new Promise((done) => setTimeout(done, standIn.audioMs ?? 0));
    return { AudioS3Uri: null };
  },
  async assemble(event) {
    const { standIn, frames } = await planOf(event);
    misbehave("assemble", standIn);
    const video = fs.readFileSync(path.join(process.env.LAMBDA_TASK_ROOT, standIn.video ?? "baseline.mp4"));
    await put(event.OutputS3Uri, video);
    return { OutputS3Uri: event.OutputS3Uri, FramesEncoded: standIn.framesEncoded ?? frames, FileSize: video.length };
  },
};

async function planOf(event) {
  const response = await request(event.PlanV2ManifestS3Uri ?? event.PlanS3Uri, {});
  return response.json();
}

function misbehave(action, standIn) {
  if (standIn.throwIn === action) {
    const error = new Error(`asked to fail in ${action}`);
    error.name = "STAND_IN_FAILURE";
    throw error;
  }
}

async function put(uri, body) {
  await request(uri, { method: "PUT", body });
}

// Unsigned, which the emulator of these tests takes.
async function request(uri, init) {
  const response = await fetch(`${endpoint}/${uri.slice("s3://".length)}`, init);
  if (!response.ok) throw new Error(`${init.method ?? "GET"} ${uri}: ${response.status}`);
  return response;
}
