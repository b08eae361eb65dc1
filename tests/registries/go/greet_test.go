package greet

import "testing"

func TestGreeting(t *testing.T) {
	if Greeting("ada") != "hello, Ada" || Command().Use != "greet" {
		t.Fatal(Greeting("ada"))
	}
}
