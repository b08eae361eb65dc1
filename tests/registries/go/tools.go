//go:build tools

package greet

import _ "github.com/spf13/viper"
