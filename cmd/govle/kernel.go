package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"govle/kernel"
	"govle/kernel/kernelspec"
)

func kernelCommand() *cobra.Command {
	var file, level, memory, history string
	var opts kernel.Options
	cmd := &cobra.Command{
		Use:   "kernel --connection-file FILE",
		Short: "Serve the Jupyter kernel on the sockets of a connection file",
		Long: `Serve the Jupyter kernel on the sockets of a connection file.

Jupyter starts this command by the kernelspec that install-kernel writes; there is
seldom a reason to type it.

Front ends that ask for history get that of earlier sessions too. It is kept in
govle-history.jsonl in the user's Jupyter data folder, at most 2 MiB, readable by
the user only; --history or GOVLE_HISTORY names another file, or "off".`,
		Example: `  govle kernel --connection-file kernel-1234.json --log-level debug`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("--connection-file is missing; Jupyter passes it, and install-kernel makes Jupyter do so")
			}
			var l slog.Level
			if err := l.UnmarshalText([]byte(level)); err != nil {
				return usagef("--log-level %q: use debug, info, warn or error", level)
			}
			var err error
			if opts.MemoryLimit, err = parseSize(memory); err != nil {
				return usagef("--memory-limit: %w", err)
			}
			opts.History = historyPath(history)
			opts.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
			return kernel.Serve(cmd.Context(), file, opts)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "connection-file", "f", "", "`file` with the ports and the key")
	f.StringVar(&memory, "memory-limit", "", "end the process that runs cells when it grows beyond `SIZE`, such as 8GiB")
	f.StringVar(&history, "history", "", "`file` that keeps the history over sessions, or off (default $GOVLE_HISTORY, else in Jupyter's data folder)")
	f.StringVar(&level, "log-level", "warn", "what to log on stderr: debug, info, warn or error")
	f.StringVar(&opts.Source, "source", "", "`folder` of the govle module that cells import (default $GOVLE_SOURCE, else where this program was built)")
	f.StringVar(&opts.Cache, "cache", "", "`folder` for built workers (default in the user's cache folder)")
	return cmd
}

// historyPath is the file that keeps the history; "" for none.
func historyPath(flag string) string {
	if flag == "" {
		flag = os.Getenv("GOVLE_HISTORY")
	}
	if flag == "" {
		if dir := kernelspec.UserDataDir(); dir != "" {
			return filepath.Join(dir, "govle-history.jsonl")
		}
		return ""
	}
	if flag == "off" {
		return ""
	}
	return flag
}
