#include "textflag.h"

// Pairs of constants for VPMADDWD, the first for the even word; the names say of
// which inputs. See idct8 for the arithmetic.
DATA k26a<>+0(SB)/4, $0x115129cf // 10703, 4433
DATA k26b<>+0(SB)/4, $0xd6301151 // 4433, -10704
DATA kz3<>+0(SB)/4, $0x25a1e6dc // -6436, 9633
DATA kz4<>+0(SB)/4, $0x192525a1 // 9633, 6437
DATA k71a<>+0(SB)/4, $0xe333ecc1 // -4927, -7373
DATA k71b<>+0(SB)/4, $0x133ee333 // -7373, 4926
DATA k53a<>+0(SB)/4, $0xadfdefb0 // -4176, -20995
DATA k53b<>+0(SB)/4, $0x1051adfd // -20995, 4177
DATA round1<>+0(SB)/4, $0x400
DATA round2<>+0(SB)/4, $0x20000
DATA bias<>+0(SB)/4, $0x80808080
GLOBL k26a<>(SB), RODATA|NOPTR, $4
GLOBL k26b<>(SB), RODATA|NOPTR, $4
GLOBL kz3<>(SB), RODATA|NOPTR, $4
GLOBL kz4<>(SB), RODATA|NOPTR, $4
GLOBL k71a<>(SB), RODATA|NOPTR, $4
GLOBL k71b<>(SB), RODATA|NOPTR, $4
GLOBL k53a<>(SB), RODATA|NOPTR, $4
GLOBL k53b<>(SB), RODATA|NOPTR, $4
GLOBL round1<>(SB), RODATA|NOPTR, $4
GLOBL round2<>(SB), RODATA|NOPTR, $4
GLOBL bias<>(SB), RODATA|NOPTR, $4

// Offsets in the stack frame: the constants spread to 32 bytes, and two spilled
// registers.
#define K26A 0(SP)
#define K26B 32(SP)
#define KZ3 64(SP)
#define KZ4 96(SP)
#define K71A 128(SP)
#define K71B 160(SP)
#define K53A 192(SP)
#define K53B 224(SP)
#define ROUND1 256(SP)
#define ROUND2 288(SP)
#define SPILL0 320(SP)
#define SPILL1 352(SP)

#define SPREAD(c, slot) \
	VPBROADCASTD c, Y0; \
	VMOVDQU      Y0, slot

// SUMDIFF: a = a + b, b = a - b.
#define SUMDIFF(a, b) \
	VPADDD b, a, a; \
	VPADDD b, b, b; \
	VPSUBD b, a, b

// DESCALE: lo = the words of (lo, hi), rounded and shifted.
#define DESCALE(lo, hi, round, shift) \
	VPADDD    round, lo, lo; \
	VPADDD    round, hi, hi; \
	VPSRAD    shift, lo, lo; \
	VPSRAD    shift, hi, hi; \
	VPACKSSDW hi, lo, lo

// TRANSFORM: inputs 0-7 in Y0-Y7; outputs 0-7 in Y2, Y10, Y4, Y0, Y1, Y3, Y7, Y12.
#define TRANSFORM(round, shift) \
	VPUNPCKLWD Y6, Y2, Y8; \
	VPUNPCKHWD Y6, Y2, Y9; \
	VPMADDWD   K26A, Y8, Y10; \
	VPMADDWD   K26A, Y9, Y11; \
	VPMADDWD   K26B, Y8, Y8; \
	VPMADDWD   K26B, Y9, Y9; \
	VPADDW     Y4, Y0, Y12; \
	VPSUBW     Y4, Y0, Y13; \
	VPXOR      Y14, Y14, Y14; \
	VPUNPCKLWD Y12, Y14, Y0; \
	VPUNPCKHWD Y12, Y14, Y2; \
	VPUNPCKLWD Y13, Y14, Y4; \
	VPUNPCKHWD Y13, Y14, Y6; \
	VPSRAD     $3, Y0, Y0; \
	VPSRAD     $3, Y2, Y2; \
	VPSRAD     $3, Y4, Y4; \
	VPSRAD     $3, Y6, Y6; \
	VPADDD     Y10, Y0, Y12; \
	VPADDD     Y11, Y2, Y13; \
	VMOVDQU    Y12, SPILL0; \
	VMOVDQU    Y13, SPILL1; \
	VPSUBD     Y10, Y0, Y0; \
	VPSUBD     Y11, Y2, Y2; \
	VPADDD     Y8, Y4, Y10; \
	VPADDD     Y9, Y6, Y11; \
	VPSUBD     Y8, Y4, Y4; \
	VPSUBD     Y9, Y6, Y6; \
	VPADDW     Y3, Y7, Y8; \
	VPADDW     Y1, Y5, Y9; \
	VPUNPCKLWD Y9, Y8, Y14; \
	VPUNPCKHWD Y9, Y8, Y15; \
	VPMADDWD   KZ3, Y14, Y8; \
	VPMADDWD   KZ3, Y15, Y9; \
	VPMADDWD   KZ4, Y14, Y14; \
	VPMADDWD   KZ4, Y15, Y15; \
	VPUNPCKLWD Y1, Y7, Y12; \
	VPUNPCKHWD Y1, Y7, Y13; \
	VPMADDWD   K71A, Y12, Y1; \
	VPMADDWD   K71A, Y13, Y7; \
	VPMADDWD   K71B, Y12, Y12; \
	VPMADDWD   K71B, Y13, Y13; \
	VPADDD     Y8, Y1, Y1; \
	VPADDD     Y9, Y7, Y7; \
	VPADDD     Y14, Y12, Y12; \
	VPADDD     Y15, Y13, Y13; \
	SUMDIFF(Y0, Y1); \
	SUMDIFF(Y2, Y7); \
	DESCALE(Y0, Y2, round, shift); \
	DESCALE(Y1, Y7, round, shift); \
	VMOVDQU    SPILL0, Y2; \
	VMOVDQU    SPILL1, Y7; \
	SUMDIFF(Y2, Y12); \
	SUMDIFF(Y7, Y13); \
	DESCALE(Y2, Y7, round, shift); \
	DESCALE(Y12, Y13, round, shift); \
	VPUNPCKLWD Y3, Y5, Y7; \
	VPUNPCKHWD Y3, Y5, Y13; \
	VPMADDWD   K53A, Y7, Y3; \
	VPMADDWD   K53A, Y13, Y5; \
	VPMADDWD   K53B, Y7, Y7; \
	VPMADDWD   K53B, Y13, Y13; \
	VPADDD     Y14, Y3, Y3; \
	VPADDD     Y15, Y5, Y5; \
	VPADDD     Y8, Y7, Y7; \
	VPADDD     Y9, Y13, Y13; \
	SUMDIFF(Y10, Y7); \
	SUMDIFF(Y11, Y13); \
	DESCALE(Y10, Y11, round, shift); \
	DESCALE(Y7, Y13, round, shift); \
	SUMDIFF(Y4, Y3); \
	SUMDIFF(Y6, Y5); \
	DESCALE(Y4, Y6, round, shift); \
	DESCALE(Y3, Y5, round, shift)

