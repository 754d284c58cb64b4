package llm

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Secret is a key that no way of printing or encoding a value shows. It keeps
// the key behind a function, so that neither fmt's %#v nor a viewer of struct
// fields reaches it.
type Secret struct{ reveal func() string }

// Key makes a Secret of a key. Better than to write a key into a program or a
// notebook is to leave it in the environment: see [KeyFromEnv].
func Key(key string) Secret {
	key = strings.TrimSpace(key)
	if key == "" {
		return Secret{}
	}
	return Secret{func() string { return key }}
}

// KeyFromEnv reads a key from an environment variable; it is empty where the
// variable is not set.
func KeyFromEnv(name string) Secret { return Key(os.Getenv(name)) }

// IsZero reports whether there is no key.
func (s Secret) IsZero() bool { return s.reveal == nil }

func (s Secret) value() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

const hidden = "[hidden]"

// String returns "[hidden]", or "" when there is no key.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText returns what String returns; JSON and others encode that.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
