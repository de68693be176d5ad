"""Resources whose name is taken."""

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, iam, lambda_svc, stepfunctions

from .patching import wrap_resource_handler
from .settings import Settings


def install(settings: Settings) -> None:
    """A resource with the name of an existing one fails with CREATE_FAILED, and its stack rolls back.

    AWS: a stack never takes over what another stack, or nobody, made.
    Emulator: the second stack overwrites the first one's resource, and deletes it when it goes.
    """
    _refuse_taken("AWS::Lambda::Function", "FunctionName", lambda name: name in lambda_svc._functions)
    _refuse_taken("AWS::StepFunctions::StateMachine", "StateMachineName", _state_machine_exists)
    _refuse_taken("AWS::Logs::LogGroup", "LogGroupName", lambda name: name in cloudwatch_logs._log_groups)
    _refuse_taken("AWS::IAM::Role", "RoleName", lambda name: name in iam._roles)
    _refuse_taken("AWS::CloudWatch::Alarm", "AlarmName", lambda name: name in cloudwatch._alarms)


def _refuse_taken(resource_type: str, property_name: str, exists) -> None:
    def create(original, logical_id, properties, stack_name):
        name = properties.get(property_name)
        if name and exists(name):
            raise ValueError(f"Resource of type '{resource_type}' with identifier '{name}' already exists.")
        return original(logical_id, properties, stack_name)

    wrap_resource_handler(resource_type, "create", create)


def _state_machine_exists(name: str) -> bool:
    arn = f"arn:aws:states:{get_region()}:{get_account_id()}:stateMachine:{name}"
    return arn in stepfunctions._state_machines
