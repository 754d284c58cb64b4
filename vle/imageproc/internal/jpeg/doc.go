// Package jpeg decodes JPEG pictures to the pixels that libjpeg-turbo's default
// settings give, bit for bit: the accurate integer inverse DCT, triangle-filter
// ("fancy") upsampling of chroma, and integer colour conversion. The standard
// library's decoder uses other arithmetic and replicates chroma.
//
// It follows ITU-T T.81 (Huffman coding, 8 bits a sample: baseline, extended
// sequential and progressive, restart intervals, one to four components) and the
// JFIF and Adobe conventions for colour. Arithmetic coding, lossless and 12-bit
// files are errors that say so.
//
// Broken entropy-coded data are handled as libjpeg handles them, by decoding what
// can be decoded; a file that ends too early is an error.
package jpeg
