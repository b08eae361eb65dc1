const assert = require("node:assert");
const test = require("node:test");
const express = require("express");
const { capitalize } = require("lodash");

test("dependencies are there", () => {
  assert.strictEqual(capitalize("ada"), "Ada");
  assert.ok(express());
});
