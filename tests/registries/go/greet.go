// Package greet has dependencies of which some have more.
package greet

import (
	"github.com/spf13/cobra"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Greeting is for one name.
func Greeting(name string) string {
	return "hello, " + cases.Title(language.English).String(name)
}

// Command prints it.
func Command() *cobra.Command {
	return &cobra.Command{Use: "greet", Run: func(c *cobra.Command, args []string) { c.Println(Greeting(args[0])) }}
}
