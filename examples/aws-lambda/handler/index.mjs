// The function's entry: the published handler, once Chromium's fonts are in reach.
import { useUnpackedFonts } from "./fontconfig.mjs";

useUnpackedFonts();

export { handler } from "@hyperframes/aws-lambda/handler";
