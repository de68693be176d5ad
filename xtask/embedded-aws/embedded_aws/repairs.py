"""Every repair, by name, in the order they build on each other."""

from . import (
    lambda_deletion,
    lambda_environments,
    lambda_throttling,
    lambda_updates,
    s3_versions,
    stack_buckets,
    stack_changes,
    stack_deletion,
    stack_identity,
    stack_names,
    stack_roles,
    states_branches,
    states_executions,
    states_history,
    states_limits,
    states_map,
    states_paths,
)
from .settings import Settings

REPAIRS = {
    "lambda-environments": lambda_environments.install,
    "lambda-deletion": lambda_deletion.install,
    "lambda-updates": lambda_updates.install,
    "lambda-reserved-concurrency": lambda_throttling.install_reserved_concurrency,
    "lambda-throttle-error": lambda_throttling.install_throttle_error,
    "states-history": states_history.install,
    "states-ending": states_executions.install_ending,
    "states-timeout": states_executions.install_timeout,
    "states-start": states_executions.install_start,
    "states-description": states_executions.install_description,
    "states-map": states_map.install,
    "states-branches": states_branches.install,
    "states-paths": states_paths.install,
    "states-data-limit": states_limits.install,
    "stack-names": stack_names.install,
    "stack-identity": stack_identity.install,
    "stack-description": stack_identity.install_description,
    "stack-updatable": stack_changes.install_updatable,
    "stack-review": stack_changes.install_review,
    "stack-capabilities": stack_changes.install_capabilities,
    "stack-deletion": stack_deletion.install,
    "stack-resources": stack_deletion.install_resources,
    "stack-roles": stack_roles.install,
    "bucket-suspended-versioning": stack_buckets.install_suspended_versioning,
    "bucket-tags": stack_buckets.install_tags,
    "bucket-not-empty": stack_buckets.install_not_empty,
    "versions-listing": s3_versions.install_listing,
    "delete-limit": s3_versions.install_delete_limit,
}


def install(settings: Settings, without: list[str]) -> None:
    for name, repair in REPAIRS.items():
        if name not in without:
            repair(settings)
