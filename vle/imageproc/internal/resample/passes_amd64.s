#include "textflag.h"

// Words red 0-3 and green 0-3 in the low lane, blue 0-3 in the high lane, of four
// RGB pixels.
DATA planar<>+0(SB)/8, $0x8009800680038000
DATA planar<>+8(SB)/8, $0x800a800780048001
DATA planar<>+16(SB)/8, $0x800b800880058002
DATA planar<>+24(SB)/8, $0x8080808080808080
GLOBL planar<>(SB), RODATA|NOPTR, $32

// Half a unit of what remains after the shift by 22.
DATA half<>+0(SB)/4, $0x200000
GLOBL half<>(SB), RODATA|NOPTR, $4

// func horizontalRow3AVX2(dst, src *byte, offset *int32, coef *int16, n, groups int)
TEXT ·horizontalRow3AVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ offset+16(FP), R8
	MOVQ coef+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ groups+40(FP), R10
	VMOVDQU planar<>(SB), Y7
	VPBROADCASTD half<>(SB), X6

pixel:
	MOVLQSX (R8), AX
	ADDQ    $4, R8
	ADDQ    SI, AX
	MOVQ    R10, DX
	VPXOR   Y0, Y0, Y0
	VPXOR   Y1, Y1, Y1

group: // four source pixels
	VBROADCASTI128 (AX), Y2
	VPSHUFB        Y7, Y2, Y2
	VPBROADCASTQ   (R9), Y3
	VPBROADCASTQ   8(R9), Y4
	VPMADDWD       Y2, Y3, Y3
	VPMADDWD       Y2, Y4, Y4
	VPADDD         Y3, Y0, Y0
	VPADDD         Y4, Y1, Y1
	ADDQ           $12, AX
	ADDQ           $16, R9
	DECQ           DX
	JNZ            group

	VPSLLD       $12, Y0, Y0
	VPADDD       Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPHADDD      X1, X0, X0
	VPADDD       X6, X0, X0
	VPSRAD       $22, X0, X0
	VPACKSSDW    X0, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVD        X0, (DI)
	ADDQ         $3, DI
	DECQ         CX
	JNZ          pixel
	VZEROUPPER
	RET

// func verticalRowAVX2(dst, src *byte, stride int, coef *int16, taps, n int)
TEXT ·verticalRowAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ coef+24(FP), R9
	MOVQ taps+32(FP), R10
	MOVQ n+40(FP), CX
	VPBROADCASTD half<>(SB), Y15
	VPXOR Y14, Y14, Y14

column: // sixteen columns
	MOVQ  SI, AX
	MOVQ  R9, BX
	MOVQ  R10, DX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	SUBQ  $2, DX
	JLT   single

pair: // two rows
	VPMOVZXBW    (AX), Y4
	VPMOVZXBW    (AX)(R8*1), Y5
	VPUNPCKLWD   Y5, Y4, Y6
	VPUNPCKHWD   Y5, Y4, Y7
	VPBROADCASTD (BX), Y8
	VPBROADCASTD 4(BX), Y9
	VPMADDWD     Y8, Y6, Y10
	VPMADDWD     Y8, Y7, Y11
	VPMADDWD     Y9, Y6, Y12
	VPMADDWD     Y9, Y7, Y13
	VPADDD       Y10, Y0, Y0
	VPADDD       Y11, Y1, Y1
	VPADDD       Y12, Y2, Y2
	VPADDD       Y13, Y3, Y3
	LEAQ         (AX)(R8*2), AX
	ADDQ         $8, BX
	SUBQ         $2, DX
	JGE          pair

single: // a last row alone
	CMPQ         DX, $-1
	JNE          done
	VPMOVZXBW    (AX), Y4
	VPUNPCKLWD   Y14, Y4, Y6
	VPUNPCKHWD   Y14, Y4, Y7
	VPBROADCASTD (BX), Y8
	VPBROADCASTD 4(BX), Y9
	VPMADDWD     Y8, Y6, Y10
	VPMADDWD     Y8, Y7, Y11
	VPMADDWD     Y9, Y6, Y12
	VPMADDWD     Y9, Y7, Y13
	VPADDD       Y10, Y0, Y0
	VPADDD       Y11, Y1, Y1
	VPADDD       Y12, Y2, Y2
	VPADDD       Y13, Y3, Y3

done:
	VPSLLD       $12, Y0, Y0
	VPSLLD       $12, Y1, Y1
	VPADDD       Y2, Y0, Y0
	VPADDD       Y3, Y1, Y1
	VPADDD       Y15, Y0, Y0
	VPADDD       Y15, Y1, Y1
	VPSRAD       $22, Y0, Y0
	VPSRAD       $22, Y1, Y1
	VPACKSSDW    Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSWB    X1, X0, X0
	VMOVDQU      X0, (DI)
	ADDQ         $16, DI
	ADDQ         $16, SI
	SUBQ         $16, CX
	JNZ          column
	VZEROUPPER
	RET
