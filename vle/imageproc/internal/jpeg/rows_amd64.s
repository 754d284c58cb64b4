#include "textflag.h"

// func verticalSumsAVX2(sums *uint16, near, far *byte, n int)
TEXT ·verticalSumsAVX2(SB), NOSPLIT, $0-32
	MOVQ sums+0(FP), DI
	MOVQ near+8(FP), SI
	MOVQ far+16(FP), DX
	MOVQ n+24(FP), CX

sums:
	VPMOVZXBW (SI), Y0
	VPMOVZXBW (DX), Y1
	VPADDW    Y0, Y1, Y1
	VPADDW    Y0, Y0, Y0
	VPADDW    Y0, Y1, Y1
	VMOVDQU   Y1, (DI)
	ADDQ      $16, SI
	ADDQ      $16, DX
	ADDQ      $32, DI
	SUBQ      $16, CX
	JNZ       sums
	VZEROUPPER
	RET

// func triangleAVX2(out *byte, sums *uint16, n int, left, right uint16)
TEXT ·triangleAVX2(SB), NOSPLIT, $0-28
	MOVQ out+0(FP), DI
	MOVQ sums+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTW left+24(FP), Y6
	VPBROADCASTW right+26(FP), Y7

two:
	VMOVDQU 2(SI), Y0
	VPADDW  Y0, Y0, Y1
	VPADDW  Y0, Y1, Y0
	VPADDW  (SI), Y0, Y1
	VPADDW  4(SI), Y0, Y2
	VPADDW  Y6, Y1, Y1
	VPADDW  Y7, Y2, Y2
	VPSRLW  $4, Y1, Y1
	VPSRLW  $4, Y2, Y2
	VPSLLW  $8, Y2, Y2
	VPOR    Y2, Y1, Y1
	VMOVDQU Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $16, CX
	JNZ     two
	VZEROUPPER
	RET

// Constants for the conversion; see yccRowAVX2.
DATA center<>+0(SB)/4, $0x00800080  // 128
DATA one<>+0(SB)/4, $0x00010001
DATA red<>+0(SB)/4, $0x66e966e9     // 26345 = 1.402·2^16 - 2^16
DATA blue<>+0(SB)/4, $0xc5a2c5a2    // -14942 = 1.772·2^16 - 2^17
DATA green<>+0(SB)/4, $0x492ea7e6   // -22554 = -0.34414·2^16, 18734 = 2^16 - 0.71414·2^16
DATA roundGreen<>+0(SB)/4, $0x8000
GLOBL center<>(SB), RODATA|NOPTR, $4
GLOBL one<>(SB), RODATA|NOPTR, $4
GLOBL red<>(SB), RODATA|NOPTR, $4
GLOBL blue<>(SB), RODATA|NOPTR, $4
GLOBL green<>(SB), RODATA|NOPTR, $4
GLOBL roundGreen<>(SB), RODATA|NOPTR, $4

// Where the bytes of 16 reds, greens and blues go in three vectors of RGB.
DATA spread<>+0x00(SB)/8, $0x8002808001808000 // red to the first
DATA spread<>+0x08(SB)/8, $0x0580800480800380
DATA spread<>+0x10(SB)/8, $0x0280800180800080 // green
DATA spread<>+0x18(SB)/8, $0x8080048080038080
DATA spread<>+0x20(SB)/8, $0x8080018080008080 // blue
DATA spread<>+0x28(SB)/8, $0x8004808003808002
DATA spread<>+0x30(SB)/8, $0x8080078080068080 // red to the second
DATA spread<>+0x38(SB)/8, $0x800a808009808008
DATA spread<>+0x40(SB)/8, $0x8007808006808005 // green
DATA spread<>+0x48(SB)/8, $0x0a80800980800880
DATA spread<>+0x50(SB)/8, $0x0780800680800580 // blue
DATA spread<>+0x58(SB)/8, $0x8080098080088080
DATA spread<>+0x60(SB)/8, $0x0d80800c80800b80 // red to the third
DATA spread<>+0x68(SB)/8, $0x80800f80800e8080
DATA spread<>+0x70(SB)/8, $0x80800c80800b8080 // green
DATA spread<>+0x78(SB)/8, $0x800f80800e80800d
DATA spread<>+0x80(SB)/8, $0x800c80800b80800a // blue
DATA spread<>+0x88(SB)/8, $0x0f80800e80800d80
GLOBL spread<>(SB), RODATA|NOPTR, $0x90

