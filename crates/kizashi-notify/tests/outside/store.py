"""A store that speaks Amazon's protocol, for the test beside it: prints its address and a key, then at each line it reads what it holds."""
import json
import os
import sys

# Four requests set it up; each one after them must be signed by the key that they made.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
address = "http://127.0.0.1:%d" % server.get_host_and_port()[1]


def client(kind, key="none", secret="none"):
    return boto3.client(
        kind, endpoint_url=address, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret
    )


client("s3").create_bucket(Bucket="kizashi")
iam = client("iam")
iam.create_user(UserName="sensor")
key = iam.create_access_key(UserName="sensor")["AccessKey"]
allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}]}
iam.put_user_policy(UserName="sensor", PolicyName="all", PolicyDocument=json.dumps(allowed))
print(address, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
store = client("s3", key["AccessKeyId"], key["SecretAccessKey"])
for _ in sys.stdin:
    held = store.list_objects_v2(Bucket="kizashi").get("Contents", [])
    content = {o["Key"]: store.get_object(Bucket="kizashi", Key=o["Key"])["Body"].read().decode("latin1") for o in held}
    print(json.dumps(content), flush=True)
