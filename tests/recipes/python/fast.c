/* SPDX-License-Identifier: Apache-2.0 */
#include <Python.h>

static PyObject *one(PyObject *self, PyObject *arguments)
{
	(void)self;
	(void)arguments;
	return PyLong_FromLong(1);
}

static PyMethodDef methods[] = {{"one", one, METH_NOARGS, "One."}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "fast", .m_methods = methods};

PyMODINIT_FUNC PyInit_fast(void)
{
	return PyModule_Create(&module);
}
