package train

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"

	"govle/vle/nn"
)

// Backward takes the gradient of loss (1×1), times scale, to everything it was
// computed from. It differs from ag.Backward in its order, which is always the
// same: the operators run one after the other from the last to the first, each
// on all processors. ag.Backward starts them all at once, so that a value used three
// times sums its gradients in any order and no two runs agree to the last bit.
func Backward(loss mat.Tensor, scale float32) error {
	root, ok := loss.(*ag.Operator)
	if !ok || !root.RequiresGrad() {
		return nil // nothing to train
	}
	if root.Size() != 1 {
		return fmt.Errorf("train: a loss has one element, this has %d", root.Size())
	}
	order := operators(root)
	root.Value().AccGrad(nn.Dense(1, 1, []float32{scale}))
	for i := len(order) - 1; i >= 0; i-- {
		op := order[i]
		g := op.Value().Grad()
		if isNil(g) {
			continue
		}
		if err := function(op).Backward(g); err != nil {
			return fmt.Errorf("train: backward: %w", err)
		}
		op.Value().ZeroGrad() // its work is done
	}
	return nil
}

// operators lists the operators below root that want a gradient, operands
// before what uses them.
func operators(root *ag.Operator) []*ag.Operator {
	type visit struct {
		op   *ag.Operator
		next int // the operand to visit next
	}
	var order []*ag.Operator
	seen := map[*ag.Operator]bool{root: true}
	stack := []visit{{op: root}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		operands := top.op.Operands()
		if top.next == len(operands) {
			order = append(order, top.op)
			stack = stack[:len(stack)-1]
			continue
		}
		operand := operands[top.next]
		top.next++
		if op, ok := operand.(*ag.Operator); ok && !seen[op] && op.RequiresGrad() {
			seen[op] = true
			stack = append(stack, visit{op: op})
		}
	}
	return order
}

// function returns the function of an operator. ag keeps it in a private field,
// and its own Backward, which has no order, is the only exported way to it.
func function(op *ag.Operator) ag.AutoGradFunction {
	f := reflect.ValueOf(op).Elem().FieldByName("fn")
	return *(*ag.AutoGradFunction)(unsafe.Pointer(f.UnsafeAddr()))
}

func isNil(t mat.Tensor) bool {
	if t == nil {
		return true
	}
	v := reflect.ValueOf(t)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
