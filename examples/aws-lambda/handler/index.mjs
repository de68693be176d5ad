// The function's entry: the published handler.
export { handler } from "@hyperframes/aws-lambda/handler";
