"""How a repair takes the place of an emulator function."""

import sys
from types import ModuleType


def replace(owner: ModuleType, name: str, replacement):
    """Put `replacement` wherever the emulator refers to `owner.name`; return the original.

    The emulator's modules import each other's functions by name and keep them in
    action tables, so setting the one attribute would leave most callers on the original.
    """
    original = getattr(owner, name)
    setattr(owner, name, replacement)
    for module in list(sys.modules.values()):
        if not getattr(module, "__name__", "").startswith("ministack"):
            continue
        for attribute, value in list(vars(module).items()):
            if value is original:
                setattr(module, attribute, replacement)
            elif type(value) is dict:
                _replace_in_table(value, original, replacement)
    return original


def _replace_in_table(table: dict, original, replacement) -> None:
    for key, value in list(table.items()):
        if value is original:
            table[key] = replacement


def wrap_resource_handler(resource_type: str, operation: str, wrapper):
    """Run `wrapper(original, *arguments)` for a CloudFormation type's create, update or delete."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handlers[operation]
    handlers[operation] = lambda *arguments, **named: wrapper(original, *arguments, **named)


def after_create_and_update(resource_type: str, apply) -> None:
    """Run `apply(name, properties)` when CloudFormation has created or updated a resource of this type."""

    def create(original, logical_id, properties, *of_stack, **named):
        name, attributes = original(logical_id, properties, *of_stack, **named)
        apply(name, properties)
        return name, attributes

    def update(original, physical_id, old, new, *of_stack, **named):
        name, attributes = original(physical_id, old, new, *of_stack, **named)
        apply(name, new)
        return name, attributes

    wrap_resource_handler(resource_type, "create", create)
    wrap_resource_handler(resource_type, "update", update)
