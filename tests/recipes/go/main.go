// SPDX-License-Identifier: Apache-2.0
package main

import "fmt"

func greeting() string { return "hello from Go" }

func main() { fmt.Println(greeting()) }
