package engine

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// preferred settles which package is meant when several have the same name.
var preferred = map[string]string{
	"rand": "math/rand", "template": "text/template", "scanner": "text/scanner", "pprof": "runtime/pprof", "driver": "database/sql/driver",
	"color": "image/color", "draw": "image/draw", "png": "image/png", "json": "encoding/json",
}

// guess is the path of the package that a name usually means: one of the
// standard library or of the govle module.
func (p *packages) guess(name string) string { return p.nameIndex()[name] }

// nameIndex maps the names of packages that can be used without an import to
// their paths.
func (p *packages) nameIndex() map[string]string {
	if p.names == nil {
		p.names = map[string]string{}
		root := filepath.Join(p.ws.tools.root, "src")
		p.index(root, "", func(rel string) bool {
			return rel == "cmd" || rel == "vendor" || rel == "builtin"
		})
		p.index(p.ws.source, modulePath, func(rel string) bool {
			return rel == "cmd" || rel == "docs" || rel == "notebooks"
		})
		for name, path := range preferred {
			p.names[name] = path
		}
	}
	return p.names
}

// index adds the packages under a folder, short paths first.
func (p *packages) index(root, prefix string, skip func(rel string) bool) {
	var found []string
	filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error { // what cannot be read is not offered
		if err != nil || !d.IsDir() || file == root {
			return nil
		}
		rel := filepath.ToSlash(strings.TrimPrefix(file, root+string(filepath.Separator)))
		base := path.Base(rel)
		if skip(rel) || base == "internal" || base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
			return fs.SkipDir
		}
		if files, err := os.ReadDir(file); err == nil && slices.ContainsFunc(files, func(e fs.DirEntry) bool {
			return strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go")
		}) {
			found = append(found, rel)
		}
		return nil
	})
	slices.SortFunc(found, func(a, b string) int {
		if n := strings.Count(a, "/") - strings.Count(b, "/"); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, rel := range found {
		name := path.Base(rel)
		if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
			continue // math/rand/v2: to be asked for by an import
		}
		if _, taken := p.names[name]; !taken {
			p.names[name] = path.Join(prefix, rel)
		}
	}
}
