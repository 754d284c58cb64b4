// Package parity holds the model against recorded outputs of the reference.
package parity
