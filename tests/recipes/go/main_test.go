// SPDX-License-Identifier: Apache-2.0
package main

import "testing"

func TestGreeting(t *testing.T) {
	if greeting() == "" {
		t.Fatal("no greeting")
	}
}