// func yccRowAVX2(out, y, cb, cr *byte, n int)
//
// The factors do not fit into 16 signed bits, so whole multiples are taken out of
// them; floor(2·c·f / 2^16) + 1 halved is c·f / 2^16 rounded, exactly.
TEXT ·yccRowAVX2(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), DI
	MOVQ y+8(FP), SI
	MOVQ cb+16(FP), DX
	MOVQ cr+24(FP), BX
	MOVQ n+32(FP), CX
	LEAQ spread<>(SB), AX
	VPBROADCASTD center<>(SB), Y10
	VPBROADCASTD one<>(SB), Y11
	VPBROADCASTD red<>(SB), Y12
	VPBROADCASTD blue<>(SB), Y13
	VPBROADCASTD green<>(SB), Y14
	VPBROADCASTD roundGreen<>(SB), Y15

convert:
	VPMOVZXBW (SI), Y0
	VPMOVZXBW (DX), Y1
	VPMOVZXBW (BX), Y2
	VPSUBW    Y10, Y1, Y1 // cb
	VPSUBW    Y10, Y2, Y2 // cr
	VPADDW    Y1, Y1, Y3  // 2cb
	VPADDW    Y2, Y2, Y4  // 2cr

	VPMULHW Y12, Y4, Y5
	VPADDW  Y11, Y5, Y5
	VPSRAW  $1, Y5, Y5
	VPADDW  Y2, Y5, Y5
	VPADDW  Y0, Y5, Y5 // red

	VPMULHW Y13, Y3, Y6
	VPADDW  Y11, Y6, Y6
	VPSRAW  $1, Y6, Y6
	VPADDW  Y3, Y6, Y6
	VPADDW  Y0, Y6, Y6 // blue

	VPUNPCKLWD Y2, Y1, Y7
	VPUNPCKHWD Y2, Y1, Y8
	VPMADDWD   Y14, Y7, Y7
	VPMADDWD   Y14, Y8, Y8
	VPADDD     Y15, Y7, Y7
	VPADDD     Y15, Y8, Y8
	VPSRAD     $16, Y7, Y7
	VPSRAD     $16, Y8, Y8
	VPACKSSDW  Y8, Y7, Y7
	VPSUBW     Y2, Y7, Y7
	VPADDW     Y0, Y7, Y7 // green

	VEXTRACTI128 $1, Y5, X0
	VEXTRACTI128 $1, Y7, X1
	VEXTRACTI128 $1, Y6, X2
	VPACKUSWB    X0, X5, X0
	VPACKUSWB    X1, X7, X1
	VPACKUSWB    X2, X6, X2

	VPSHUFB 0x00(AX), X0, X3
	VPSHUFB 0x10(AX), X1, X4
	VPSHUFB 0x20(AX), X2, X5
	VPOR    X4, X3, X3
	VPOR    X5, X3, X3
	VMOVDQU X3, (DI)
	VPSHUFB 0x30(AX), X0, X3
	VPSHUFB 0x40(AX), X1, X4
	VPSHUFB 0x50(AX), X2, X5
	VPOR    X4, X3, X3
	VPOR    X5, X3, X3
	VMOVDQU X3, 16(DI)
	VPSHUFB 0x60(AX), X0, X3
	VPSHUFB 0x70(AX), X1, X4
	VPSHUFB 0x80(AX), X2, X5
	VPOR    X4, X3, X3
	VPOR    X5, X3, X3
	VMOVDQU X3, 32(DI)

	ADDQ $16, SI
	ADDQ $16, DX
	ADDQ $16, BX
	ADDQ $48, DI
	SUBQ $16, CX
	JNZ  convert
	VZEROUPPER
	RET
