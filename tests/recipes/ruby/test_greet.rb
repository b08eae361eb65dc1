# SPDX-License-Identifier: Apache-2.0
require "minitest/autorun"

class TestGreet < Minitest::Test
  def test_greets
    assert_match(/^hello/, "hello from Ruby")
  end
end
