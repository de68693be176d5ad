"""Each repair has tests that fail without it."""

import inspect
import sys
import unittest
from pathlib import Path

import support
import test_buckets
import test_lambda
import test_stacks
import test_states
import test_throttling
from support import LAUNCH, Aws, RepairCase

sys.path.insert(0, str(LAUNCH.parent))


def repair_cases() -> dict[str, type[RepairCase]]:
    modules = (test_buckets, test_lambda, test_stacks, test_states, test_throttling)
    classes = [value for module in modules for value in vars(module).values() if inspect.isclass(value)]
    return {case.repair: case for case in classes if issubclass(case, RepairCase) and hasattr(case, "repair")}


class RepairsAreNeeded(unittest.TestCase):
    def test_every_repair_has_tests(self):
        source = Path(LAUNCH.parent, "embedded_aws", "repairs.py").read_text()
        for repair in repair_cases():
            self.assertIn(f'"{repair}":', source)
        self.assertEqual(source.count(".install"), len(repair_cases()))


def without(repair: str, case: type[RepairCase]):
    def test(self):
        aws = Aws("--without", repair).ready()
        self.addCleanup(aws.stop)
        broken = type(f"{case.__name__}Without", (case,), {"setUpClass": classmethod(lambda cls: setattr(cls, "aws", aws))})
        result = unittest.TestResult()
        result.failfast = True
        unittest.TestLoader().loadTestsFromTestCase(broken).run(result)
        self.assertTrue(result.failures or result.errors, f"{case.__name__} passes without {repair}")

    return test


for _repair, _case in repair_cases().items():
    setattr(RepairsAreNeeded, f"test_without_{_repair.replace('-', '_')}", without(_repair, _case))


if __name__ == "__main__":
    unittest.main()
