"""What the tests of data share; its place lets those in folders below import ``real``."""

import pytest
from distilbook.core.config import BookError


@pytest.fixture
def message():
    """Return the whole text of the error that a call ends with."""

    def of(call, *arguments, **named) -> str:
        with pytest.raises(BookError) as error:
            call(*arguments, **named)
        return str(error.value)

    return of
