"""What is left of a function once it is deleted: nothing."""

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

from .patching import replace, wrap_resource_handler
from .settings import Settings


def install(settings: Settings) -> None:
    """Deleting a function with its stack ends its environments, and nothing is logged for it afterwards.

    AWS: environments of a deleted function are torn down; the execution role goes with the
    stack, so a late invocation has no permission to create the log group again.
    Emulator: CloudFormation leaves the processes running, invocations included, and the end of
    such an invocation creates the deleted log group again.
    """

    def delete(original, physical_id, properties):
        original(physical_id, properties)
        lambda_runtime.invalidate_worker(physical_id, account=get_account_id(), region=get_region())

    wrap_resource_handler("AWS::Lambda::Function", "delete", delete)
    log = lambda_svc._emit_lambda_logs

    def log_while_it_exists(func: dict, *arguments, **named) -> None:
        if (func.get("config") or func).get("FunctionName") in lambda_svc._functions:
            log(func, *arguments, **named)

    replace(lambda_svc, "_emit_lambda_logs", log_while_it_exists)
