require "gem00"
require "gem29"

raise "a gem is not what it was" unless GEM00 + GEM29 == 29
puts "hello"
