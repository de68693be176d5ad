"""Credentials, permissions and regions."""

import json
import unittest
import urllib.error
import urllib.request

from parts import invoke_state
from support import AwsCase

READING = """
import { createHash, createHmac } from "node:crypto";
export async function handler({ bucket }) {
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const url = new URL(`${AWS_ENDPOINT_URL}/${bucket}`);
  const now = new Date().toISOString().replace(/[-:]|\\.\\d+/g, "");
  const sha = (text) => createHash("sha256").update(text).digest("hex");
  const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
  const headers = { host: url.host, "x-amz-content-sha256": sha(""), "x-amz-date": now };
  if (AWS_SESSION_TOKEN) headers["x-amz-security-token"] = AWS_SESSION_TOKEN;
  const names = Object.keys(headers).sort();
  const signed = names.join(";");
  const request = ["GET", url.pathname, "", ...names.map((name) => `${name}:${headers[name]}`), "", signed, sha("")].join("\\n");
  const scope = `${now.slice(0, 8)}/${AWS_REGION}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", now, scope, sha(request)].join("\\n");
  const key = scope.split("/").reduce(hmac, "AWS4" + AWS_SECRET_ACCESS_KEY);
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  delete headers.host;
  const answer = await fetch(url, { headers });
  return { status: answer.status, region: AWS_REGION };
}
"""


class Enforced(AwsCase):
    arguments = ("--enforce-iam",)

    def test_unknown_key_is_refused_in_each_service_s_own_words(self):
        stranger = {"key": "AKIASTRANGER00000000", "secret": "x"}
        for service, operation, code in (
            ("sts", "get_caller_identity", "InvalidClientTokenId"),
            ("s3", "list_buckets", "InvalidAccessKeyId"),
            ("cloudformation", "list_stacks", "InvalidClientTokenId"),
            ("stepfunctions", "list_state_machines", "UnrecognizedClientException"),
        ):
            with self.subTest(service):
                self.assert_refused(code, getattr(self.client(service, **stranger), operation))

    def test_user_without_permission(self):
        iam = self.client("iam")
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
        identity = {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
        self.assertIn("user/nobody", self.client("sts", **identity).get_caller_identity()["Arn"])
        self.assert_refused("AccessDenied", self.client("s3", **identity).list_buckets)

    def test_expired_session(self):
        session = self.client("sts").assume_role(RoleArn=self.caller_role(), RoleSessionName="run")["Credentials"]
        identity = {"key": session["AccessKeyId"], "secret": session["SecretAccessKey"], "token": session["SessionToken"]}
        self.client("s3", **identity).list_buckets()
        self.assertGreaterEqual(self.hook("expire-sessions")["expired"], 1)
        self.assert_refused("ExpiredToken", self.client("s3", **identity).list_buckets)

    def test_function_acts_as_its_role_even_when_sessions_expire(self):
        s3 = self.client("s3")
        for bucket in ("allowed", "forbidden"):
            s3.create_bucket(Bucket=bucket)
        allow = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::allowed"}
        role = self.role("reader", {"Version": "2012-10-17", "Statement": [allow]})
        self.function("reading", READING, role=role)
        self.assertEqual(self.invoke("reading", {"bucket": "allowed"})[0]["status"], 200)
        self.assertEqual(self.invoke("reading", {"bucket": "forbidden"})[0]["status"], 403)
        self.hook("expire-sessions")
        self.assertEqual(self.invoke("reading", {"bucket": "allowed"})[0]["status"], 200)

    def caller_role(self) -> str:
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        iam.create_role(RoleName="caller", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.put_role_policy(RoleName="caller", PolicyName="all", PolicyDocument=json.dumps(everything))
        return "arn:aws:iam::123456789012:role/caller"

    def hook(self, name: str) -> dict:
        request = urllib.request.Request(f"{self.aws.endpoint}/_emu/{name}", b"", method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def test_unknown_hook(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.hook("anything")
        self.assertEqual(caught.exception.code, 404)


class OtherRegion(AwsCase):
    """Requests signed for a region other than the launcher's own."""

    region = "eu-west-1"

    def client(self, service: str, **named):
        return super().client(service, **{"region": self.region, **named})

    def test_everything_happens_there(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": self.region})
        self.assertEqual(s3.get_bucket_location(Bucket="abroad")["LocationConstraint"], self.region)
        arn = self.function("abroad", READING)
        self.assertIn(f":{self.region}:", arn)
        machine = self.machine("abroad", {"StartAt": "Call", "States": {"Call": invoke_state(arn)}})
        ended = self.finished(self.start(machine, {"bucket": "abroad"}))
        self.assertEqual(ended["status"], "SUCCEEDED", ended)
        self.assertEqual(json.loads(ended["output"])["payload"], {"status": 200, "region": self.region})
        self.assertIn("/aws/lambda/abroad", self.log_groups())
        home = super().client("lambda")
        self.assert_refused("ResourceNotFoundException", home.get_function, FunctionName="abroad")

    def test_stack(self):
        self.assertEqual(self.stack("abroad", {"Bucket": {"Type": "AWS::S3::Bucket"}}), "CREATE_COMPLETE")
        self.assertEqual(self.delete_stack("abroad"), "gone")


if __name__ == "__main__":
    unittest.main()
