// Package datasets makes and reads the pictures and questions that models are
// tried on. It knows no model: what it gives are images, texts and labels.
//
// For a picture that the embedded model understands, draw a [Shape].
package datasets
