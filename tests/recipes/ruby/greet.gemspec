# SPDX-License-Identifier: Apache-2.0
Gem::Specification.new do |s|
  s.name = "greet"
  s.version = "0.1.0"
  s.summary = "Greets"
  s.authors = ["Ambient"]
  s.files = ["test_greet.rb"]
end
