package parity

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"govle/vle"
	"govle/vle/nn"
)

// findPosition finds extend.npz, relative_position.npz and activations.npz.
func findPosition(f *folder) []testCase {
	var cases []testCase
	for _, k := range []struct {
		file  string
		check func(*check, map[string]array) error
	}{
		{"extend.npz", checkExtend},
		{"relative_position.npz", checkBuckets},
		{"activations.npz", checkActivations},
	} {
		if !f.has[k.file] {
			continue
		}
		path := f.path(k.file)
		cases = append(cases, testCase{name: f.caseName(k.file), run: func(_ context.Context, c *check) error {
			z, err := readNPZ(path)
			if err != nil {
				return err
			}
			return k.check(c, z)
		}})
	}
	return cases
}

// checkExtend: arrays pP_A [(A/P)²+1 × width], pP_A_B made of it, pP_A_B_C made
// of that; P is the patch, A, B, C are the image sizes.
func checkExtend(c *check, z map[string]array) error {
	for _, name := range sortedKeys(z) {
		parts := strings.Split(strings.TrimPrefix(name, "p"), "_")
		if len(parts) < 3 {
			continue // the start of a chain
		}
		var n []int
		for _, p := range parts {
			v, err := strconv.Atoi(p)
			if err != nil || v <= 0 {
				return fmt.Errorf("array %q is not named pPATCH_SIZE_SIZE", name)
			}
			n = append(n, v)
		}
		patch, from, to := n[0], n[len(n)-2]/n[0], n[len(n)-1]/n[0]
		before := "p" + strings.Join(parts[:len(parts)-1], "_")
		table, ok := z[before]
		if !ok || len(table.shape) != 2 || table.shape[0] != from*from+1 {
			return fmt.Errorf("array %q, of patches of %d, has shape %v", before, patch, table.shape)
		}
		close(c, closely, name, vle.ExtendPositions(table.float32s(), from, to), z[name].floats)
	}
	return nil
}

var bucketName = regexp.MustCompile(`^b(-?\d+)_m(\d+)_n(\d+)(_neg)?$`)

// checkBuckets: array bB_mM_nN holds the buckets of the distances 0 … N−1 with
// B buckets up to distance M, bB_mM_nN_neg those of 0 … −(N−1).
func checkBuckets(c *check, z map[string]array) error {
	for _, name := range sortedKeys(z) {
		m := bucketName.FindStringSubmatch(name)
		if m == nil {
			return fmt.Errorf("array %q is not named bBUCKETS_mMAX_nLENGTH", name)
		}
		buckets, _ := strconv.Atoi(m[1])
		most, _ := strconv.Atoi(m[2])
		sign := 1
		if m[4] != "" {
			sign = -1
		}
		var got []int64
		for r := range z[name].ints {
			got = append(got, int64(nn.RelativeBucket(sign*r, buckets, most)))
		}
		same(c, name, got, z[name].ints)
	}
	return nil
}

// checkActivations: array x and its images under the named functions.
func checkActivations(c *check, z map[string]array) error {
	x := z["x"].float32s()
	for _, name := range sortedKeys(z) {
		if name == "x" {
			continue
		}
		act, err := nn.ParseActivation(strings.TrimPrefix(name, "nn_"))
		if err != nil {
			return err
		}
		r := nn.NewRun()
		y := act.Forward(r, nn.Dense(1, len(x), append([]float32(nil), x...)))
		close(c, closely, name, nn.Floats(y), z[name].floats)
		r.Close()
	}
	return nil
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
