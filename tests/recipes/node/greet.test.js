// SPDX-License-Identifier: Apache-2.0
const test = require("node:test");
const assert = require("node:assert");

test("greets", () => assert.match("hello from Node", /^hello/));
