//go:build !gateway

package country

import _ "embed"

//go:embed countries.bin
var builtin string
