"""Makes webhooks by the stock client and changes what they tell of: webhooks.py ADDRESS-OF-THE-LISTENER ADDRESS-THAT-HANGS"""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

url, hanging = sys.argv[1:]
client = MlflowClient()
events = ["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_alias.created", "model_version_alias.deleted", "prompt.created"]
hook = client.create_webhook("all", url, events, description="for all", secret="s3cret")
client.create_webhook("hangs", hanging, ["registered_model.created"])
resting = client.create_webhook("rests", f"{url}/rests", ["registered_model.created"], status="DISABLED")
assert [str(one) for one in client.get_webhook(hook.webhook_id).events] == events, hook
assert client.get_webhook(hook.webhook_id).secret is None
assert sorted(one.name for one in client.list_webhooks()) == ["all", "hangs", "rests"]
changed = client.update_webhook(resting.webhook_id, name="still", description="rests on")
assert (changed.name, changed.description, str(changed.status)) == ("still", "rests on", "DISABLED")
for arguments in (("a b", url, events), ("ok", "ftp://x/y", events), ("ok", "http://u:p@x/y", events), ("", url, events)):
    try:
        client.create_webhook(*arguments)
        raise SystemExit(f"taken: {arguments}")
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", error
client.create_registered_model("churn", tags={"a": "b"}, description="who leaves")
client.create_model_version("churn", "s3://bucket/model", tags={"k": "v"})
client.set_model_version_tag("churn", "1", "key", "value")
client.set_registered_model_alias("churn", "live", "1")
client.delete_registered_model_alias("churn", "live")
mlflow.genai.register_prompt("greeting", "Hi {{name}}", tags={"author": "a"})
tried = client.test_webhook(hook.webhook_id, event="model_version.created")
assert (tried.success, tried.response_status, tried.response_body) == (True, 200, "heard"), tried
tried = client.test_webhook(client.create_webhook("gone", hanging, ["prompt.created"]).webhook_id)
assert not tried.success and "no answer within" in tried.error_message, tried
client.delete_webhook(resting.webhook_id)
assert len(client.list_webhooks()) == 3
print("ok")
