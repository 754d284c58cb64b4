package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// unreachable wraps an error that says nothing about the model: a broken
// connection, or a hub that is busy or broken. Repeating may help.
type unreachable struct{ err error }

func (u *unreachable) Error() string { return u.err.Error() }
func (u *unreachable) Unwrap() error { return u.err }

// stallTimeout is how long a body may bring no byte before the connection is
// given up and made anew.
const stallTimeout = 60 * time.Second

// request gets address from byte offset on, following redirects, and repeats
// after answers that may pass. The body is the caller's to close.
func (p *puller) request(ctx context.Context, address string, offset int64) (*http.Response, error) {
	return p.do(ctx, http.MethodGet, address, offset, p.client)
}

func (p *puller) do(ctx context.Context, method, address string, offset int64, client *http.Client) (*http.Response, error) {
	for try := 0; ; try++ {
		resp, wait, err := p.once(ctx, method, address, offset, client)
		var away *unreachable
		if err == nil || !errors.As(err, &away) || try >= p.retries || ctx.Err() != nil {
			return resp, err
		}
		if err := sleep(ctx, max(wait, retryWait<<try)); err != nil {
			return nil, err
		}
	}
}

// once makes one request. wait is what the hub asked for before the next.
func (p *puller) once(ctx context.Context, method, address string, offset int64, client *http.Client) (resp *http.Response, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("User-Agent", "govle")
	req.Header.Set("Accept-Encoding", "identity") // checksums and ranges are of the stored bytes
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token) // net/http drops it when redirected to another host
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err = client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return nil, 0, &unreachable{err}
	}
	code := resp.StatusCode
	switch {
	case code == http.StatusOK, code == http.StatusPartialContent, code == http.StatusRequestedRangeNotSatisfiable,
		method == http.MethodHead && code >= 300 && code < 400:
		return resp, 0, nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
	resp.Body.Close()
	said := strings.TrimSpace(first(resp.Header.Get("X-Error-Message"), string(text)))
	if said != "" {
		said = fmt.Sprintf(" (%s)", strconv.Quote(said))
	}
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return nil, 0, fmt.Errorf("%s%s: %w", resp.Status, said, ErrUnauthorized)
	case code == http.StatusNotFound:
		return nil, 0, fmt.Errorf("%s%s: %w", resp.Status, said, ErrNotFound)
	case code == http.StatusTooManyRequests, code >= 500:
		return nil, retryAfter(resp), &unreachable{fmt.Errorf("%s%s: the hub is busy or broken; try again later", resp.Status, said)}
	}
	return nil, 0, fmt.Errorf("the hub answered %s%s", resp.Status, said)
}

// maxRetryAfter bounds how long a hub may make a program wait.
const maxRetryAfter = 2 * time.Minute

// retryAfter reads how long the hub asks to wait: a number of seconds or a time.
func retryAfter(resp *http.Response) time.Duration {
	header := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		return time.Duration(max(0, min(seconds, int64(maxRetryAfter/time.Second)))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, min(time.Until(at), maxRetryAfter))
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// describe fills in a file's checksum and size from its headers. They are on
// the hub's own answer, not on that of the store that it redirects to.
func (p *puller) describe(ctx context.Context, address string, f *remoteFile) error {
	stay := *p.client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := p.do(ctx, http.MethodHead, address, 0, &stay)
	if err != nil {
		return err
	}
	resp.Body.Close()
	tag := strings.Trim(strings.TrimPrefix(first(resp.Header.Get("X-Linked-Etag"), resp.Header.Get("Etag")), "W/"), `"`)
	if !isHex(tag, 40) && !isHex(tag, 64) {
		return fmt.Errorf("the hub gives no checksum (ETag %q)", tag)
	}
	f.Sum = checksum(strings.ToLower(tag))
	size := resp.Header.Get("X-Linked-Size")
	if size == "" && resp.StatusCode == http.StatusOK {
		size = resp.Header.Get("Content-Length")
	}
	if n, err := strconv.ParseInt(size, 10, 64); err == nil && n >= 0 {
		p.progress.Total += n - max(f.Size, 0)
		f.Size, p.progress.FileSize = n, n
	}
	return nil
}

// fetch brings a file's bytes into partial, going on from what is there, and
// checks them.
func (p *puller) fetch(ctx context.Context, address string, f *remoteFile, partial string) error {
	out, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer out.Close()
	info, err := out.Stat()
	if err != nil {
		return err
	}
	have := info.Size()
	p.advance(have, 0)
	resumed := have > 0
	for try := 0; ; try++ {
		if f.Size < 0 || have != f.Size {
			have, err = p.transfer(ctx, address, f, out, have)
		}
		if err == nil {
			if err = f.Sum.verify(partial); err == nil {
				return out.Close()
			}
			// Wrong bytes cannot be gone on from. After a resumed download they
			// may be an older attempt's, so one fresh start is due.
			p.advance(-have, 0)
			have = 0
			if terr := out.Truncate(0); terr != nil {
				return terr
			}
			if !resumed {
				return err
			}
			resumed = false
			continue
		}
		var away *unreachable
		if !errors.As(err, &away) || ctx.Err() != nil || try >= p.retries {
			return fmt.Errorf("%w (%d bytes are kept; run it again to go on)", err, have)
		}
		if err := sleep(ctx, retryWait<<min(try, 6)); err != nil {
			return err
		}
		err = nil
	}
}

// transfer asks for the bytes from have on and appends them to out. It returns
// how many are there then.
func (p *puller) transfer(ctx context.Context, address string, f *remoteFile, out *os.File, have int64) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := p.request(ctx, address, have)
	if err != nil {
		return have, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)):
	default:
		// The whole file, or a range that was not asked for: start again.
		if err := out.Truncate(0); err != nil {
			return have, err
		}
		p.advance(-have, 0)
		have = 0
		if resp.StatusCode != http.StatusOK {
			return have, &unreachable{fmt.Errorf("the hub answered %s to a range", resp.Status)}
		}
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return have, err
	}
	stalled := time.AfterFunc(stallTimeout, cancel)
	defer stalled.Stop()
	buf := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(buf)
		stalled.Reset(stallTimeout)
		if f.Size >= 0 && have+int64(n) > f.Size {
			return have, fmt.Errorf("the hub sent more than the %d bytes that it announced", f.Size)
		}
		if n > 0 {
			if _, err := out.Write(buf[:n]); err != nil {
				return have, fmt.Errorf("writing %s: %w", out.Name(), err)
			}
			have += int64(n)
			p.advance(int64(n), int64(n))
		}
		switch {
		case err == io.EOF && f.Size >= 0 && have < f.Size:
			return have, &unreachable{fmt.Errorf("the connection ended after %d of %d bytes", have, f.Size)}
		case err == io.EOF:
			return have, nil
		case err != nil:
			return have, &unreachable{fmt.Errorf("after %d bytes: %w", have, err)}
		}
	}
}
