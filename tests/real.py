"""Whether the real wheels are on this machine; tests never fetch them."""

import pytest
from distilbook.text import wheels


def needs_wheel(distribution: str) -> None:
    """Skip the calling test unless the wheel is in the cache already."""
    pin = wheels.pin(distribution)
    if not any(wheels.wheels_folder().glob(pin.files)):
        pytest.skip(f"the wheel of {pin} is not in {wheels.wheels_folder()}")
