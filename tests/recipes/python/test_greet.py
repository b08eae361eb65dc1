# SPDX-License-Identifier: Apache-2.0
from greet import greeting


def test_greeting():
    assert greeting().startswith("hello")
