package hub

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// settings are the options with the environment's values filled in.
type settings struct {
	endpoint string
	token    string
	cache    string // the folder with models--owner--name folders
	offline  bool
	client   *http.Client
	retries  int
}

func newSettings(o Options) (*settings, error) {
	home, err := hubHome()
	if err != nil && (o.Cache == "" || o.Token == "") {
		return nil, err
	}
	s := &settings{
		endpoint: strings.TrimRight(first(o.Endpoint, os.Getenv("HF_ENDPOINT"), "https://huggingface.co"), "/"),
		cache:    first(o.Cache, os.Getenv("HF_HUB_CACHE"), os.Getenv("HUGGINGFACE_HUB_CACHE"), filepath.Join(home, "hub")),
		offline:  o.Offline || truthy(os.Getenv("HF_HUB_OFFLINE")),
		client:   o.Client,
		retries:  o.Retries,
	}
	if u, err := url.Parse(s.endpoint); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, fmt.Errorf("hub: endpoint %q is not an http or https address (HF_ENDPOINT)", s.endpoint)
	}
	s.token = first(o.Token, os.Getenv("HF_TOKEN"), os.Getenv("HUGGING_FACE_HUB_TOKEN"))
	if s.token == "" {
		file := first(os.Getenv("HF_TOKEN_PATH"), filepath.Join(home, "token"))
		if data, err := os.ReadFile(file); err == nil {
			s.token = strings.TrimSpace(string(data))
		}
	}
	if strings.ContainsAny(s.token, "\r\n") {
		return nil, fmt.Errorf("hub: the token holds a line break; check HF_TOKEN")
	}
	if s.client == nil {
		// No bound on a whole transfer, which may take hours, but on every step
		// that should be quick. A body that stalls is cut by fetch.
		s.client = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 20 * time.Second}).DialContext,
			TLSHandshakeTimeout:   20 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			ForceAttemptHTTP2:     true,
		}}
	}
	if s.retries == 0 {
		s.retries = 5
	}
	return s, nil
}

// hubHome is the folder that Python calls HF_HOME.
func hubHome() (string, error) {
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "huggingface"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("hub: no home folder for the cache; set HF_HOME: %w", err)
	}
	return filepath.Join(home, ".cache", "huggingface"), nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func truthy(v string) bool {
	switch strings.ToUpper(v) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}