// TRANSPOSE: rows in Y2, Y10, Y4, Y0, Y1, Y3, Y7, Y12 (as TRANSFORM leaves them)
// become columns in Y0-Y7, in each lane.
#define TRANSPOSE \
	VPUNPCKLWD  Y10, Y2, Y5; \
	VPUNPCKHWD  Y10, Y2, Y6; \
	VPUNPCKLWD  Y0, Y4, Y8; \
	VPUNPCKHWD  Y0, Y4, Y9; \
	VPUNPCKLWD  Y3, Y1, Y11; \
	VPUNPCKHWD  Y3, Y1, Y13; \
	VPUNPCKLWD  Y12, Y7, Y14; \
	VPUNPCKHWD  Y12, Y7, Y15; \
	VPUNPCKLDQ  Y8, Y5, Y2; \
	VPUNPCKHDQ  Y8, Y5, Y3; \
	VPUNPCKLDQ  Y9, Y6, Y10; \
	VPUNPCKHDQ  Y9, Y6, Y12; \
	VPUNPCKLDQ  Y14, Y11, Y5; \
	VPUNPCKHDQ  Y14, Y11, Y6; \
	VPUNPCKLDQ  Y15, Y13, Y8; \
	VPUNPCKHDQ  Y15, Y13, Y9; \
	VPUNPCKLQDQ Y5, Y2, Y0; \
	VPUNPCKHQDQ Y5, Y2, Y1; \
	VPUNPCKLQDQ Y6, Y3, Y2; \
	VPUNPCKHQDQ Y6, Y3, Y3; \
	VPUNPCKLQDQ Y8, Y10, Y4; \
	VPUNPCKHQDQ Y8, Y10, Y5; \
	VPUNPCKLQDQ Y9, Y12, Y6; \
	VPUNPCKHQDQ Y9, Y12, Y7

// LOAD: row k of both blocks, dequantised.
#define LOAD(k, x, y) \
	VMOVDQU        (16*k)(SI), x; \
	VINSERTI128    $1, (16*k+128)(SI), y, y; \
	VBROADCASTI128 (16*k)(BX), Y8; \
	VPMULLW        Y8, y, y

// STORE: two rows of both blocks, as bytes.
#define STORE(first, second, x) \
	VPACKSSWB    second, first, first; \
	VPADDB       Y8, first, first; \
	VPERMQ       $0xd8, first, first; \
	VMOVDQU      x, (AX); \
	VEXTRACTI128 $1, first, (AX)(R8*1); \
	LEAQ         (AX)(R8*2), AX

// func idctPairsAVX2(dst *byte, stride int, coef *int16, quant *uint16, pairs int)
TEXT ·idctPairsAVX2(SB), 0, $384-40
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), R8
	MOVQ coef+16(FP), SI
	MOVQ quant+24(FP), BX
	MOVQ pairs+32(FP), CX
	SPREAD(k26a<>(SB), K26A)
	SPREAD(k26b<>(SB), K26B)
	SPREAD(kz3<>(SB), KZ3)
	SPREAD(kz4<>(SB), KZ4)
	SPREAD(k71a<>(SB), K71A)
	SPREAD(k71b<>(SB), K71B)
	SPREAD(k53a<>(SB), K53A)
	SPREAD(k53b<>(SB), K53B)
	SPREAD(round1<>(SB), ROUND1)
	SPREAD(round2<>(SB), ROUND2)

loop:
	LOAD(0, X0, Y0)
	LOAD(1, X1, Y1)
	LOAD(2, X2, Y2)
	LOAD(3, X3, Y3)
	LOAD(4, X4, Y4)
	LOAD(5, X5, Y5)
	LOAD(6, X6, Y6)
	LOAD(7, X7, Y7)
	TRANSFORM(ROUND1, $11)
	TRANSPOSE
	TRANSFORM(ROUND2, $18)
	TRANSPOSE
	VPBROADCASTD bias<>(SB), Y8
	MOVQ         DI, AX
	STORE(Y0, Y1, X0)
	STORE(Y2, Y3, X2)
	STORE(Y4, Y5, X4)
	STORE(Y6, Y7, X6)
	ADDQ $16, DI
	ADDQ $256, SI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
