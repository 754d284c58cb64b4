package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseSize reads a size in bytes: a number, with an optional unit of 1000 (kB,
// MB, GB, TB) or 1024 (KiB, MiB, GiB, TiB; K, M, G and T mean these). The empty
// string is 0.
func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits := strings.TrimRight(s, "kKMGTiB ")
	unit := strings.TrimSpace(s[len(digits):])
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a size; write for example 500MB or 8GiB", s)
	}
	factor := 1.0
	if unit != "" && unit != "B" {
		base := 1024.0
		if strings.HasSuffix(unit, "B") && !strings.HasSuffix(unit, "iB") {
			base = 1000
		}
		power := strings.IndexByte("KMGT", strings.ToUpper(unit)[0])
		if rest := unit[1:]; power < 0 || rest != "" && rest != "B" && rest != "iB" {
			return 0, fmt.Errorf("%q has an unknown unit; write for example 500MB or 8GiB", s)
		}
		factor = math.Pow(base, float64(power+1))
	}
	if n*factor > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return int64(n * factor), nil
}
