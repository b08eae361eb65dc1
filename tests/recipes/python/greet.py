# SPDX-License-Identifier: Apache-2.0
import fast


def greeting():
    return "hello from Python" * fast.one()
