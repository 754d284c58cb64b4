package vle

import (
	"context"

	"govle/vle/hub"
)

// Pull fetches a model folder, such as "hfl/vle-base-for-vqa", from a Hugging
// Face-compatible hub, unless it is in the cache; the snapshot's Dir is what the
// Open functions take. See [hub.Pull].
func Pull(ctx context.Context, repo string, opts hub.Options) (*hub.Snapshot, error) {
	return hub.Pull(ctx, repo, opts)
}
