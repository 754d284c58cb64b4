//go:build !netlib

package blas

import "gonum.org/v1/gonum/blas/blas32"

func init() { blas32.Use(Implementation{}) }
