# SPDX-License-Identifier: Apache-2.0
from setuptools import Extension, setup

setup(name="greet", version="0.1.0", py_modules=["greet"], ext_modules=[Extension("fast", ["fast.c"])])
